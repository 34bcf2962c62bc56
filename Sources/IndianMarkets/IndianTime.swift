import EventFormat

/// Times as Indian brokers write them: in the country's one zone, 5 h 30 before UTC, without summer time.
public enum IndianTime {
    /// Of the zone, in nanoseconds.
    public static let offset: Int64 = 19_800_000_000_000
    private static let second: Int64 = 1_000_000_000

    /// The nanoseconds since the Unix epoch of `2025-01-06 09:15:00`, `2025-01-06T09:15:00+0530`,
    /// `…+05:30`, `…Z`, with or without a fraction or seconds, or of a bare date (midnight). Without a zone it is the
    /// country's. `nil`: none of these.
    public static func nanoseconds(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        var fields = Fields(text)
        guard let year = fields.number(digits: 4), fields.take(UInt8(ascii: "-")),
            let month = fields.number(digits: 2), fields.take(UInt8(ascii: "-")),
            let day = fields.number(digits: 2)
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        // Beyond these years nanoseconds do not fit.
        guard (1700...2261).contains(year), date.isValid else { return nil }
        let midnight = date.dayNumber * CivilDate.nanosecondsPerDay
        if fields.isAtEnd { return midnight - offset }
        guard fields.take(UInt8(ascii: "T")) || fields.take(UInt8(ascii: " ")),
            let hour = fields.number(digits: 2), hour < 24, fields.take(UInt8(ascii: ":")),
            let minute = fields.number(digits: 2), minute < 60
        else { return nil }
        var time = midnight + (hour * 3600 + minute * 60) * second
        if fields.take(UInt8(ascii: ":")) {
            guard let seconds = fields.number(digits: 2), seconds < 61 else { return nil }
            time += seconds * second
            if fields.take(UInt8(ascii: ".")) {
                guard let fraction = fields.fraction() else { return nil }
                time += fraction
            }
        }
        guard let zone = fields.zone(), fields.isAtEnd else { return nil }
        return time - zone
    }

    /// The same of a string.
    public static func nanoseconds(_ text: String) -> Int64? {
        var text = text
        return text.withUTF8 { nanoseconds($0) }
    }

    /// The days since 1970-01-01 of the date there at a time.
    public static func day(_ nanoseconds: Int64) -> Int64 { CivilDate.day(ofNanoseconds: nanoseconds &+ offset) }

    /// Midnight there, of a date.
    public static func midnight(ofDay day: Int64) -> Int64 { day &* CivilDate.nanosecondsPerDay &- offset }

    /// `2025-01-06`.
    public static func dateText(ofDay day: Int64) -> String {
        let date = CivilDate(day: day)
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
    }

    /// `2025-01-06 09:15:00` there.
    public static func text(_ nanoseconds: Int64) -> String {
        let day = day(nanoseconds)
        let rest = (nanoseconds - midnight(ofDay: day)) / second
        return "\(dateText(ofDay: day)) \(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))"
    }

    /// The next time of day there, after a time: when credentials end.
    public static func next(hour: Int64, minute: Int64, after nanoseconds: Int64) -> Int64 {
        let today = midnight(ofDay: day(nanoseconds)) + (hour * 3600 + minute * 60) * second
        return today > nanoseconds ? today : today + CivilDate.nanosecondsPerDay
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    private struct Fields {
        private let text: UnsafeBufferPointer<UInt8>
        private var at = 0

        init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

        var isAtEnd: Bool { at == text.count }

        mutating func take(_ byte: UInt8) -> Bool {
            guard at < text.count, text[at] == byte else { return false }
            at += 1
            return true
        }

        mutating func number(digits: Int) -> Int64? {
            guard text.count - at >= digits else { return nil }
            var value: Int64 = 0
            for index in at..<(at + digits) {
                let digit = text[index] &- 48
                guard digit < 10 else { return nil }
                value = value * 10 + Int64(digit)
            }
            at += digits
            return value
        }

        /// Digits behind the point, as nanoseconds; those beyond the ninth do not count.
        mutating func fraction() -> Int64? {
            var value: Int64 = 0
            var weight: Int64 = 100_000_000
            let first = at
            while at < text.count, text[at] &- 48 < 10 {
                value += Int64(text[at] &- 48) * weight
                weight /= 10
                at += 1
            }
            return at > first ? value : nil
        }

        /// Nanoseconds before UTC; nothing there is the country's.
        mutating func zone() -> Int64? {
            if isAtEnd { return IndianTime.offset }
            if take(UInt8(ascii: "Z")) { return 0 }
            let isWest = take(UInt8(ascii: "-"))
            guard isWest || take(UInt8(ascii: "+")), let hours = number(digits: 2), hours < 24 else { return nil }
            _ = take(UInt8(ascii: ":"))
            guard let minutes = number(digits: 2), minutes < 60 else { return nil }
            let zone = (hours * 3600 + minutes * 60) * IndianTime.second
            return isWest ? -zone : zone
        }
    }
}
