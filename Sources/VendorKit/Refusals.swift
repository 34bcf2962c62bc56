/// What a vendor refused because of the plan: learnt at run time, and asked again after a while, since plans change.
public struct Refusals: Sendable {
    private var until: [String: Int64] = [:]
    private let lastsNanoseconds: Int64

    /// None yet; each lasts for some hours.
    public init(hours: Int64 = 6) { lastsNanoseconds = hours * 3_600_000_000_000 }

    /// Remembers that something was refused.
    public mutating func add(_ what: String, nowNanoseconds: Int64) { until[what] = nowNanoseconds + lastsNanoseconds }

    /// Whether something was refused lately.
    public func contains(_ what: String, nowNanoseconds: Int64) -> Bool { (until[what] ?? .min) > nowNanoseconds }
}
