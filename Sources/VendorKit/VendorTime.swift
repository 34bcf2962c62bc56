public import EventFormat
public import JSONReading

/// Times as vendors write them.
public enum VendorTime {
    /// Nanoseconds of a number of seconds; 0 for what is no time between 1970 and 2262.
    @inlinable @inline(__always)
    public static func seconds(_ seconds: Double) -> Int64 {
        seconds > 0 && seconds < 9.2e9 ? Int64(seconds) &* 1_000_000_000 : 0
    }

    /// Nanoseconds of a number of milliseconds; 0 for what is no time between 1970 and 2262.
    @inlinable @inline(__always)
    public static func milliseconds(_ milliseconds: Double) -> Int64 {
        milliseconds > 0 && milliseconds < 9.2e12 ? Int64(milliseconds) &* 1_000_000 : 0
    }

    /// Nanoseconds of `2025-01-06`, `2025-01-06 09:35:00` (or a `T` between, seconds optional), read as UTC where
    /// neither `Z` nor an offset such as `+01:00` follows; `nil` = it is no time.
    public static func text(_ text: JSONText) -> Int64? {
        let bytes = text.bytes
        func number(_ from: Int, _ count: Int) -> Int64? {
            guard from + count <= bytes.count else { return nil }
            var value: Int64 = 0
            for index in from..<(from + count) {
                guard bytes[index] &- 48 < 10 else { return nil }
                value = value * 10 + Int64(bytes[index] - 48)
            }
            return value
        }
        guard let year = number(0, 4), let month = number(5, 2), let day = number(8, 2), bytes[4] == 45, bytes[7] == 45,
            year >= 1700, year < 2262
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        guard date.isValid else { return nil }
        var seconds = date.dayNumber * 86_400
        if bytes.count == 10 { return seconds * 1_000_000_000 }
        guard bytes[10] == 32 || bytes[10] == UInt8(ascii: "T"), let hour = number(11, 2), let minute = number(14, 2),
            bytes[13] == 58, hour < 24, minute < 60
        else { return nil }
        seconds += hour * 3600 + minute * 60
        var at = 16
        if at < bytes.count, bytes[at] == 58 {
            guard let second = number(at + 1, 2), second <= 60 else { return nil }
            seconds += second
            at += 3
        }
        if at < bytes.count, bytes[at] == 46 {
            at += 1
            while at < bytes.count, bytes[at] &- 48 < 10 { at += 1 }
        }
        if at == bytes.count || bytes[at] == UInt8(ascii: "Z") { return seconds * 1_000_000_000 }
        guard bytes[at] == 43 || bytes[at] == 45, let hours = number(at + 1, 2) else { return nil }
        let minutes = number(at + 4, 2) ?? number(at + 3, 2) ?? 0
        let offset = hours * 3600 + minutes * 60
        return (bytes[at] == 43 ? seconds - offset : seconds + offset) * 1_000_000_000
    }

    /// When a bar is over: its length later, a month's on the first of the next one.
    public static func end(ofBarAt open: Int64, intervalSeconds: UInt32) -> Int64 {
        guard intervalSeconds == 2_592_000 else { return open + Int64(intervalSeconds) * 1_000_000_000 }
        var date = CivilDate(day: CivilDate.day(ofNanoseconds: open))
        date.month += 1
        if date.month > 12 {
            date.month = 1
            date.year += 1
        }
        date.day = 1
        return date.dayNumber * CivilDate.nanosecondsPerDay
    }

    /// `2025-01-06` of a time, in UTC.
    public static func date(_ nanoseconds: Int64) -> String { TimeText.date(nanoseconds) }

    /// `2025-01-06 09:35:00` of a time, in UTC.
    public static func dateAndTime(_ nanoseconds: Int64) -> String {
        let iso = TimeText.iso(nanoseconds)
        return "\(iso.prefix(10)) \(iso.dropFirst(11).prefix(8))"
    }
}
