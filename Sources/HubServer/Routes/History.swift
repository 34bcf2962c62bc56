import EventFormat
import HubChunks
import HubJournal
import HubModel
import HubRuntime
import HubStore
import PluginABI

/// What the server reads of the past: the store where the journal has let go, the journal elsewhere. Where one ends and the
/// other begins, and that it moves meanwhile, is known here alone.
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

    /// Calls `body` with records of a filter after a position and up to another one, in order by `seq`, until it answers `false`:
    /// out of the store what the journal has let go, out of the journal the rest. Times in the filter only let things be passed
    /// over.
    ///
    /// - Parameter onHole: told what is missing, at its place.
    func forEach(
        after seq: UInt64, through last: UInt64, matching filter: JournalFilter,
        onHole: (StoreHole) -> Void = { _ in }, _ body: (UnsafePointer<hub_record>) -> Bool
    ) throws {
        var position = seq
        var goesOn = true
        while goesOn, position < last {
            let earliest = engine.journal.earliest.seq
            if position + 1 < earliest {
                let end = min(earliest - 1, last)
                try wait(for: end)
                goesOn = try forEachStored(after: position, through: end, matching: filter, onHole: onHole, body)
                position = end
                continue
            }
            // The journal compares `ts_event` alone, which some records do not have.
            var untimed = filter
            untimed.fromNanoseconds = nil
            untimed.toNanoseconds = nil
            let looked = try engine.journal.forEach(
                after: position, through: last, matching: untimed, stopsWhereGone: true
            ) {
                goesOn = body($0)
                return goesOn
            }
            // The journal ends here, or retention was faster: then the store has it.
            guard looked > position || engine.journal.earliest.seq > position + 1 else { return }
            position = looked
        }
    }

    private func forEachStored(
        after seq: UInt64, through last: UInt64, matching filter: JournalFilter, onHole: (StoreHole) -> Void,
        _ body: (UnsafePointer<hub_record>) -> Bool
    ) throws -> Bool {
        let reader = engine.store.reader(after: seq, through: last, matching: filter)
        var buffer = RecordBuffer(capacity: 1 << 14)
        // Who wants a few records should not wait for many.
        var most = 1 << 14
        while true {
            buffer.removeAll()
            let stop = try reader.read(into: &buffer, maxBytes: most)
            most = min(most * 4, 1 << 20)
            guard RecordChunk.forEach(buffer.bytes, body) else { return false }
            switch stop {
            case .full: break
            case .hole(let hole): onHole(hole)
            case .end: return true
            }
        }
    }

    /// What is missing of a filter's between two positions, both exclusive, as far as it asks for it; with times, what
    /// certainly lies outside of them does not count.
    func holes(
        after: UInt64, before: UInt64, of filter: SubscriptionFilter, from: Int64? = nil, to: Int64? = nil
    ) -> [StreamHole] {
        let end = min(before, engine.journal.earliest.seq)
        guard end > after + 1 else { return [] }
        var search = HistoryKinds.search(filter, engine.definitions.snapshot())
        search.fromNanoseconds = from
        search.toNanoseconds = to
        return engine.store.holes(after: after, through: end - 1, matching: search)
            .compactMap { StreamHole($0, of: filter.selector) }
    }

    /// Calls `body` with every gap record up to a position, in order by `seq`.
    func gaps(through seq: UInt64, _ body: (UnsafePointer<hub_record>) -> Void) throws {
        try forEach(after: 0, through: seq, matching: JournalFilter(kinds: KindSet([HUB_GAP]))) {
            body($0)
            return true
        }
    }

    /// The newest records of a filter before a position and after another one, oldest first, one behind the other.
    func newest(
        _ count: Int, after: UInt64, before: UInt64, matching filter: JournalFilter,
        where isWanted: (UnsafePointer<hub_record>) -> Bool
    ) throws -> [UInt8] {
        guard before > after + 1, count > 0 else { return [] }
        return try withoutActuallyEscaping(isWanted) { isWanted in
            while true {
                let earliest = engine.journal.earliest.seq
                var untimed = filter
                untimed.fromNanoseconds = nil
                untimed.toNanoseconds = nil
                var inJournal: [UInt8] = []
                var found = 0
                try engine.journal.newest(count, before: before, floor: after, matching: untimed, where: isWanted) {
                    inJournal.append(
                        contentsOf: UnsafeRawBufferPointer(start: $0, count: Int($0.pointee.lines) * Int(HUB_LINE)))
                    found += 1
                }
                // What retention took meanwhile is looked for in the store.
                guard engine.journal.earliest.seq == earliest else { continue }
                let end = min(before, earliest)
                guard found < count, after + 1 < end else { return inJournal }
                try wait(for: end - 1)
                let older = try engine.store.newestRecords(
                    count - found, after: after, before: end, matching: filter, where: isWanted)
                return older + inJournal
            }
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
                Self.append($1, to: &all[$0])
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

    private static func append(_ run: UnsafeBufferPointer<StoredBar>, to rows: inout [BarRow]) {
        for bar in run { rows.append(BarRow(bar)) }
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
