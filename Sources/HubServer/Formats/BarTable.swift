import EventFormat
import HummingbirdCore
import NIOCore
import NIOPosix
import TableFormat

/// Rows of `/v1/bars` on their way out, in any shape, a slice at a time.
struct BarTable: Sendable {
    /// Rows of one instrument.
    struct Group: Sendable {
        var symbol: String
        /// Where its rows end; they begin where those of the group before end.
        var end: Int
    }

    var rows: [BarRow] = []
    var groups: [Group] = []
    let interval: Interval
    let style: TimeStyle
    let shape: TableShape
    /// JSON rows tell their symbol where there may be several.
    let showsSymbol: Bool

    init(interval: Interval, style: TimeStyle, shape: TableShape, showsSymbol: Bool) {
        self.interval = interval
        self.style = style
        self.shape = shape
        self.showsSymbol = showsSymbol
    }

    /// Rows of a slice: some 300 KiB of text.
    private static let sliceRows = 2048
    /// Rows of an Arrow batch: some MiB.
    private static let batchRows = 16_384

    /// Adds what the rows are made from.
    func add(to tag: inout ContentTag) {
        var start = 0
        for group in groups {
            tag.add(group.symbol)
            for row in rows[start..<group.end] {
                tag.add(row.origin &+ UInt64(bitPattern: row.time) &+ (row.state == .forming ? row.count << 1 : 0))
            }
            start = group.end
        }
    }

    /// The body of the answer.
    ///
    /// - Parameter end: what follows the rows in JSON.
    func body(end: ByteBuffer, _ call: Call, pool: NIOThreadPool) -> ResponseBody {
        let writer = BarTableWriter(self, end: end)
        // What fits into one slice is made at once: its length is known then.
        if rows.count <= Self.sliceRows {
            return call.trace.measure("encode") {
                var parts: [ByteBuffer] = []
                while let part = writer.next() { parts.append(part) }
                return ListReply.body(parts)
            }
        }
        return BodySlices { writer.next() }.body(pool: pool, trace: call.trace)
    }

    var columns: [TableColumn] {
        let words = BarRow.State.allCases.map(\.rawValue)
        return [
            .init("symbol", .word(groups.map(\.symbol))), .init("time", .time), .init("date", .date),
            .init("open", .number), .init("high", .number), .init("low", .number), .init("close", .number),
            .init("volume", .number), .init("count", .integer), .init("vwap", .number),
            .init("open_interest", .number), .init("state", .word(words)), .init("revision", .integer),
            .init("simulated", .flag),
        ]
    }

    fileprivate func rowsOfSlice() -> Int { shape == .arrow ? Self.batchRows : Self.sliceRows }
}

/// Makes the slices of a table, one after the other. One thread at a time.
private final class BarTableWriter: @unchecked Sendable {
    private let table: BarTable
    private let end: ByteBuffer
    private let arrow: ArrowStream
    private let text: BarRowText
    private var row = 0
    private var group = 0
    private var isOver = false

    init(_ table: BarTable, end: ByteBuffer) {
        self.table = table
        self.end = end
        arrow = ArrowStream(table.columns, timeStyle: table.style)
        text = BarRowText(style: table.style, showsDate: table.interval.isDateBased)
    }

    func next() -> ByteBuffer? {
        if isOver { return nil }
        let until = min(row + table.rowsOfSlice(), table.rows.count)
        var slice = TextBuffer(capacity: (until - row) * (table.shape == .arrow ? 96 : 190) + 4096)
        if row == 0 { begin(&slice) }
        if table.shape == .arrow {
            batch(row..<until, &slice)
        } else {
            forEachGroup(row..<until) { symbol, rows in write(rows, of: symbol, &slice) }
        }
        row = until
        guard row == table.rows.count else { return ByteBuffer(slice) }
        isOver = true
        if table.shape == .arrow { arrow.end(&slice) }
        var last = ByteBuffer(slice)
        if table.shape == .json { last.writeImmutableBuffer(end) }
        return last
    }

    private func begin(_ slice: inout TextBuffer) {
        switch table.shape {
        case .json: slice.append("{\"data\":[")
        case .ndjson: break
        case .csv: CSVText.header(table.columns, to: &slice)
        case .arrow: arrow.begin(&slice)
        }
    }

    /// Calls `body` with the part of each group that lies in a range of rows.
    private func forEachGroup(_ range: Range<Int>, _ body: (_ group: Int, _ rows: Range<Int>) -> Void) {
        var at = range.lowerBound
        while at < range.upperBound {
            while table.groups[group].end <= at { group += 1 }
            let until = min(table.groups[group].end, range.upperBound)
            body(group, at..<until)
            at = until
        }
    }

    private func write(_ rows: Range<Int>, of group: Int, _ slice: inout TextBuffer) {
        var symbol = TextBuffer(capacity: 128)
        if table.shape == .csv {
            CSVText.append(field: table.groups[group].symbol, to: &symbol)
        } else if table.showsSymbol {
            symbol.member("symbol", table.groups[group].symbol)
            symbol.append(byte: UInt8(ascii: ","))
        }
        let isFirst = rows.lowerBound == 0
        // Every JSON row but the first of all has a comma in front of it.
        if table.shape == .json, !isFirst { slice.wroteValue() }
        for index in rows {
            let figures = table.rows[index].figures
            switch table.shape {
            case .csv: text.appendLine(figures, symbol: symbol.bytes, to: &slice)
            case .ndjson:
                text.appendObject(figures, symbol: symbol.bytes, to: &slice)
                slice.truncate(to: slice.count)
                slice.append(byte: 10)
            default: text.appendObject(figures, symbol: symbol.bytes, to: &slice)
            }
        }
    }

    // MARK: Arrow

    private func batch(_ range: Range<Int>, _ slice: inout TextBuffer) {
        guard !range.isEmpty else { return }
        var withoutVWAP = 0
        var withoutInterest = 0
        var notSimulated = 0
        table.rows.withUnsafeBufferPointer { rows in
            for index in range {
                if !rows[index].vwap.isFinite { withoutVWAP += 1 }
                if !rows[index].openInterest.isFinite { withoutInterest += 1 }
                if !rows[index].isSimulated { notSimulated += 1 }
            }
        }
        let withoutDate = table.interval.isDateBased ? 0 : range.count
        let nulls = [0, 0, withoutDate, 0, 0, 0, 0, 0, 0, withoutVWAP, withoutInterest, 0, 0, notSimulated]
        let states = BarRow.State.allCases
        var indexes = [Int32](repeating: 0, count: range.count)
        forEachGroup(range) { group, part in
            for index in part { indexes[index - range.lowerBound] = Int32(group) }
        }
        let unit = table.style.nanosecondsInArrow
        table.rows.withUnsafeBufferPointer { all in
            let rows = UnsafeBufferPointer(rebasing: all[range])
            arrow.batch(rows: rows.count, needs: nulls.map { .init(nulls: $0) }, to: &slice) { column, room in
                switch column {
                case 0: indexes.withUnsafeBytes { room.values.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
                case 1: Self.fill(rows, room, as: Int64.self) { unit == 1 ? $0.time : TimeText.cut($0.time, by: unit) }
                case 2:
                    guard withoutDate == 0 else { return }
                    Self.fill(rows, room, as: Int32.self) { Int32(CivilDate.day(ofNanoseconds: $0.time)) }
                case 3: Self.fill(rows, room, as: Double.self) { $0.open }
                case 4: Self.fill(rows, room, as: Double.self) { $0.high }
                case 5: Self.fill(rows, room, as: Double.self) { $0.low }
                case 6: Self.fill(rows, room, as: Double.self) { $0.close }
                case 7: Self.fill(rows, room, as: Double.self) { $0.volume }
                case 8: Self.fill(rows, room, as: Int64.self) { Int64(truncatingIfNeeded: $0.count) }
                case 9: Self.fillFinite(rows, room) { $0.vwap }
                case 10: if withoutInterest < rows.count { Self.fillFinite(rows, room) { $0.openInterest } }
                case 11:
                    Self.fill(rows, room, as: Int32.self) { row in
                        row.state == .closed ? 0 : Int32(states.firstIndex(of: row.state) ?? 0)
                    }
                case 12: Self.fill(rows, room, as: Int64.self) { Int64($0.revision) }
                default:
                    let bits = room.values.assumingMemoryBound(to: UInt8.self)
                    for (index, row) in rows.enumerated() where row.isSimulated {
                        bits[index >> 3] |= 1 << (index & 7)
                        room.validity?[index >> 3] |= 1 << (index & 7)
                    }
                }
            }
        }
    }

    @inline(__always)
    private static func fill<Value>(
        _ rows: UnsafeBufferPointer<BarRow>, _ room: ArrowStream.Room, as type: Value.Type,
        _ value: (borrowing BarRow) -> Value
    ) {
        let values = room.values.assumingMemoryBound(to: Value.self)
        for index in 0..<rows.count { values[index] = value(rows[index]) }
    }

    @inline(__always)
    private static func fillFinite(
        _ rows: UnsafeBufferPointer<BarRow>, _ room: ArrowStream.Room, _ value: (borrowing BarRow) -> Double
    ) {
        let values = room.values.assumingMemoryBound(to: Double.self)
        for index in 0..<rows.count {
            let number = value(rows[index])
            guard number.isFinite else { continue }
            values[index] = number
            room.validity?[index >> 3] |= 1 << (index & 7)
        }
    }
}

extension TimeStyle {
    /// Nanoseconds in the unit of Arrow's times.
    fileprivate var nanosecondsInArrow: Int64 {
        switch self {
        case .microseconds: 1000
        case .milliseconds: 1_000_000
        case .seconds: 1_000_000_000
        case .nanoseconds, .iso: 1
        }
    }
}
