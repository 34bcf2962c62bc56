/// So many requests in so long a time.
public struct RateLimit: Hashable, Sendable, CustomStringConvertible {
    /// At least 1.
    public let requests: Int
    /// At least a millisecond.
    public let windowNanoseconds: Int64

    /// - Precondition: both are above zero, and the window is a millisecond or longer.
    public init(requests: Int, windowNanoseconds: Int64) {
        precondition(requests > 0 && windowNanoseconds >= 1_000_000, "a rate needs requests and a window")
        self.requests = requests
        self.windowNanoseconds = windowNanoseconds
    }

    /// One written as `8/min`, `25/s`, `800/day` or `2000/30min`.
    public init(_ text: some StringProtocol) throws(RateTextError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let requests = Self.count(parts[0]), requests > 0 else {
            throw RateTextError(text: String(text))
        }
        let digits = parts[1].prefix { $0.isASCII && $0.isNumber }
        guard let times = digits.isEmpty ? 1 : Self.count(digits), times > 0,
            let unit = Self.units[String(parts[1].dropFirst(digits.count))]
        else { throw RateTextError(text: String(text)) }
        let (window, overflow) = unit.multipliedReportingOverflow(by: Int64(times))
        guard !overflow, window <= 366 * 86_400_000_000_000 else { throw RateTextError(text: String(text)) }
        self.init(requests: requests, windowNanoseconds: window)
    }

    /// Several that all hold, written as `50/s, 500/min, 2000/30min`.
    public static func list(_ text: String) throws(RateTextError) -> [RateLimit] {
        var limits: [RateLimit] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            var part = part.drop { $0 == " " }
            while part.last == " " { part.removeLast() }
            limits.append(try RateLimit(part))
        }
        return limits
    }

    /// As it is written in text.
    public var description: String {
        for (name, unit) in Self.written where windowNanoseconds % unit == 0 {
            let times = windowNanoseconds / unit
            return times == 1 ? "\(requests)/\(name)" : "\(requests)/\(times)\(name)"
        }
        return "\(requests)/\(windowNanoseconds)ns"
    }

    private static let written: [(String, Int64)] = [
        ("day", 86_400_000_000_000), ("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000),
    ]

    private static let units: [String: Int64] = [
        "ms": 1_000_000, "s": 1_000_000_000, "sec": 1_000_000_000, "min": 60_000_000_000, "m": 60_000_000_000,
        "h": 3_600_000_000_000, "hour": 3_600_000_000_000, "d": 86_400_000_000_000, "day": 86_400_000_000_000,
    ]

    private static func count(_ text: some StringProtocol) -> Int? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}

/// A text that is no rate.
public struct RateTextError: Error, Equatable, CustomStringConvertible {
    public let text: String

    public var description: String {
        "'\(text)' is not a rate: write requests, a slash and a time, such as 8/min, 25/s, 800/day or 2000/30min"
    }
}
