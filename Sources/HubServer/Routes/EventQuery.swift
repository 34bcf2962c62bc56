import EventFormat
import HubJournal
import HubModel
import HubRuntime
import PluginABI

/// A search for events, in the store and the journal: what `/v1/events` and `/v1/trades` have in common.
///
/// Takes its time: not for an event loop.
struct EventQuery: Sendable {
    let engine: any EngineAccess
    let filter: SubscriptionFilter
    /// Whether gaps that concern the symbols are among the rows, as on the stream.
    let includesGaps: Bool
    /// By `time`, nanoseconds; `from` inclusive, `to` exclusive.
    var from: Int64?
    var to: Int64?
    /// By `seq`, both exclusive.
    var after: UInt64
    var before: UInt64
    /// Nothing behind this position is shown.
    var asOf: UInt64
    let limit: Int
    let deadline: Deadline

    /// Rows of one page.
    struct Page: ~Copyable {
        /// JSON objects with commas between them, or each on a line.
        var text = TextBuffer(capacity: 1 << 14)
        /// Each row ends with a line feed.
        var isLines = false
        var count = 0
        /// Position of the first row.
        var first: UInt64 = .max
        /// Position of the last row.
        var last: UInt64 = 0
        /// The same, where there are more rows behind it.
        var moreAfter: UInt64?
        var isSimulated = false
        var holes: [StreamHole] = []
        /// Times of the rows, for what touches them.
        var earliest = Int64.max
        var latest = Int64.min
    }

    /// Finds the first `limit` rows after `after`, or the newest `limit`.
    func run(newest: Bool, style: TimeStyle, into page: inout Page) throws {
        let definitions = engine.definitions.snapshot()
        let compiled = CompiledFilter(filter, definitions: definitions)
        let search = journalFilter(definitions)
        let end = min(before, asOf + 1)
        let journal = engine.journal.earliest
        let earliest = journal.seq
        var writer = PageWriter(definitions: definitions, style: style)
        if newest {
            try writeNewest(compiled, search, earliest, end, &writer, &page)
        } else {
            try writeFirst(compiled, search, earliest, end, &writer, &page)
        }
        if goesBelow(earliest, end, newest: newest, page), !isAfter(journal.receivedNanoseconds) {
            let types = HistoryKinds.lost(of: filter.selector)
            if !types.isEmpty {
                let hole = StreamHole(after: after, before: min(earliest, end), reason: .retention, types: types)
                page.holes.append(hole)
            }
        }
    }

    /// Whether the answer depends on positions that the journal has let go.
    private func goesBelow(_ earliest: UInt64, _ end: UInt64, newest: Bool, _ page: borrowing Page) -> Bool {
        guard after + 1 < min(earliest, end) else { return false }
        return !newest || page.count < limit || page.first < earliest
    }

    /// Whether the range by time begins behind everything that was received before. What is more than 5 s ahead of its
    /// receive time is not believed.
    private func isAfter(_ received: Int64) -> Bool {
        guard let from else { return false }
        return from > received + 5_000_000_000
    }

    private func writeFirst(
        _ compiled: CompiledFilter, _ search: JournalFilter, _ earliest: UInt64, _ end: UInt64,
        _ writer: inout PageWriter, _ page: inout Page
    ) throws {
        var position = after
        let history = History(engine)
        while position + 1 < min(earliest, end) {
            try deadline.check()
            let chunk = try history.read(after: position, before: min(earliest, end))
            let isFull = chunk.records.withUnsafeBytes { records in
                RecordChunk.forEach(records) { record in
                    guard isWanted(record, compiled) else { return true }
                    return writer.write(record, limit: limit, to: &page)
                }
            }
            if !isFull { return }
            position = max(chunk.last, position + 1)
        }
        guard position + 1 < end else { return }
        var looked = 0
        var isOver = false
        try engine.journal.forEach(after: position, through: end - 1, matching: search) { record in
            looked += 1
            if looked & 0xffff == 0, deadline.isOver {
                isOver = true
                return false
            }
            guard isWanted(record, compiled) else { return true }
            return writer.write(record, limit: limit, to: &page)
        }
        if isOver { try deadline.check() }
    }

    private func writeNewest(
        _ compiled: CompiledFilter, _ search: JournalFilter, _ earliest: UInt64, _ end: UInt64,
        _ writer: inout PageWriter, _ page: inout Page
    ) throws {
        // From the journal first: what is missing then is older and in the store.
        var fromJournal: [UInt8] = []
        var count = 0
        let wants: (UnsafePointer<hub_record>) -> Bool = { isWanted($0, compiled) }
        try engine.journal.newest(limit, before: end, floor: after, matching: search, where: wants) {
            fromJournal.append(
                contentsOf: UnsafeRawBufferPointer(start: $0, count: Int($0.pointee.lines) * Int(HUB_LINE)))
            count += 1
        }
        if count < limit, after + 1 < min(earliest, end) {
            let older = try History(engine).newest(limit - count, after: after, before: min(earliest, end)) {
                isWanted($0, compiled)
            }
            older.withUnsafeBytes { bytes in
                _ = RecordChunk.forEach(bytes) { writer.write($0, limit: limit, to: &page) }
            }
        }
        fromJournal.withUnsafeBytes { bytes in
            _ = RecordChunk.forEach(bytes) { writer.write($0, limit: limit, to: &page) }
        }
    }

    private func isWanted(_ record: UnsafePointer<hub_record>, _ compiled: CompiledFilter) -> Bool {
        if Int(record.pointee.kind) == HUB_GAP, !includesGaps { return false }
        if from != nil || to != nil {
            let time = EventTime.nanoseconds(record)
            if let from, time < from { return false }
            if let to, time >= to { return false }
        }
        return compiled.matches(record)
    }

    /// What lets the journal pass over blocks: the streams of the symbols and the kinds. It may let too much through.
    private func journalFilter(_ definitions: DefinitionTable) -> JournalFilter {
        let selector = filter.selector
        var kinds = Words.kinds.map(\.kind).filter { selector.mayMatch(kind: UInt8($0)) }
        if includesGaps { kinds.append(HUB_GAP) }
        let patterns = filter.entries.map(\.pattern)
        var streams: StreamSet?
        if !patterns.contains(where: { $0.text == "*" }) {
            // Events of sources and of the hub itself concern symbols they do not carry.
            let ids = definitions.streams.filter { stream in
                stream.symbol.isEmpty || patterns.contains { $0.matches(stream.symbol) }
            }
            streams = StreamSet([0] + ids.map(\.id))
        }
        // The time of a value is its bar's, which the index does not know.
        let knowsTime = !selector.mayMatch(kind: UInt8(HUB_VALUE))
        return JournalFilter(
            streams: streams, kinds: filter.isEverything ? .all : KindSet(kinds),
            fromNanoseconds: knowsTime ? from : nil, toNanoseconds: knowsTime ? to : nil)
    }
}

/// Writes events as rows.
struct PageWriter: ~Copyable {
    private let definitions: DefinitionTable
    private var encoder: EventEncoder

    init(definitions: DefinitionTable, style: TimeStyle) {
        self.definitions = definitions
        encoder = EventEncoder(timeStyle: style)
    }

    /// Answers whether there is room for more; the first that has none says so in `moreAfter`.
    mutating func write(_ record: UnsafePointer<hub_record>, limit: Int, to page: inout EventQuery.Page) -> Bool {
        guard page.count < limit else {
            page.moreAfter = page.last
            return false
        }
        encoder.encode(record, definitions: definitions, into: &page.text)
        if page.isLines {
            page.text.truncate(to: page.text.count)
            page.text.append(byte: 10)
        }
        page.count += 1
        page.last = record.pointee.seq
        page.first = min(page.first, page.last)
        if record.pointee.flags & UInt16(HUB_FLAG_SIMULATED) != 0 { page.isSimulated = true }
        let time = EventTime.nanoseconds(record)
        page.earliest = min(page.earliest, time)
        page.latest = max(page.latest, time)
        return true
    }
}

/// Records that lie one behind the other.
enum RecordChunk {
    /// Calls `body` with each record until it answers `false`; answers whether it went through all of them.
    @discardableResult
    static func forEach(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafePointer<hub_record>) -> Bool) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        var offset = 0
        while offset < bytes.count {
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
            if !body(record) { return false }
        }
        return true
    }
}
