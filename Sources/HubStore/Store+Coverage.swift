import GRDB
import HubJournal
import PluginABI

/// What the store has of one kind of an instrument.
public struct StoredCoverage: Sendable, Hashable {
    public var symbol: String
    /// `HUB_TRADE` …
    public var kind: UInt8
    /// Of bars the interval in seconds, of values the definition; else 0.
    public var number: UInt32
    /// Times of the first and of the last one, nanoseconds.
    public var firstNanoseconds: Int64
    public var lastNanoseconds: Int64
    /// How many: of bars and values how many times, whatever revisions there are.
    public var count: Int
}

extension Store {
    /// What there is of instruments, by symbol, kind and number. Any thread.
    ///
    /// Market data is told as far as it was compacted (`compactedTo`): what follows is in the journal. Nothing is unpacked.
    /// - Parameter symbols: of these; `nil` = of all.
    public func coverage(of symbols: [String]? = nil) throws(StoreError) -> [StoredCoverage] {
        var found: [Key: StoredCoverage] = [:]
        func add(_ symbol: String, _ kind: UInt8, _ number: UInt32, _ first: Int64, _ last: Int64, _ count: Int) {
            let key = Key(symbol: symbol, kind: kind, number: number)
            guard var known = found[key] else {
                found[key] = StoredCoverage(
                    symbol: symbol, kind: kind, number: number, firstNanoseconds: first, lastNanoseconds: last,
                    count: count)
                return
            }
            known.firstNanoseconds = min(known.firstNanoseconds, first)
            known.lastNanoseconds = max(known.lastNanoseconds, last)
            known.count += count
            found[key] = known
        }
        let wanted = symbols.map { Set($0) }
        let definitions = definitions
        try StoreError.wrapping(path) {
            for total in try totals() {
                guard let symbol = definitions.stream(total.stream)?.symbol, !symbol.isEmpty,
                    wanted?.contains(symbol) ?? true
                else { continue }
                add(symbol, total.kind, 0, total.first, total.last, total.count)
            }
            try pool.read { db in
                let rows = try Row.fetchCursor(
                    db,
                    sql:
                        "SELECT series.id, symbol, kind, number FROM series JOIN instrument ON instrument.id = instrument"
                )
                while let row = try rows.next() {
                    let symbol: String = row[1]
                    guard wanted?.contains(symbol) ?? true else { continue }
                    let series = try Row.fetchOne(
                        try db.cachedStatement(
                            sql: "SELECT min(time), max(time), count(DISTINCT time) FROM entry WHERE series = ?"),
                        arguments: [row[0] as Int64])
                    guard let series, let first = series[0] as Int64?, let last = series[1] as Int64? else { continue }
                    add(
                        symbol, UInt8(row[2] as Int), UInt32(truncatingIfNeeded: row[3] as Int64), first, last,
                        series[2])
                }
            }
        }
        return found.values.sorted { ($0.symbol, $0.kind, $0.number) < ($1.symbol, $1.kind, $1.number) }
    }

    private struct Key: Hashable {
        var symbol: String
        var kind: UInt8
        var number: UInt32
    }

    struct Total: Sendable {
        var stream: UInt32
        var kind: UInt8
        var first: Int64
        var last: Int64
        var count: Int
    }

    /// Totals of streams and kinds over all days. Those of a file are remembered as long as it stays the same.
    private func totals() throws -> [Total] {
        let catalogue = catalogueNow
        var segments: [DayKey: [UInt64]] = [:]
        for entry in catalogue.entries {
            for part in StorePart.inDayFiles where catalogue.isReadable(entry, part) {
                segments[DayKey(part: part, day: entry.day), default: []].append(entry.firstSeq)
            }
        }
        var all: [Total] = []
        for (key, firsts) in segments.sorted(by: { $0.key < $1.key }) {
            let known = coverageSeen.withLock { $0[key] }
            if let known, known.segments == firsts, known.trim == catalogue.trims[key] {
                all += known.totals
                continue
            }
            guard let file = try? files.file(key) else { continue }
            let totals = try file.pool.read { db in
                try Row.fetchAll(
                    db,
                    sql: """
                        SELECT stream, kind, min(first_event), max(last_event), sum(count) FROM chunk
                        WHERE segment IN (\(firsts.map { String($0) }.joined(separator: ",")))
                        GROUP BY stream, kind
                        """
                ).map {
                    Total(
                        stream: UInt32(truncatingIfNeeded: $0[0] as Int64),
                        kind: UInt8(truncatingIfNeeded: $0[1] as Int64),
                        first: $0[2], last: $0[3], count: $0[4])
                }
            }.filter { !(catalogue.trims[key]?.contains($0.stream) ?? false) }
            coverageSeen.withLock {
                $0[key] = CoverageSeen(segments: firsts, trim: catalogue.trims[key], totals: totals)
            }
            all += totals
        }
        return all
    }
}

/// What a file of a day held when it was last asked.
struct CoverageSeen: Sendable {
    var segments: [UInt64]
    var trim: StreamSet?
    var totals: [Store.Total]
}
