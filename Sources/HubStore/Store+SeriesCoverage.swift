import Foundation
import GRDB

/// How much there is of one series of bars or values.
public struct SeriesCoverage: Sendable, Hashable {
    public var symbol: String
    /// `HUB_BAR` or `HUB_VALUE`.
    public var kind: Int
    /// Interval in seconds, or number of the value's definition.
    public var number: UInt32
    /// Times, whatever their revisions.
    public var count: UInt64
    public var firstNanoseconds: Int64
    public var lastNanoseconds: Int64
}

extension Store {
    /// What there is of all series of several instruments, in one query. Any thread.
    ///
    /// - Parameters:
    ///   - from: on `time`, nanoseconds, inclusive; `to`: exclusive.
    ///   - seq: later events do not count.
    public func seriesCoverage(
        of symbols: [String], from: Int64? = nil, to: Int64? = nil, through seq: UInt64 = .max
    ) throws(StoreError) -> [SeriesCoverage] {
        try StoreError.wrapping(path) {
            try pool.read { db in
                // One parameter, however many symbols there are.
                let list = String(decoding: try JSONEncoder().encode(symbols), as: UTF8.self)
                let rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT symbol, kind, number, count(DISTINCT time), min(time), max(time)
                        FROM instrument JOIN series ON series.instrument = instrument.id
                            JOIN entry ON entry.series = series.id
                        WHERE symbol IN (SELECT value FROM json_each(?)) AND time >= ? AND time < ? AND seq <= ?
                        GROUP BY series.id
                        """, arguments: [list, from ?? .min, to ?? .max, Int64(clamping: seq)])
                var found: [SeriesCoverage] = []
                while let row = try rows.next() {
                    found.append(
                        SeriesCoverage(
                            symbol: row[0], kind: row[1], number: UInt32(row[2] as Int64),
                            count: UInt64(row[3] as Int64), firstNanoseconds: row[4], lastNanoseconds: row[5]))
                }
                return found
            }
        }
    }
}
