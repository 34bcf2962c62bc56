/// Times, nanoseconds since the Unix epoch, as text.
///
/// Coarser units are cut, not rounded: towards the past also before 1970, so that order is kept.
public enum TimeText {
    /// No time takes more, in any style, with its quotes.
    public static let maximumBytes = 40

    /// Writes a time as a JSON value: a number, or text with its quotes. At most `maximumBytes`; answers how many.
    @inline(__always)
    public static func write(
        _ nanoseconds: Int64, style: TimeStyle, to out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        switch style {
        case .microseconds: return IntegerText.write(cut(nanoseconds, by: 1000), to: out)
        case .milliseconds: return IntegerText.write(cut(nanoseconds, by: 1_000_000), to: out)
        case .seconds: return IntegerText.write(cut(nanoseconds, by: 1_000_000_000), to: out)
        case .nanoseconds:
            out[0] = UInt8(ascii: "\"")
            let length = IntegerText.write(nanoseconds, to: out + 1)
            out[1 + length] = UInt8(ascii: "\"")
            return length + 2
        case .iso:
            out[0] = UInt8(ascii: "\"")
            let length = writeISO(nanoseconds, to: out + 1)
            out[1 + length] = UInt8(ascii: "\"")
            return length + 2
        }
    }

    /// The time in RFC 3339 with nanoseconds, `2025-01-06T14:35:00.123456789Z`.
    public static func iso(_ nanoseconds: Int64) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: maximumBytes) { room in
            guard let base = room.baseAddress else { return "" }
            let length = writeISO(nanoseconds, to: base)
            return String(decoding: UnsafeBufferPointer(start: base, count: length), as: UTF8.self)
        }
    }

    /// The UTC date of a time, `2025-01-06`.
    public static func date(_ nanoseconds: Int64) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 10) { room in
            guard let base = room.baseAddress else { return "" }
            writeDate(day: CivilDate.day(ofNanoseconds: nanoseconds), to: base)
            return String(decoding: UnsafeBufferPointer(start: base, count: 10), as: UTF8.self)
        }
    }

    /// Divides and rounds down.
    @inline(__always)
    public static func cut(_ nanoseconds: Int64, by unit: Int64) -> Int64 {
        let quotient = nanoseconds / unit
        return nanoseconds < 0 && quotient &* unit != nanoseconds ? quotient &- 1 : quotient
    }

    /// Writes `2025-01-06T14:35:00.123456789Z`: 30 bytes, since 64 bits of nanoseconds end in the years 1677 and 2262.
    static func writeISO(_ nanoseconds: Int64, to out: UnsafeMutablePointer<UInt8>) -> Int {
        let day = CivilDate.day(ofNanoseconds: nanoseconds)
        // Wraps for the first day of the range only in the product, not in the difference.
        let inDay = nanoseconds &- day &* CivilDate.nanosecondsPerDay
        writeDate(day: day, to: out)
        let seconds = inDay / 1_000_000_000
        out[10] = UInt8(ascii: "T")
        IntegerText.writePadded(seconds / 3600, width: 2, to: out + 11)
        out[13] = UInt8(ascii: ":")
        IntegerText.writePadded(seconds / 60 % 60, width: 2, to: out + 14)
        out[16] = UInt8(ascii: ":")
        IntegerText.writePadded(seconds % 60, width: 2, to: out + 17)
        out[19] = UInt8(ascii: ".")
        IntegerText.writePadded(inDay % 1_000_000_000, width: 9, to: out + 20)
        out[29] = UInt8(ascii: "Z")
        return 30
    }

    /// Writes `2025-01-06`: 10 bytes.
    static func writeDate(day: Int64, to out: UnsafeMutablePointer<UInt8>) {
        let date = CivilDate(day: day)
        IntegerText.writePadded(date.year, width: 4, to: out)
        out[4] = UInt8(ascii: "-")
        IntegerText.writePadded(date.month, width: 2, to: out + 5)
        out[7] = UInt8(ascii: "-")
        IntegerText.writePadded(date.day, width: 2, to: out + 8)
    }
}

extension TextBuffer {
    /// Appends a time as a JSON value.
    public mutating func append(time nanoseconds: Int64, style: TimeStyle) {
        withRoom(TimeText.maximumBytes) { TimeText.write(nanoseconds, style: style, to: $0) }
    }
}
