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
        let search = HistoryKinds.search(filter, definitions, includesGaps: includesGaps, from: from, to: to)
        let end = min(before, asOf + 1)
        var writer = PageWriter(definitions: definitions, style: style)
        if newest {
            try writeNewest(compiled, search, end, &writer, &page)
        } else {
            try writeFirst(compiled, search, end, &writer, &page)
        }
        findHoles(before: end, newest: newest, &page)
    }

    /// What is missing of the positions that the answer depends on.
    private func findHoles(before end: UInt64, newest: Bool, _ page: inout Page) {
        guard !isAfter(engine.journal.earliest.receivedNanoseconds) else { return }
        let first = newest && page.count == limit ? max(after, page.first - 1) : after
        let last = page.moreAfter.map { min($0 + 1, end) } ?? end
        page.holes += History(engine).holes(after: first, before: last, of: filter, from: from, to: to)
    }

    /// Whether the range by time begins behind everything that was received before. What is more than 5 s ahead of its
    /// receive time is not believed.
    func isAfter(_ received: Int64) -> Bool {
        guard let from else { return false }
        return from > received + 5_000_000_000
    }

    private func writeFirst(
        _ compiled: CompiledFilter, _ search: JournalFilter, _ end: UInt64, _ writer: inout PageWriter,
        _ page: inout Page
    ) throws {
        guard after + 1 < end else { return }
        var looked = 0
        var isOver = false
        try History(engine).forEach(after: after, through: end - 1, matching: search) { record in
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
        _ compiled: CompiledFilter, _ search: JournalFilter, _ end: UInt64, _ writer: inout PageWriter,
        _ page: inout Page
    ) throws {
        let found = try History(engine).newest(limit, after: after, before: end, matching: search) {
            isWanted($0, compiled)
        }
        found.withUnsafeBytes { bytes in
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
