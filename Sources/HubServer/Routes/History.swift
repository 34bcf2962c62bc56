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
