import EventFormat
import HubJournal
import HubModel
import HubRuntime
import HubStore
import PluginABI

/// What the server reads of the past: the store where the journal has let go, the journal elsewhere.
///
/// Everything here blocks: not for an event loop.
struct History {
    let engine: any EngineAccess

    init(_ engine: any EngineAccess) {
        self.engine = engine
    }

    /// Waits until the store has everything up to a position.
    func wait(for seq: UInt64) throws {
        guard engine.store.waitUntil(seq) else {
            throw Problem(.overloaded, "the store is behind the journal; try again in a moment")
        }
    }

    /// Kept records between two positions, both exclusive.
    func read(after: UInt64, before: UInt64) throws -> HistoryChunk {
        guard before > after + 1 else { return HistoryChunk(records: [], last: after) }
        try wait(for: before - 1)
        let (records, last) = try engine.store.records(after: after, before: before)
        return HistoryChunk(records: records, last: last)
    }

    /// Calls `body` with every gap record up to a position, in order by `seq`.
    func gaps(through seq: UInt64, _ body: (UnsafePointer<hub_record>) -> Void) throws {
        let kinds = KindSet([HUB_GAP])
        let earliest = engine.journal.earliest.seq
        if earliest > 1 {
            let last = min(seq, earliest - 1)
            try wait(for: last)
            try engine.store.forEachRecord(after: 0, through: last, kinds: kinds) {
                body($0)
                return true
            }
        }
        guard seq >= earliest else { return }
        try engine.journal.forEach(after: earliest - 1, through: seq, matching: JournalFilter(kinds: kinds)) {
            body($0)
            return true
        }
    }

    /// The newest kept records before a position and after another one, oldest first, one behind the other.
    func newest(
        _ count: Int, after: UInt64, before: UInt64, where isWanted: (UnsafePointer<hub_record>) -> Bool
    ) throws -> [UInt8] {
        try wait(for: before - 1)
        return try withoutActuallyEscaping(isWanted) { isWanted in
            try engine.store.newestRecords(count, before: before) { $0.pointee.seq > after && isWanted($0) }
        }
    }

    /// Rows of bars of an instrument, the newest revision of each that is known at a position, oldest first.
    ///
    /// - Parameter newest: the newest `limit` of the range, else the first.
    func rows(
        of symbol: Symbol, interval: Interval, from: Int64?, to: Int64?, through seq: UInt64, limit: Int, newest: Bool
    ) throws -> [BarRow] {
        let range = SeriesRange(
            fromNanoseconds: from, toNanoseconds: to, through: seq, limit: limit, takesNewest: newest)
        return try rows(of: [symbol], interval: interval, range, total: .max).first ?? []
    }

    /// The same for several instruments by one query, in the order asked.
    ///
    /// - Parameter total: ends after the instrument with which there are so many rows; those behind it are left out.
    func rows(of symbols: [Symbol], interval: Interval, _ range: SeriesRange, total: Int) throws -> [[BarRow]] {
        try wait(for: range.through)
        let texts = symbols.map(\.text)
        for isExact in [false, true] {
            var all = [[BarRow]](repeating: [], count: symbols.count)
            if symbols.count == 1, range.limit > 4096 { all[0].reserveCapacity(min(range.limit, 1 << 17)) }
            var count = 0
            var current = 0
            let isWhole = try engine.store.readBars(of: texts, interval: interval.rawValue, range, isExact: isExact) {
                if $0 != current, count >= total { return false }
                current = $0
                all[$0].append(contentsOf: $1.lazy.map(BarRow.init))
                count += $1.count
                return true
            }
            guard isWhole || isExact else { continue }
            if range.takesNewest {
                for index in all.indices where all[index].count > range.limit {
                    all[index].removeFirst(all[index].count - range.limit)
                }
            }
            return count >= total ? Array(all[...current]) : all
        }
        return []
    }

    /// Bars of an instrument, the newest revision of each that is known at a position, oldest first.
    ///
    /// - Parameter newest: the newest `limit` of the range, else the first.
    func bars(
        of symbol: Symbol, interval: Interval, from: Int64?, to: Int64?, through seq: UInt64, limit: Int, newest: Bool
    ) throws -> [hub_bar] {
        try wait(for: seq)
        return try engine.store.bars(
            symbol: symbol.text, interval: interval.rawValue,
            SeriesRange(
                fromNanoseconds: from, toNanoseconds: to, through: seq, limit: limit, takesNewest: newest))
    }
}
