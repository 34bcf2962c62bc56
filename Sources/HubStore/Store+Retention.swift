import EventFormat
import GRDB
import PluginABI

extension Store {
    /// Removes events that were received before a time. Any thread; in steps, so that following goes on in between.
    ///
    /// `ts_recv` never goes backwards along `seq`, so what goes is one stretch at the beginning. Definitions stay known.
    /// - Returns: how many events were removed.
    @discardableResult
    public func retain(receivedAtOrAfter nanoseconds: Int64) throws(StoreError) -> Int {
        try StoreError.wrapping(path) {
            var removed = 0
            while true {
                let count = try pool.write { db in try Self.removeStep(receivedBefore: nanoseconds, db) }
                if count == 0 { return removed }
                removed += count
            }
        }
    }

    private static var retentionStep: Int { 5000 }

    private static func removeStep(receivedBefore nanoseconds: Int64, _ db: Database) throws -> Int {
        let rows = try Row.fetchCursor(
            try db.cachedStatement(sql: "SELECT body FROM event ORDER BY seq LIMIT ?"), arguments: [retentionStep])
        var last: Int64 = 0
        var count = 0
        var keys: [(kind: Int, stream: UInt32, number: UInt32, time: Int64, seq: Int64)] = []
        try forEach(rows) { record in
            let pointer = RecordPointer(record)
            guard pointer.receivedNanoseconds < nanoseconds, count >= 0 else { return }
            last = Int64(pointer.seq)
            count += 1
            switch pointer.kind {
            case HUB_BAR:
                keys.append((HUB_BAR, pointer.stream, pointer.asBar.pointee.interval, pointer.eventNanoseconds, last))
            case HUB_VALUE:
                let value = pointer.asValue.pointee
                keys.append((HUB_VALUE, pointer.stream, value.definition, value.bar_time, last))
            default: break
            }
        }
        guard count > 0 else { return 0 }
        let definitions = try readDefinitions(db)
        let remove = try db.cachedStatement(sql: "DELETE FROM entry WHERE series = ? AND time = ? AND seq = ?")
        for key in keys {
            guard let symbol = definitions.stream(key.stream)?.symbol,
                let series = try series(key.kind, symbol, key.number, db)
            else { continue }
            try remove.execute(arguments: [series, key.time, key.seq])
        }
        try db.execute(sql: "DELETE FROM event WHERE seq <= ?", arguments: [last])
        return count
    }
}
