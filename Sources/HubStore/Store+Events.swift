import EventFormat
import GRDB
public import HubJournal
public import PluginABI

extension Store {
    /// The oldest position of which the store has an event; `nil` if it has none. Any thread.
    public func earliest() throws(StoreError) -> UInt64? {
        try StoreError.wrapping(path) {
            try pool.read { db in try Int64.fetchOne(db, sql: "SELECT min(seq) FROM event").map { UInt64($0) } }
        }
    }

    /// Kept records between two positions (both exclusive), in order by `seq`, one behind the other. Any thread.
    ///
    /// - Parameters:
    ///   - kinds: only these.
    ///   - maxBytes: the answer ends after the record that reaches it.
    /// - Returns: the records, and the last position that they cover: `before - 1` if nothing is left.
    public func records(
        after seq: UInt64, before: UInt64, kinds: KindSet = .all, maxBytes: Int = 1 << 20
    ) throws(StoreError) -> (records: [UInt8], last: UInt64) {
        var bytes: [UInt8] = []
        guard before > 0 else { return ([], seq) }
        let last = try forEachRecord(after: seq, through: before - 1, kinds: kinds) { record in
            bytes.append(contentsOf: RecordPointer(record).bytes)
            return bytes.count < maxBytes
        }
        return (bytes, last)
    }

    /// Calls `body` with kept records after a position and up to another one, in order by `seq`, until it answers `false`.
    /// Any thread. A record is good only within `body`.
    ///
    /// Of kinds other than `bar` and `value` there are few, and they are found without reading those.
    /// - Returns: the last position that was looked at: `last`, or that of the record at which `body` ended it.
    @discardableResult
    public func forEachRecord(
        after seq: UInt64, through last: UInt64, kinds: KindSet = .all, _ body: (UnsafePointer<hub_record>) -> Bool
    ) throws(StoreError) -> UInt64 {
        var stopped: UInt64?
        guard seq < last else { return seq }
        try walk(kinds, range: "seq > ? AND seq <= ? ORDER BY seq", [Int64(clamping: seq), Int64(clamping: last)]) {
            if !body($0) { stopped = $0.pointee.seq }
            return stopped == nil
        }
        return stopped ?? last
    }

    /// Calls `body` with every gap record up to a position, in order by `seq`. Any thread. A record is good only within `body`.
    public func gaps(
        through seq: UInt64, _ body: (UnsafePointer<hub_record>) -> Void
    ) throws(StoreError) {
        try forEachRecord(after: 0, through: seq, kinds: KindSet([HUB_GAP])) { record in
            body(record)
            return true
        }
    }

    /// The newest kept records before a position, at most `count`, oldest first, one behind the other. Any thread.
    ///
    /// - Parameter isWanted: a further condition.
    public func newestRecords(
        _ count: Int, before seq: UInt64, kinds: KindSet = .all,
        where isWanted: ((UnsafePointer<hub_record>) -> Bool)? = nil
    ) throws(StoreError) -> [UInt8] {
        var found: [[UInt8]] = []
        guard count > 0 else { return [] }
        try walk(kinds, range: "seq < ? ORDER BY seq DESC", [Int64(clamping: seq)]) { record in
            if isWanted?(record) ?? true { found.append(Array(RecordPointer(record).bytes)) }
            return found.count < count
        }
        return found.reversed().flatMap { $0 }
    }

    private func walk(
        _ kinds: KindSet, range: String, _ arguments: [Int64], _ body: (UnsafePointer<hub_record>) -> Bool
    ) throws(StoreError) {
        // Without a condition on the kind the table itself is read in order; the condition written out is what lets SQLite
        // use the index of the rare kinds.
        var condition = ""
        if kinds != .all {
            let list = kinds.kinds.map { String($0) }.joined(separator: ",")
            condition = "kind IN (\(list)) AND "
            if !kinds.contains(UInt8(HUB_BAR)), !kinds.contains(UInt8(HUB_VALUE)) {
                condition += "kind NOT IN (5, 6) AND "
            }
        }
        try StoreError.wrapping(path) {
            try pool.read { db in
                let rows = try Row.fetchCursor(
                    try db.cachedStatement(sql: "SELECT body FROM event WHERE \(condition)\(range)"),
                    arguments: StatementArguments(arguments))
                let scratch = RecordScratch()
                var goesOn = true
                while goesOn, let row = try rows.next() {
                    try row.withUnsafeData(atIndex: 0) { scratch.withRecord($0) { goesOn = body($0) } }
                }
            }
        }
    }

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
        var times: [Int64: ClosedRange<Int64>] = [:]
        for key in keys {
            guard let symbol = definitions.stream(key.stream)?.symbol,
                let series = try series(key.kind, symbol, key.number, db)
            else { continue }
            try remove.execute(arguments: [series, key.time, key.seq])
            if key.kind == HUB_BAR {
                let known = times[series] ?? key.time...key.time
                times[series] = min(known.lowerBound, key.time)...max(known.upperBound, key.time)
            }
        }
        let shelf = try BarShelf(db)
        for (series, times) in times { try shelf.remove(through: last, of: series, times: times) }
        try db.execute(sql: "DELETE FROM event WHERE seq <= ?", arguments: [last])
        return count
    }
}
