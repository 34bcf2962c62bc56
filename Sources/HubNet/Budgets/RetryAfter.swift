/// The header `Retry-After`: RFC 9110, section 10.2.3.
public enum RetryAfter: Hashable, Sendable {
    case seconds(Int64)
    /// Unix time in seconds.
    case date(Int64)

    /// Reads seconds or any of the three forms of an HTTP date; `nil` for anything else.
    public init?(_ text: String) {
        let words = text.split { $0 == " " || $0 == "\t" }
        if words.count == 1, (1...9).contains(words[0].utf8.count), words[0].utf8.allSatisfy(Self.isDigit) {
            self = .seconds(Int64(words[0])!)
            return
        }
        guard let date = Self.date(words) else { return nil }
        self = .date(date)
    }

    /// How long to wait, never below zero; a day at most, so that a wrong clock does not stop a provider for ever.
    ///
    /// - Parameter wallNanoseconds: the time of day now, Unix.
    public func waitNanoseconds(wallNanoseconds: Int64) -> Int64 {
        let longest: Int64 = 86_400_000_000_000
        switch self {
        case .seconds(let seconds): return min(seconds, 86_400) * 1_000_000_000
        case .date(let date):
            let (nanoseconds, overflow) = date.multipliedReportingOverflow(by: 1_000_000_000)
            return overflow ? longest : min(max(nanoseconds - wallNanoseconds, 0), longest)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
    private static func date(_ words: [Substring]) -> Int64? {
        switch words.count {
        case 6 where words[0].last == "," && words[5] == "GMT":
            return time(day: words[1], month: words[2], year: words[3], clock: words[4])
        case 4 where words[0].last == "," && words[3] == "GMT":
            let parts = words[1].split(separator: "-")
            guard parts.count == 3, parts[2].count == 2, let short = Int(parts[2]) else { return nil }
            // Two digits are within fifty years of now; no vendor's wait is longer.
            return time(
                day: parts[0], month: parts[1], year: "\(short < 70 ? 2000 + short : 1900 + short)", clock: words[2])
        case 5: return time(day: words[2], month: words[1], year: words[4], clock: words[3])
        default: return nil
        }
    }

    private static let months: [Substring] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func time(day: Substring, month: Substring, year: Substring, clock: Substring) -> Int64? {
        let parts = clock.split(separator: ":")
        guard let day = number(day, 1...31), let index = months.firstIndex(of: month),
            let year = number(year, 1970...9999), parts.count == 3, let hour = number(parts[0], 0...23),
            let minute = number(parts[1], 0...59), let second = number(parts[2], 0...60)
        else { return nil }
        // Days from the civil date, years beginning in March: H. Hinnant, "chrono-compatible low-level date algorithms".
        let month = Int64(index + 1)
        let years = month <= 2 ? year - 1 : year
        let era = years / 400
        let yearOfEra = years - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return days * 86_400 + hour * 3_600 + minute * 60 + second
    }

    private static func number(_ text: Substring, _ range: ClosedRange<Int64>) -> Int64? {
        guard text.utf8.allSatisfy(isDigit), let value = Int64(text), range.contains(value) else { return nil }
        return value
    }
}
