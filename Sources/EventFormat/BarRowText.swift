/// The figures of one row of `/v1/bars`.
public struct BarFigures: Sendable {
    /// Open of the bar, nanoseconds.
    public var time: Int64
    public var open: Double
    public var high: Double
    public var low: Double
    public var close: Double
    public var volume: Double
    /// NaN = cannot be told.
    public var vwap: Double
    /// NaN = none.
    public var openInterest: Double
    public var count: UInt64
    /// At most 16 bytes.
    public var state: String
    public var revision: UInt16
    public var isSimulated: Bool

    public init(
        time: Int64, open: Double, high: Double, low: Double, close: Double, volume: Double, vwap: Double,
        openInterest: Double, count: UInt64, state: String, revision: UInt16, isSimulated: Bool
    ) {
        self.time = time
        self.open = open
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume
        self.vwap = vwap
        self.openInterest = openInterest
        self.count = count
        self.state = state
        self.revision = revision
        self.isSimulated = isSimulated
    }
}

/// Rows of bars as text: room for a row is made once, then its numbers are written without looking at it again.
public struct BarRowText: Sendable {
    private let style: TimeStyle
    /// Rows of days and longer tell their date.
    private let showsDate: Bool

    public init(style: TimeStyle, showsDate: Bool) {
        self.style = style
        self.showsDate = showsDate
    }

    /// Appends an object, with a comma where one is due.
    ///
    /// - Parameter symbol: bytes of the member with its comma, `"symbol":"NSE:TCS",`, or none.
    public func appendObject(_ row: BarFigures, symbol: UnsafeRawBufferPointer, to text: inout TextBuffer) {
        text.separate()
        text.withRoom(640 + symbol.count) { out in
            var cursor = ByteCursor(at: out, style: style)
            cursor.put(byte: UInt8(ascii: "{"))
            if let bytes = symbol.baseAddress {
                cursor.put(bytes.assumingMemoryBound(to: UInt8.self), symbol.count)
            }
            cursor.put("\"time\":")
            cursor.put(time: row.time)
            if showsDate {
                cursor.put(",\"date\":\"")
                putDate(row.time, &cursor)
                cursor.put(byte: UInt8(ascii: "\""))
            }
            cursor.put(",\"open\":")
            cursor.put(row.open)
            cursor.put(",\"high\":")
            cursor.put(row.high)
            cursor.put(",\"low\":")
            cursor.put(row.low)
            cursor.put(",\"close\":")
            cursor.put(row.close)
            cursor.put(",\"volume\":")
            cursor.put(row.volume)
            cursor.put(",\"count\":")
            cursor.put(row.count)
            cursor.put(",\"vwap\":")
            if row.vwap.isFinite { cursor.put(row.vwap) } else { cursor.put("null") }
            cursor.put(",\"open_interest\":", ifGiven: row.openInterest)
            cursor.put(",\"state\":\"")
            cursor.put(word: row.state)
            cursor.put("\",\"revision\":")
            cursor.put(UInt64(row.revision))
            if row.isSimulated { cursor.put(",\"simulated\":true") }
            cursor.put(byte: UInt8(ascii: "}"))
            return cursor.at - out
        }
        text.wroteValue()
    }

    /// Appends a line of CSV with the columns symbol, time, date, open, high, low, close, volume, count, vwap, open_interest,
    /// state, revision, simulated.
    ///
    /// - Parameter symbol: the field, in quotes if it needs them.
    public func appendLine(_ row: BarFigures, symbol: UnsafeRawBufferPointer, to text: inout TextBuffer) {
        text.withRoom(640 + symbol.count) { out in
            var cursor = ByteCursor(at: out, style: style)
            if let bytes = symbol.baseAddress {
                cursor.put(bytes.assumingMemoryBound(to: UInt8.self), symbol.count)
            }
            cursor.put(byte: UInt8(ascii: ","))
            putPlainTime(row.time, &cursor)
            cursor.put(byte: UInt8(ascii: ","))
            if showsDate { putDate(row.time, &cursor) }
            putNumbers(row, &cursor)
            cursor.put(byte: UInt8(ascii: ","))
            cursor.put(row.count)
            cursor.put(byte: UInt8(ascii: ","))
            if row.vwap.isFinite { cursor.put(row.vwap) }
            cursor.put(byte: UInt8(ascii: ","))
            if row.openInterest.isFinite { cursor.put(row.openInterest) }
            cursor.put(byte: UInt8(ascii: ","))
            cursor.put(word: row.state)
            cursor.put(byte: UInt8(ascii: ","))
            cursor.put(UInt64(row.revision))
            cursor.put(row.isSimulated ? ",true\n" : ",\n")
            return cursor.at - out
        }
    }

    @inline(__always)
    private func putNumbers(_ row: BarFigures, _ cursor: inout ByteCursor) {
        cursor.put(byte: UInt8(ascii: ","))
        cursor.put(row.open)
        cursor.put(byte: UInt8(ascii: ","))
        cursor.put(row.high)
        cursor.put(byte: UInt8(ascii: ","))
        cursor.put(row.low)
        cursor.put(byte: UInt8(ascii: ","))
        cursor.put(row.close)
        cursor.put(byte: UInt8(ascii: ","))
        cursor.put(row.volume)
    }

    private func putDate(_ time: Int64, _ cursor: inout ByteCursor) {
        TimeText.writeDate(day: CivilDate.day(ofNanoseconds: time), to: cursor.at)
        cursor.at += 10
    }

    /// A time without the quotes that JSON needs for text.
    private func putPlainTime(_ time: Int64, _ cursor: inout ByteCursor) {
        switch style {
        case .nanoseconds: cursor.at += IntegerText.write(time, to: cursor.at)
        case .iso: cursor.at += TimeText.writeISO(time, to: cursor.at)
        default: cursor.put(time: time)
        }
    }
}
