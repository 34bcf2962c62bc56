import GRDB
import PluginABI

extension Store {
    /// The times of an instrument's bars in a range, each once, oldest first. Any thread.
    ///
    /// - Parameters:
    ///   - interval: in seconds.
    ///   - from: nanoseconds, inclusive; `to`: exclusive.
    public func barTimes(symbol: String, interval: UInt32, from: Int64, to: Int64) throws(StoreError) -> [Int64] {
        try StoreError.wrapping(path) {
            try pool.read { db in
                guard let series = try Self.series(HUB_BAR, symbol, interval, db) else { return [] }
                return try Int64.fetchAll(
                    try db.cachedStatement(
                        sql: """
                            SELECT DISTINCT time FROM entry WHERE series = ? AND time >= ? AND time < ? ORDER BY time
                            """), arguments: [series, from, to])
            }
        }
    }
}
