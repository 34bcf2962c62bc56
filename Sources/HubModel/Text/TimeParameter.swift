internal import EventFormat

/// Times as parameters give them: microseconds since the Unix epoch, RFC 3339, a date, `now`, or a distance back.
public enum TimeParameter {
    /// Nanoseconds since the Unix epoch, UTC.
    ///
    /// - Parameters:
    ///   - text: `1736174100123456`, `2025-01-06T14:35:00.5+05:30`, `2025-01-06` (00:00 UTC), `now`,
    ///     `-30s -5m -2h -5d -2w -1mo -1y` (`d` is 24 h; months and years keep the day and time of day, in UTC).
    ///   - now: the clock, in nanoseconds.
    /// - Throws: `ValueTextError`; integers of fewer than 14 digits are refused, they are seconds or milliseconds
    ///   taken for
    ///   microseconds.
    public static func parse(_ text: String, now: Int64) throws(ValueTextError) -> Int64 {
        let bytes = Array(text.utf8)
        guard let first = bytes.first else { throw error(text) }
        if text == "now" { return now }
        if first == UInt8(ascii: "-") { return try distanceBack(text, bytes.dropFirst(), now: now) }
        if bytes.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            guard bytes.count >= 14 else {
                throw error(text, "an integer is microseconds since 1970 and has at least 14 digits")
            }
            guard let microseconds = Digits.read(bytes), let nanoseconds = scaled(microseconds, 1000)
            else {
                throw error(text, "it is beyond the year 2262")
            }
            return nanoseconds
        }
        if let date = CivilDate(text) {
            guard let nanoseconds = scaled(date.dayNumber, 86_400_000_000_000) else {
                throw error(text, "it is not between the years 1678 and 2262")
            }
            return nanoseconds
        }
        return try rfc3339(text, bytes)
    }

    static func error(_ text: String, _ reason: String? = nil) -> ValueTextError {
        ValueTextError(
            expected:
                "a time: microseconds since 1970, 2025-01-06T14:35:00Z, 2025-01-06, now, or back from now as -5d",
            found: text, reason: reason)
    }

    private static func scaled(_ value: some BinaryInteger, _ factor: Int64) -> Int64? {
        let (product, overflow) = Int64(value).multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    private static func distanceBack(
        _ text: String, _ rest: ArraySlice<UInt8>, now: Int64
    ) throws(ValueTextError) -> Int64 {
        guard let (number, unit) = NumberWithUnit.read(String(decoding: rest, as: UTF8.self)) else {
            throw error(text)
        }
        let length: Int64
        switch unit {
        case "s": length = 1_000_000_000
        case "m": length = 60_000_000_000
        case "h": length = 3_600_000_000_000
        case "d": length = 86_400_000_000_000
        case "w": length = 604_800_000_000_000
        case "mo", "y":
            let months = number.multipliedReportingOverflow(by: unit == "mo" ? 1 : 12)
            guard !months.overflow, months.partialValue < 120_000 else {
                throw error(text, "it is too far back")
            }
            let dayLength: Int64 = 86_400_000_000_000
            let day = CivilDate(dayNumber: Int(now.flooredQuotient(dayLength)))
            let target = day.adding(months: -Int(months.partialValue))
            guard let midnight = scaled(target.dayNumber, dayLength) else {
                throw error(text, "it is too far back")
            }
            return midnight + now.flooredRemainder(dayLength)
        default:
            throw error(text, "the units are s, m, h, d, w, mo, y")
        }
        let (distance, overflow) = number.multipliedReportingOverflow(by: length)
        let (result, underflow) = now.subtractingReportingOverflow(distance)
        guard !overflow, !underflow else { throw error(text, "it is too far back") }
        return result
    }

    /// RFC 3339 with seconds, any number of their decimals (cut to nanoseconds), and a zone that must be given.
    private static func rfc3339(_ text: String, _ bytes: [UInt8]) throws(ValueTextError) -> Int64 {
        guard bytes.count >= 20, let date = CivilDate(String(decoding: bytes[0..<10], as: UTF8.self)),
            bytes[10] | 0x20 == UInt8(ascii: "t") || bytes[10] == UInt8(ascii: " "),
            bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), let hour = Digits.read(bytes[11..<13]),
            let minute = Digits.read(bytes[14..<16]), let second = Digits.read(bytes[17..<19])
        else { throw error(text) }
        // A leap second counts as the one before it.
        guard hour < 24, minute < 60, second <= 60 else {
            throw error(text, "there is no such time of day")
        }
        var at = 19
        var fraction: Int64 = 0
        if bytes[at] == UInt8(ascii: ".") {
            at += 1
            let digits = bytes[at...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard !digits.isEmpty else { throw error(text) }
            var scale: Int64 = 100_000_000
            for digit in digits.prefix(9) {
                fraction += Int64(digit - UInt8(ascii: "0")) * scale
                scale /= 10
            }
            at += digits.count
        }
        let zone = bytes[at...]
        let offsetSeconds: Int
        if zone.count == 1, let letter = zone.first, letter | 0x20 == UInt8(ascii: "z") {
            offsetSeconds = 0
        } else if zone.count == 6, let sign = zone.first,
            sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"),
            zone[at + 3] == UInt8(ascii: ":"), let hours = Digits.read(zone[(at + 1)..<(at + 3)]),
            let minutes = Digits.read(zone[(at + 4)..<(at + 6)]), hours < 24, minutes < 60
        {
            offsetSeconds = (hours * 3600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
        } else {
            throw error(text, "write the zone: Z or +05:30 (in an address a plus is %2B)")
        }
        let secondOfDay = hour * 3600 + minute * 60 + min(second, 59)
        let seconds = date.dayNumber * 86_400 + Int64(secondOfDay - offsetSeconds)
        guard let nanoseconds = scaled(seconds, 1_000_000_000) else {
            throw error(text, "it is not between the years 1678 and 2262")
        }
        return nanoseconds + fraction
    }
}
