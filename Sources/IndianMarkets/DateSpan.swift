/// Ranges of dates, and their parts that a vendor answers in one call.
public struct DateSpan: Sendable, Equatable {
    /// Days since 1970-01-01; both belong to it.
    public var first: Int64
    public var last: Int64

    /// Makes a span.
    public init(first: Int64, last: Int64) {
        self.first = first
        self.last = last
    }

    /// Parts of at most so many days, oldest first; 0 = no limit.
    public func parts(days: Int64) -> [DateSpan] {
        guard first <= last else { return [] }
        guard days > 0 else { return [self] }
        return stride(from: first, through: last, by: Int(days)).map {
            DateSpan(first: $0, last: min(last, $0 + days - 1))
        }
    }
}
