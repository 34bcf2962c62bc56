import EventFormat
import GRDB
public import PluginABI

/// A part of a series of bars or values.
public struct SeriesRange: Sendable {
    /// From this time on (inclusive), nanoseconds; `nil`: from the oldest.
    public var fromNanoseconds: Int64?
    /// Up to this time (exclusive), nanoseconds; `nil`: to the newest.
    public var toNanoseconds: Int64?
    /// As it was known at this position: later events do not count.
    public var through: UInt64
    /// At most so many times.
    public var limit: Int
    /// The newest ones of the range instead of the oldest.
    public var takesNewest: Bool

    public init(
        fromNanoseconds: Int64? = nil, toNanoseconds: Int64? = nil, through: UInt64 = UInt64.max, limit: Int = 1000,
        takesNewest: Bool = false
    ) {
        self.fromNanoseconds = fromNanoseconds
        self.toNanoseconds = toNanoseconds
        self.through = through
        self.limit = limit
        self.takesNewest = takesNewest
    }
}

extension Store {
    /// Bars of an instrument, the newest revision of each, oldest first. Any thread.
    ///
    /// - Parameter interval: in seconds, as in the record.
    public func bars(symbol: String, interval: UInt32, _ range: SeriesRange) throws(StoreError) -> [hub_bar] {
        var bars: [hub_bar] = []
        try forEach(HUB_BAR, symbol, interval, range) { bars.append(RecordPointer($0).asBar.pointee) }
        return bars
    }

    /// The same, as the server asks: `from` inclusive, `to` exclusive, nanoseconds; later records than `seq` are not seen; the newest
    /// `limit` bars of the range or the first ones.
    public func bars(
        symbol: String, interval: UInt32, from: Int64?, to: Int64?, through seq: UInt64, limit: Int, newest: Bool
    ) throws(StoreError) -> [hub_bar] {
        try bars(
            symbol: symbol, interval: interval,
            SeriesRange(fromNanoseconds: from, toNanoseconds: to, through: seq, limit: limit, takesNewest: newest))
    }

    /// Calls `body` with the values of an indicator, the newest revision of each, oldest first. Any thread. A record is good only
    /// within `body`.
    public func forEachValue(
        symbol: String, definition: UInt32, _ range: SeriesRange, _ body: (UnsafePointer<hub_value>) -> Void
    ) throws(StoreError) {
        try forEach(HUB_VALUE, symbol, definition, range) { body(RecordPointer($0).asValue) }
    }

    private func forEach(
        _ kind: Int, _ symbol: String, _ number: UInt32, _ range: SeriesRange,
        _ body: (UnsafePointer<hub_record>) -> Void
    ) throws(StoreError) {
        let order = range.takesNewest ? "DESC" : "ASC"
        // The table's key is (series, time, seq): grouping by time reads it once, in order, and stops at the limit.
        let sql = """
            SELECT body FROM (
                SELECT time, max(seq) AS newest FROM entry
                WHERE series = ? AND time >= ? AND time < ? AND seq <= ?
                GROUP BY time ORDER BY time \(order) LIMIT ?
            ) JOIN event ON event.seq = newest ORDER BY time ASC
            """
        try StoreError.wrapping(path) {
            try pool.read { db in
                guard let series = try Self.series(kind, symbol, number, db) else { return }
                let rows = try Row.fetchCursor(
                    try db.cachedStatement(sql: sql),
                    arguments: [
                        series, range.fromNanoseconds ?? .min, range.toNanoseconds ?? .max,
                        Int64(clamping: range.through), range.limit,
                    ])
                try Self.forEach(rows, body)
            }
        }
    }

    /// Calls `body` with each bar event of a series before a position, all revisions, in order by `seq`. Any thread. A record is
    /// good only within `body`.
    ///
    /// - Parameter interval: in seconds, as in the record.
    public func forEachBar(
        symbol: String, interval: UInt32, before seq: UInt64, _ body: (UnsafePointer<hub_bar>) -> Void
    ) throws(StoreError) {
        try StoreError.wrapping(path) {
            try pool.read { db in
                guard let series = try Self.series(HUB_BAR, symbol, interval, db) else { return }
                let rows = try Row.fetchCursor(
                    try db.cachedStatement(
                        sql: """
                            SELECT body FROM entry JOIN event ON event.seq = entry.seq
                            WHERE series = ? AND entry.seq < ? ORDER BY entry.seq
                            """), arguments: [series, Int64(clamping: seq)])
                try Self.forEach(rows) { body(RecordPointer($0).asBar) }
            }
        }
    }

    static func series(_ kind: Int, _ symbol: String, _ number: UInt32, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(
            try db.cachedStatement(
                sql: """
                    SELECT series.id FROM series JOIN instrument ON instrument.id = series.instrument
                    WHERE symbol = ? AND kind = ? AND number = ?
                    """), arguments: [symbol, kind, Int64(number)])
    }

    /// Calls `body` with the record in each row's first column.
    static func forEach(_ rows: RowCursor, _ body: (UnsafePointer<hub_record>) -> Void) throws {
        let scratch = RecordScratch()
        while let row = try rows.next() {
            try row.withUnsafeData(atIndex: 0) { scratch.withRecord($0, body) }
        }
    }
}
