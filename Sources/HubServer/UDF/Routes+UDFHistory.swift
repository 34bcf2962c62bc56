import EventFormat
import HubFold
import HubJournal
import HubModel
import HubRuntime
import HummingbirdCore
import PluginABI

/// `/udf/history` and `/udf/marks`.
extension Routes {
    private static let mostUDFBars = 100_000
    private static let mostMarks = 1000

    /// Bars of one instrument as columns.
    ///
    /// `countback` wins over `from`: so many bars before `to`, wherever they begin. Where nothing is in the range, `nextTime`
    /// tells the newest bar before it, so that a chart over a long break knows where to go on.
    func udfHistory(_ call: Call) async throws -> Response {
        let parameters = UDFParameters(call.query)
        let symbol = try directories.current().one(parameters.required("symbol"))
        let interval = try parameters.resolution()
        guard let to = try parameters.seconds("to") else {
            throw Problem(.badParameter, "to is missing", faults: [.init("to", "is missing")])
        }
        let countback = try parameters.integer("countback", in: 1...Int.max).map { min($0, Self.mostUDFBars) }
        let from = try parameters.seconds("from")
        guard from != nil || countback != nil else {
            throw Problem(.badParameter, "from or countback is missing", faults: [.init("from", "is missing")])
        }
        if let from, countback == nil, from > to { throw Problem(.badRange, "from is after to") }
        let query = try await bars(of: symbol, interval: interval, from: countback == nil ? from : nil, to: to)
        return try await blocking {
            let rows = try query.rows(limit: countback ?? Self.mostUDFBars, newest: true)
            var text = TextBuffer(capacity: 1 << 12)
            text.beginObject()
            if rows.isEmpty {
                text.member("s", "no_data")
                // `countback` has looked at everything before `to` already.
                if countback == nil, let earlier = try query.ending(at: from).rows(limit: 1, newest: true).last {
                    text.member("nextTime", earlier.time / 1_000_000_000)
                }
            } else {
                text.member("s", "ok")
                text.column("t", rows) { $1.element($0.time / 1_000_000_000) }
                text.column("o", rows) { $1.element($0.open) }
                text.column("h", rows) { $1.element($0.high) }
                text.column("l", rows) { $1.element($0.low) }
                text.column("c", rows) { $1.element($0.close) }
                text.column("v", rows) { $1.element($0.volume) }
            }
            text.endObject()
            return Reply.json(text)
        }
    }

    /// Signals and gaps of an instrument, each at the bar it fell into.
    func udfMarks(_ call: Call) async throws -> Response {
        let parameters = UDFParameters(call.query)
        let symbol = try directories.current().one(parameters.required("symbol"))
        let interval = try parameters.resolution()
        let (from, to) = (try parameters.seconds("from") ?? 0, try parameters.seconds("to") ?? engine.wallNanoseconds)
        let head = engine.journal.head
        let calendar =
            engine.withFold { fold, _ in fold.calendar(of: symbol.text) } ?? TradingCalendar.forVenue(symbol.venue)
        return try await blocking {
            try History(engine).wait(for: head)
            let definitions = engine.definitions.snapshot()
            var marks: [UInt64: UDFMark] = [:]
            try engine.store.forEachRecord(after: 0, through: head, kinds: KindSet([HUB_SIGNAL, HUB_GAP])) { record in
                guard UDFMark.concerns(record, symbol, definitions), let mark = UDFMark(record) else { return true }
                // What is told last of a gap stands for it.
                marks[mark.id] = mark.time >= from && mark.time < to ? mark : nil
                return true
            }
            let shown = marks.values.sorted { ($0.time, $0.id) < ($1.time, $1.id) }.suffix(Self.mostMarks)
            return Reply.json(UDFMark.table(Array(shown), interval: interval, calendar: calendar))
        }
    }

    /// A search for bars of one instrument as they are known now, in its pipeline's session.
    private func bars(of symbol: Symbol, interval: Interval, from: Int64?, to: Int64) async throws -> ShapedBars {
        let (state, seq) = engine.withFold { fold, seq in (State(symbol, fold, interval, engine), seq) }
        guard let source = state.source else { throw notAvailable(state, interval) }
        try await published(seq)
        let query = BarQuery(
            engine: engine, symbol: symbol, interval: interval, source: source, calendar: state.calendar, from: from,
            to: to, asOf: seq, forming: state.forming, watermark: state.watermark)
        return ShapedBars(
            query: query, session: state.session, fills: false, smaller: state.smaller(interval, showsForming: true),
            now: engine.wallNanoseconds)
    }
}

/// Something that a chart shows beside a bar.
struct UDFMark {
    var id: UInt64
    /// Nanoseconds.
    var time: Int64
    var color: String
    var label: String
    var text: String

    /// A mark for a signal or a gap; `nil` for any other record.
    init?(_ record: UnsafePointer<hub_record>) {
        let pointer = RecordPointer(record)
        id = pointer.seq
        time = pointer.eventNanoseconds != 0 ? pointer.eventNanoseconds : pointer.receivedNanoseconds
        switch pointer.kind {
        case HUB_SIGNAL:
            let texts = RecordText.read(record, after: 48, count: 2)
            switch Words.direction(UnsafeRawPointer(record).assumingMemoryBound(to: hub_signal.self).pointee.direction)
            {
            case "bearish": color = "red"
            case "bullish": color = "green"
            default: color = "blue"
            }
            label = String(texts[0].prefix(1)).uppercased()
            text = texts[1].isEmpty ? texts[0] : texts[1]
        case HUB_GAP:
            let gap = pointer.asGap.pointee
            if gap.opened_by != 0 { id = gap.opened_by }
            time = gap.from
            color = "yellow"
            label = "G"
            text = "data is missing here: \(Words.gapReason(gap.reason) ?? "unknown")"
        default: return nil
        }
    }

    static func concerns(_ record: UnsafePointer<hub_record>, _ symbol: Symbol, _ definitions: DefinitionTable) -> Bool
    {
        guard Int(record.pointee.kind) == HUB_GAP else {
            return definitions.stream(record.pointee.stream)?.symbol == symbol.text
        }
        let symbols = GapText.symbols(record)
        return symbols.isEmpty || symbols.contains { GlobOverlap.overlap($0, symbol.text) }
    }

    /// Marks as UDF's columns; the time of each is that of the bar it belongs to, as charts ask for.
    static func table(_ marks: [UDFMark], interval: Interval, calendar: TradingCalendar) -> TextBuffer {
        var text = TextBuffer(capacity: 1024)
        text.beginObject()
        text.column("id", marks) { $1.element($0.id) }
        text.column("time", marks) { $1.element(calendar.bucketStart($0.time, interval) / 1_000_000_000) }
        text.column("color", marks) { $1.element($0.color) }
        text.column("text", marks) { $1.element($0.text) }
        text.column("label", marks) { $1.element($0.label) }
        text.column("labelFontColor", marks) { $1.element($0.color == "yellow" ? "black" : "white") }
        text.column("minSize", marks) { _, text in text.element(14) }
        text.endObject()
        return text
    }
}

extension TextBuffer {
    /// A member that is the array of one value a row: a column of UDF's tables.
    fileprivate mutating func column<Row>(
        _ name: StaticString, _ rows: [Row], _ write: (Row, inout TextBuffer) -> Void
    ) {
        key(name)
        beginArray()
        for row in rows { write(row, &self) }
        endArray()
    }
}
