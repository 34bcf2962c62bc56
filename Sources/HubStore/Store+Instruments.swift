public import EventFormat
import GRDB
import PluginABI

/// What the store knows of an instrument.
public struct StoredInstrument: Sendable {
    public var symbol: String
    /// Its streams, one for each source and market centre, by their ids.
    public var streams: [StreamDefinition]
    /// Intervals of its bars, in seconds, shortest first.
    public var intervals: [UInt32]
    /// Definitions of its values, by their numbers.
    public var values: [UInt32]
    /// Time of its oldest and newest stored bar or value, nanoseconds; `nil` if there is none.
    public var firstNanoseconds: Int64?
    public var lastNanoseconds: Int64?
}

extension Store {
    /// Symbols of all instruments ever defined, in order. Any thread.
    public func symbols() throws(StoreError) -> [String] {
        try StoreError.wrapping(path) {
            try pool.read { db in try String.fetchAll(db, sql: "SELECT symbol FROM instrument ORDER BY symbol") }
        }
    }

    /// An instrument; `nil` if it was never defined. Any thread.
    public func instrument(_ symbol: String) throws(StoreError) -> StoredInstrument? {
        try instruments([symbol]).first
    }

    /// Several instruments, in the order asked; those never defined are left out. Any thread.
    public func instruments(_ symbols: [String]) throws(StoreError) -> [StoredInstrument] {
        var streams: [String: [StreamDefinition]] = [:]
        for definition in definitions.streams { streams[definition.symbol, default: []].append(definition) }
        return try StoreError.wrapping(path) {
            try pool.read { db in
                try symbols.compactMap { symbol in
                    try Self.instrument(symbol, streams: streams[symbol] ?? [], db)
                }
            }
        }
    }

    private static func instrument(
        _ symbol: String, streams: [StreamDefinition], _ db: Database
    ) throws -> StoredInstrument? {
        let id = try Int64.fetchOne(
            try db.cachedStatement(sql: "SELECT id FROM instrument WHERE symbol = ?"), arguments: [symbol])
        guard let id else { return nil }
        var found = StoredInstrument(symbol: symbol, streams: streams, intervals: [], values: [])
        // The first and last entry of a series are found by its key, so nothing need be kept up to date for them.
        let rows = try Row.fetchCursor(
            try db.cachedStatement(
                sql: """
                    SELECT kind, number,
                        (SELECT min(time) FROM entry WHERE entry.series = series.id),
                        (SELECT max(time) FROM entry WHERE entry.series = series.id)
                    FROM series WHERE instrument = ? ORDER BY kind, number
                    """), arguments: [id])
        while let row = try rows.next() {
            guard let first = row[2] as Int64?, let last = row[3] as Int64? else { continue }
            let number = UInt32(row[1] as Int64)
            if row[0] as Int == HUB_BAR { found.intervals.append(number) } else { found.values.append(number) }
            found.firstNanoseconds = min(first, found.firstNanoseconds ?? first)
            found.lastNanoseconds = max(last, found.lastNanoseconds ?? last)
        }
        return found
    }
}
