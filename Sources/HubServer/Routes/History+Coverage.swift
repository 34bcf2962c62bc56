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

    /// Kinds without series are counted in one pass.
    private func counted(
        _ symbols: [String], _ kinds: KindSet, _ from: Int64?, _ to: Int64?, _ seq: UInt64,
        _ definitions: DefinitionTable, _ deadline: Deadline
    ) throws -> [Coverage] {
        let counted = Words.kinds.map(\.kind).filter {
            $0 < 16 && $0 != HUB_BAR && $0 != HUB_VALUE && $0 != HUB_GAP && kinds.contains(UInt8($0))
        }
        guard !counted.isEmpty else { return [] }
        let places = Dictionary(uniqueKeysWithValues: symbols.enumerated().map { ($1, $0) })
        var placeOf = [Int32](repeating: -1, count: Int(definitions.nextStreamID))
        var streams: [UInt32] = []
        for stream in definitions.streams {
            guard let place = places[stream.symbol] else { continue }
            placeOf[Int(stream.id)] = Int32(place)
            streams.append(stream.id)
        }
        var found = [(count: UInt64, first: Int64, last: Int64)](
            repeating: (0, .max, .min), count: symbols.count * 16)
        let filter = JournalFilter(
            streams: StreamSet(streams), kinds: KindSet(counted), fromNanoseconds: from, toNanoseconds: to)
        var looked = 0
        try forEach(through: seq, matching: filter) { record in
            looked += 1
            if looked & 0xffff == 0, deadline.isOver { return false }
            let slot = Int(placeOf[Int(record.pointee.stream)]) * 16 + Int(record.pointee.kind)
            let time = record.pointee.ts_event
            found[slot].count += 1
            found[slot].first = min(found[slot].first, time)
            found[slot].last = max(found[slot].last, time)
            return true
        }
        try deadline.check()
        return found.indices.compactMap { slot in
            let (count, first, last) = found[slot]
            guard count > 0 else { return nil }
            return Coverage(symbol: symbols[slot / 16], kind: slot % 16, count: count, first: first, last: last)
        }
    }
}
