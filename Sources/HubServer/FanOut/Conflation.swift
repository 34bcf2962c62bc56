import EventFormat
import HubJournal
import PluginABI

/// What a client that was too slow is given of a range of positions: of each instrument and conflatable kind the newest
/// event, and everything else.
struct ConflationPlan: Sendable {
    /// Kinds of which the newest event says it all. Never trades, bars or anything that happened once.
    static let kinds = [HUB_TICK, HUB_QUOTE, HUB_BOOK, HUB_GREEKS]
    /// A message holds so many items safely.
    static let itemsPerMessage = 2000
    /// No plan is for more positions, so that making one never takes long.
    static let mostPositions: UInt64 = 2_000_000

    /// The range: behind the first, up to the second.
    let after: UInt64
    let through: UInt64
    let items: [StreamObject.Conflated.Item]
    /// Events left out.
    let dropped: UInt64
    /// What the plan was made of: an event that only a later filter selects is no concern of it.
    private let filter: CompiledFilter
    /// Positions of conflatable events that are sent.
    private let kept: Set<UInt64>

    fileprivate init(
        after: UInt64, through: UInt64, items: [StreamObject.Conflated.Item], filter: CompiledFilter, kept: Set<UInt64>
    ) {
        self.after = after
        self.through = through
        self.items = items
        self.filter = filter
        self.kept = kept
        dropped = items.reduce(0) { $0 + $1.dropped }
    }

    /// What the client is told in front of the survivors; nothing where nothing is left out.
    var objects: [StreamObject] {
        stride(from: 0, to: items.count, by: Self.itemsPerMessage).map { start in
            let part = Array(items[start..<min(start + Self.itemsPerMessage, items.count)])
            return .conflated(
                StreamObject.Conflated(
                    firstSeq: after + 1, lastSeq: through, dropped: part.reduce(0) { $0 + $1.dropped }, items: part))
        }
    }

    /// Whether a record of the range is sent.
    @inline(__always)
    func keeps(_ record: UnsafePointer<hub_record>) -> Bool {
        guard Self.isConflatable(Int(record.pointee.kind)) else { return true }
        return kept.contains(record.pointee.seq) || !filter.matches(record)
    }

    /// Copies the records that are sent, up to a position.
    ///
    /// - Returns: them, one behind the other, and the last position that was looked at.
    func select(_ chunk: UnsafeRawBufferPointer, through target: UInt64) -> (records: [UInt8], last: UInt64) {
        var records: [UInt8] = []
        var last: UInt64 = 0
        RecordChunk.forEach(chunk) { record in
            guard record.pointee.seq <= target else {
                last = target
                return false
            }
            last = record.pointee.seq
            if keeps(record) {
                records.append(
                    contentsOf: UnsafeRawBufferPointer(start: record, count: Int(record.pointee.lines) * Int(HUB_LINE)))
            }
            return true
        }
        return (records, last)
    }

    @inline(__always)
    fileprivate static func isConflatable(_ kind: Int) -> Bool {
        kind == HUB_TICK || kind == HUB_QUOTE || kind == HUB_BOOK || kind == HUB_GREEKS
    }
}

/// Makes a plan out of the records of a range, given in order of `seq`.
struct ConflationScan {
    /// What came of one instrument and kind.
    private struct Series {
        var symbol: String
        var kind: Int
        var count: UInt64 = 0
        var first: UInt64 = 0
        var lastButOne: UInt64 = 0
        var newest: UInt64 = 0
    }

    private let filter: CompiledFilter
    private let definitions: DefinitionTable
    /// In the order in which they came.
    private var series: [Series] = []
    private var seriesOfInstrument: [String: [Int]] = [:]
    /// By stream id: places in `series`, one for each conflatable kind. Streams of one instrument share them.
    private var places: [UInt32: [Int]] = [:]

    init(filter: CompiledFilter, definitions: DefinitionTable) {
        self.filter = filter
        self.definitions = definitions
    }

    mutating func feed(_ record: UnsafePointer<hub_record>) {
        let kind = Int(record.pointee.kind)
        guard ConflationPlan.isConflatable(kind), filter.matches(record),
            let number = ConflationPlan.kinds.firstIndex(of: kind)
        else { return }
        let place = places(ofStream: record.pointee.stream)[number]
        let seq = record.pointee.seq
        series[place].count += 1
        if series[place].first == 0 { series[place].first = seq }
        series[place].lastButOne = series[place].newest
        series[place].newest = seq
    }

    private mutating func places(ofStream stream: UInt32) -> [Int] {
        if let known = places[stream] { return known }
        let symbol = definitions.stream(stream)?.symbol ?? ""
        let found: [Int]
        if let known = seriesOfInstrument[symbol] {
            found = known
        } else {
            found = ConflationPlan.kinds.indices.map { series.count + $0 }
            series += ConflationPlan.kinds.map { Series(symbol: symbol, kind: $0) }
            seriesOfInstrument[symbol] = found
        }
        places[stream] = found
        return found
    }

    /// The plan for the range that was fed.
    func plan(after: UInt64, through: UInt64) -> ConflationPlan {
        let items = series.filter { $0.count > 1 }.map {
            StreamObject.Conflated.Item(
                symbol: $0.symbol, type: Words.kind($0.kind) ?? "unknown", dropped: $0.count - 1, firstSeq: $0.first,
                lastSeq: $0.lastButOne, keptSeq: $0.newest)
        }
        return ConflationPlan(
            after: after, through: through, items: items, filter: filter,
            kept: Set(series.filter { $0.count > 0 }.map(\.newest)))
    }
}

/// Reads a range and plans what is sent of it.
struct Conflator {
    let services: StreamServices
    let filter: CompiledFilter

    /// Takes its time, and waits for the store where the journal has let go: not for an event loop.
    func plan(after: UInt64, through: UInt64) throws -> ConflationPlan {
        var scan = ConflationScan(filter: filter, definitions: services.definitions())
        let reader = services.log.reader(after: after)
        while true {
            switch reader.next(maxBytes: 1 << 20) {
            case .caughtUp: return scan.plan(after: after, through: through)
            case .hole(let position, let before):
                let wanted = JournalFilter(kinds: KindSet(ConflationPlan.kinds))
                let cursor = services.openHistory(position, min(before, through + 1), wanted)
                var chunk = try cursor.next()
                _ = chunk.records.withUnsafeBytes { feed($0, through, &scan) }
                while !chunk.isLast {
                    chunk = try cursor.next()
                    _ = chunk.records.withUnsafeBytes { feed($0, through, &scan) }
                }
                if before > through { return scan.plan(after: after, through: through) }
            case .records(let chunk):
                guard feed(chunk, through, &scan) else { return scan.plan(after: after, through: through) }
            }
        }
    }

    /// The same for a short range that the journal still has; `nil` where it has not. Quick.
    func planAtOnce(after: UInt64, through: UInt64) -> ConflationPlan? {
        var scan = ConflationScan(filter: filter, definitions: services.definitions())
        let reader = services.log.reader(after: after)
        while true {
            switch reader.next(maxBytes: 1 << 18) {
            case .caughtUp: return scan.plan(after: after, through: through)
            case .hole: return nil
            case .records(let chunk):
                guard feed(chunk, through, &scan) else { return scan.plan(after: after, through: through) }
            }
        }
    }

    /// Answers whether there may be more of the range behind the chunk.
    private func feed(_ chunk: UnsafeRawBufferPointer, _ through: UInt64, _ scan: inout ConflationScan) -> Bool {
        var goesOn = true
        RecordChunk.forEach(chunk) { record in
            goesOn = record.pointee.seq < through
            if record.pointee.seq <= through { scan.feed(record) }
            return goesOn
        }
        return goesOn
    }
}
