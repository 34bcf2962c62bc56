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

    /// What all rows together say.
    struct Summary {
        /// Knows what the rows are made from.
        var tag = ContentTag()
        var earliest = Int64.max
        var latest = Int64.min
        var isSimulated = false
    }

    /// Looks at every row once.
    func summary() -> Summary {
        var summary = Summary()
        var start = 0
        rows.withUnsafeBufferPointer { rows in
            for group in groups {
                summary.tag.add(group.symbol)
                for row in rows[start..<group.end] {
                    summary.tag.add(
                        row.origin &+ UInt64(bitPattern: row.time) &+ (row.state == .forming ? row.count << 1 : 0))
                    summary.earliest = min(summary.earliest, row.time)
                    summary.latest = max(summary.latest, row.time)
                    summary.isSimulated = summary.isSimulated || row.isSimulated
                }
                start = group.end
            }
        }
        return summary
    }

    /// The group that a row belongs to.
    func group(of row: Int) -> Int { groups.firstIndex { $0.end > row } ?? groups.count }

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
        return BodySlices { writer.next() }.body(
            contentLength: writer.byteCount, readsAhead: true, pool: pool, trace: call.trace)
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

    fileprivate func rowsOfSlice() -> Int { shape == .arrow ? BarColumns.batchRows : Self.sliceRows }
}

/// Makes the slices of a table, one after the other. One thread at a time.
private final class BarTableWriter: @unchecked Sendable {
    private let table: BarTable
    private let end: ByteBuffer
    private let arrow: BarColumns
    private let text: BarRowText
    private var row = 0
    private var group = 0
    private var isOver = false

    init(_ table: BarTable, end: ByteBuffer) {
        self.table = table
        self.end = end
        arrow = BarColumns(table)
        text = BarRowText(style: table.style, showsDate: table.interval.isDateBased)
    }

    /// Bytes of all slices; `nil` where only making them tells.
    var byteCount: Int? { table.shape == .arrow ? arrow.byteCount : nil }

    func next() -> ByteBuffer? {
        if isOver { return nil }
        let until = min(row + table.rowsOfSlice(), table.rows.count)
        defer {
            row = until
            isOver = row == table.rows.count
        }
        if table.shape == .arrow { return arrow.batch(row..<until) }
        var slice = TextBuffer(capacity: (until - row) * 190 + 4096)
        if row == 0 { begin(&slice) }
        forEachGroup(row..<until) { symbol, rows in write(rows, of: symbol, &slice) }
        var last = ByteBuffer(slice)
        guard until == table.rows.count else { return last }
        if table.shape == .json { last.writeImmutableBuffer(end) }
        return last
    }

    private func begin(_ slice: inout TextBuffer) {
        switch table.shape {
        case .json: slice.append("{\"data\":[")
        case .ndjson, .arrow: break
        case .csv: CSVText.header(table.columns, to: &slice)
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
}
