/// A text that is not the value its place asks for.
public struct ValueTextError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is written in this place, for people: `a duration such as 250ms, 10s, 5m, 24h, 90d, 2w, 1y, forever or 0`.
    public let expected: String
    /// What stood there.
    public let found: String
    /// What is wrong with it, where that can be said more closely.
    public let reason: String?

    public init(expected: String, found: String, reason: String? = nil) {
        self.expected = expected
        self.found = found
        self.reason = reason
    }

    public var description: String {
        "expected \(expected), found '\(found)'" + (reason.map { ": \($0)" } ?? "")
    }
}

/// A length of time as `hub.yaml` writes it.
public enum ConfiguredDuration: Hashable, Sendable, CustomStringConvertible {
    /// Never negative.
    case nanoseconds(Int64)
    case forever

    /// Reads `250ms 10s 5m 24h 90d 2w 1y`, `forever`, `0`. A day is 24 h, a year 365 days.
    ///
    /// - Throws: `ValueTextError` for a number without a unit, an unknown unit or more than 292 years.
    public init(_ text: String) throws(ValueTextError) {
        let expected = "a duration such as 250ms, 10s, 5m, 24h, 90d, 2w, 1y, forever or 0"
        if text == "forever" {
            self = .forever
            return
        }
        if text == "0" {
            self = .nanoseconds(0)
            return
        }
        guard let (number, unit) = NumberWithUnit.read(text) else {
            throw ValueTextError(expected: expected, found: text)
        }
        let nanosecondsPerUnit: Int64? =
            switch unit {
            case "ms": 1_000_000
            case "s": 1_000_000_000
            case "m": 60_000_000_000
            case "h": 3_600_000_000_000
            case "d": 86_400_000_000_000
            case "w": 604_800_000_000_000
            case "y": 31_536_000_000_000_000
            default: nil
            }
        guard let nanosecondsPerUnit else {
            let reason = unit.isEmpty ? "a unit is required" : "unknown unit '\(unit)'"
            throw ValueTextError(expected: expected, found: text, reason: reason)
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: nanosecondsPerUnit)
        guard !overflow else {
            throw ValueTextError(
                expected: expected, found: text, reason: "write forever for more than 292 years")
        }
        self = .nanoseconds(product)
    }

    /// The length, or the largest there is for `forever`.
    public var nanosecondsOrMaximum: Int64 {
        switch self {
        case .nanoseconds(let value): value
        case .forever: .max
        }
    }

    /// The length, or `nil` for `forever`.
    public var nanoseconds: Int64? {
        switch self {
        case .nanoseconds(let value): value
        case .forever: nil
        }
    }

    /// The shortest way to write it that reads back to the same (below a millisecond: rounded down).
    public var description: String {
        guard case .nanoseconds(let value) = self else { return "forever" }
        guard value > 0 else { return "0" }
        let units: [(Int64, String)] = [
            (31_536_000_000_000_000, "y"), (604_800_000_000_000, "w"), (86_400_000_000_000, "d"),
            (3_600_000_000_000, "h"), (60_000_000_000, "m"), (1_000_000_000, "s"),
        ]
        for (length, name) in units where value % length == 0 { return "\(value / length)\(name)" }
        return "\(value / 1_000_000)ms"
    }
}

/// An amount of bytes as `hub.yaml` writes it.
public enum ConfiguredSize: Hashable, Sendable, CustomStringConvertible {
    case bytes(Int64)
    case none

    /// Reads `64KiB 10MB 2GiB`, `none`. `KiB MiB GiB TiB` are powers of 1024, `B KB MB GB TB` of 1000.
    ///
    /// - Throws: `ValueTextError` for a number without a unit or an unknown unit.
    public init(_ text: String) throws(ValueTextError) {
        let expected = "a size such as 64KiB, 10MB, 2GiB or none"
        if text == "none" {
            self = .none
            return
        }
        guard let (number, unit) = NumberWithUnit.read(text) else {
            throw ValueTextError(expected: expected, found: text)
        }
        let bytesPerUnit: Int64? =
            switch unit {
            case "B": 1
            case "KB", "kB": 1_000
            case "MB": 1_000_000
            case "GB": 1_000_000_000
            case "TB": 1_000_000_000_000
            case "KiB": 1 << 10
            case "MiB": 1 << 20
            case "GiB": 1 << 30
            case "TiB": 1 << 40
            default: nil
            }
        guard let bytesPerUnit else {
            let reason = unit.isEmpty ? "a unit is required" : "unknown unit '\(unit)'"
            throw ValueTextError(expected: expected, found: text, reason: reason)
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: bytesPerUnit)
        guard !overflow else {
            throw ValueTextError(expected: expected, found: text, reason: "it is too large")
        }
        self = .bytes(product)
    }

    /// The number of bytes, or `nil` for `none`.
    public var byteCount: Int64? {
        switch self {
        case .bytes(let value): value
        case .none: nil
        }
    }

    /// As it would be written.
    public var description: String {
        guard case .bytes(let value) = self else { return "none" }
        let units: [(Int64, String)] = [
            (1 << 40, "TiB"), (1_000_000_000_000, "TB"), (1 << 30, "GiB"), (1_000_000_000, "GB"),
            (1 << 20, "MiB"),
            (1_000_000, "MB"), (1 << 10, "KiB"), (1_000, "KB"),
        ]
        for (length, name) in units where value > 0 && value % length == 0 {
            return "\(value / length)\(name)"
        }
        return "\(value)B"
    }
}

/// A whole number with letters behind it.
enum NumberWithUnit {
    static func read(_ text: String) -> (number: Int64, unit: String)? {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let number = Digits.read(digits) else { return nil }
        let unit = text.utf8.dropFirst(digits.count)
        return (Int64(number), String(unit) ?? "")
    }
}
