import EventFormat
import HubJournal
import HubModel
import HubStore
import PluginABI

/// What there is of one kind of event of one instrument in a range.
struct Coverage: Sendable {
    var symbol: String
    var kind: Int
    /// Bars and values: length of the bars in seconds.
    var interval: UInt32 = 0
    /// Values: the definition's name.
    var name: String?
    /// Bars and values: so many times, whatever their revisions.
    var count: UInt64
    /// Times of the oldest and the newest, nanoseconds.
    var first: Int64
    var last: Int64
}

extension History {
    /// What there is of several instruments between two times, by symbol, kind, interval and name.
    ///
    /// - Parameters:
    ///   - kinds: of which something may be wanted.
    ///   - from: inclusive, nanoseconds; `to`: exclusive.
    func coverage(
        of symbols: [Symbol], kinds: KindSet, from: Int64?, to: Int64?, through seq: UInt64, deadline: Deadline
    ) throws -> [Coverage] {
        try wait(for: seq)
        let definitions = engine.definitions.snapshot()
        let texts = symbols.map(\.text)
        var rows: [Coverage] = []
        if kinds.contains(UInt8(HUB_BAR)) || kinds.contains(UInt8(HUB_VALUE)) {
            for series in try engine.store.seriesCoverage(of: texts, from: from, to: to, through: seq)
            where kinds.contains(UInt8(series.kind)) {
                var row = Coverage(
                    symbol: series.symbol, kind: series.kind, interval: series.number, count: series.count,
                    first: series.firstNanoseconds, last: series.lastNanoseconds)
                if series.kind == HUB_VALUE {
                    let definition = definitions.value(series.number)
                    row.interval = definition?.interval ?? 0
                    row.name = definition?.name
                }
                rows.append(row)
            }
        }
        rows += try counted(texts, kinds, from, to, seq, definitions, deadline)
        return rows.sorted {
            ($0.symbol, $0.kind, $0.interval, $0.name ?? "") < ($1.symbol, $1.kind, $1.interval, $1.name ?? "")
        }
    }

    /// Kinds without series: market data by what its chunks say of themselves, and what is not compacted yet one by one; others, of
    /// which there are few, from the store's rows.
    private func counted(
        _ symbols: [String], _ kinds: KindSet, _ from: Int64?, _ to: Int64?, _ seq: UInt64,
        _ definitions: DefinitionTable, _ deadline: Deadline
    ) throws -> [Coverage] {
        let counted = Words.kinds.map(\.kind).filter {
            $0 < 16 && $0 != HUB_BAR && $0 != HUB_VALUE && $0 != HUB_GAP && kinds.contains(UInt8($0))
        }
        guard !counted.isEmpty else { return [] }
        var counts = CountsByPlace(symbols, definitions)
        var filter = JournalFilter(
            streams: StreamSet(counts.streams), kinds: KindSet(counted.filter { Store.isPacked(UInt8($0)) }),
            fromNanoseconds: from, toNanoseconds: to)
        if !filter.kinds.kinds.isEmpty {
            let end = storedEnd(of: filter, through: seq)
            for count in try engine.store.countPacked(through: end, matching: filter) { counts.add(count) }
            try deadline.check()
            try count(after: end, through: seq, filter, &counts, deadline)
        }
        filter.kinds = KindSet(counted.filter { !Store.isPacked(UInt8($0)) })
        if !filter.kinds.kinds.isEmpty {
            try engine.store.forEachRecord(after: 0, through: seq, matching: filter) { record in
                counts.add(record, from: from, to: to)
                return true
            }
        }
        return counts.rows
    }

    private func count(
        after: UInt64, through seq: UInt64, _ filter: JournalFilter, _ counts: inout CountsByPlace, _ deadline: Deadline
    ) throws {
        var looked = 0
        try forEach(after: after, through: seq, matching: filter) { record in
            looked += 1
            if looked & 0xffff == 0, deadline.isOver { return false }
            counts.add(record, from: filter.fromNanoseconds, to: filter.toNanoseconds)
            return true
        }
        try deadline.check()
    }

    /// The last position up to which the store alone has all that is left of a filter's: where it has compacted, unless retention has
    /// taken there what the journal still has.
    func storedEnd(of filter: JournalFilter, through seq: UInt64) -> UInt64 {
        let first = engine.journal.earliest.seq
        let end = min(engine.store.compactedTo, seq)
        guard end >= first else { return end }
        return engine.store.holes(after: first - 1, through: end, matching: filter).isEmpty ? end : first - 1
    }
}

/// Sums by instrument and kind.
private struct CountsByPlace {
    let streams: [UInt32]
    private let symbols: [String]
    private var placeOf: [Int32]
    private var found: [(count: UInt64, first: Int64, last: Int64)]

    init(_ symbols: [String], _ definitions: DefinitionTable) {
        self.symbols = symbols
        let places = Dictionary(symbols.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        placeOf = [Int32](repeating: -1, count: Int(definitions.nextStreamID))
        var streams: [UInt32] = []
        for stream in definitions.streams {
            guard let place = places[stream.symbol] else { continue }
            placeOf[Int(stream.id)] = Int32(place)
            streams.append(stream.id)
        }
        self.streams = streams
        found = Array(repeating: (0, .max, .min), count: symbols.count * 16)
    }

    mutating func add(_ count: EventCount) {
        add(count.stream, count.kind, count.count, count.firstNanoseconds, count.lastNanoseconds)
    }

    mutating func add(_ record: UnsafePointer<hub_record>, from: Int64?, to: Int64?) {
        let time = EventTime.nanoseconds(record)
        guard time >= from ?? .min, to.map({ time < $0 }) ?? true else { return }
        add(record.pointee.stream, record.pointee.kind, 1, time, time)
    }

    private mutating func add(_ stream: UInt32, _ kind: UInt8, _ count: UInt64, _ first: Int64, _ last: Int64) {
        guard Int(stream) < placeOf.count, placeOf[Int(stream)] >= 0, kind < 16 else { return }
        let slot = Int(placeOf[Int(stream)]) * 16 + Int(kind)
        found[slot].count += count
        found[slot].first = min(found[slot].first, first)
        found[slot].last = max(found[slot].last, last)
    }

    var rows: [Coverage] {
        found.indices.compactMap { slot in
            let (count, first, last) = found[slot]
            guard count > 0 else { return nil }
            return Coverage(symbol: symbols[slot / 16], kind: slot % 16, count: count, first: first, last: last)
        }
    }
}
