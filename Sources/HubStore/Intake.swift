import EventFormat
import GRDB
import PluginABI

/// Takes records into the tables. Only within a write of the pool.
///
/// What is kept: `bar`, `value`, `signal`, `status`, `gap`, `define`, and `control` but for clocks and positions.
final class Intake {
    private struct SeriesKey: Hashable {
        var instrument: Int64
        var kind: UInt8
        var number: UInt32
    }

    private let insertEvent: RawStatement
    private let insertEntry: RawStatement
    private let insertDefinition: RawStatement
    private(set) var definitions: DefinitionTable
    private let shelf: BarShelf
    private var instruments: [String: Int64] = [:]
    private var series: [SeriesKey: Int64] = [:]
    /// By stream id: its instrument's number; 0 = not looked up, -1 = it has none.
    private var instrumentOfStream: [Int64] = []

    init(_ db: Database, _ definitions: DefinitionTable) throws {
        // Taking a record in again, after a crash, changes nothing.
        insertEvent = try RawStatement(db, "INSERT OR REPLACE INTO event (seq, kind, body) VALUES (?, ?, ?)")
        insertEntry = try RawStatement(db, "INSERT OR REPLACE INTO entry (series, time, seq) VALUES (?, ?, ?)")
        insertDefinition = try RawStatement(
            db, "INSERT OR REPLACE INTO definition (what, number, body) VALUES (?, ?, ?)")
        self.definitions = definitions
        shelf = try BarShelf(db)
        for row in try Row.fetchAll(db, sql: "SELECT id, symbol FROM instrument") {
            instruments[row[1]] = row[0]
        }
        for row in try Row.fetchAll(db, sql: "SELECT id, instrument, kind, number FROM series") {
            let kind: Int = row[2]
            let number: Int64 = row[3]
            series[SeriesKey(instrument: row[1], kind: UInt8(kind), number: UInt32(number))] = row[0]
        }
    }

    @inline(__always)
    static func keeps(_ record: UnsafePointer<hub_record>) -> Bool {
        switch Int(record.pointee.kind) {
        case HUB_BAR, HUB_VALUE, HUB_SIGNAL, HUB_STATUS, HUB_GAP, HUB_DEFINE: return true
        case HUB_CONTROL:
            let what = RecordPointer(record).what
            return what != HUB_CONTROL_CLOCK && what != HUB_CONTROL_POSITION
        default: return false
        }
    }

    /// Takes in what is kept of a run of whole records; answers how many that were.
    func take(_ records: UnsafeRawBufferPointer, _ db: Database) throws -> Int {
        guard var at = records.baseAddress else { return 0 }
        let end = at + records.count
        var count = 0
        while at < end {
            let record = at.assumingMemoryBound(to: hub_record.self)
            if Self.keeps(record) {
                try take(record, db)
                count += 1
            }
            at += Int(record.pointee.lines) * Int(HUB_LINE)
        }
        try shelf.put()
        return count
    }

    /// Whether a run of records has one that is kept.
    static func hasKept(_ records: UnsafeRawBufferPointer) -> Bool {
        guard var at = records.baseAddress else { return false }
        let end = at + records.count
        while at < end {
            let record = at.assumingMemoryBound(to: hub_record.self)
            if keeps(record) { return true }
            at += Int(record.pointee.lines) * Int(HUB_LINE)
        }
        return false
    }

    private func take(_ record: UnsafePointer<hub_record>, _ db: Database) throws {
        let pointer = RecordPointer(record)
        insertEvent.bind(Int64(pointer.seq), at: 1)
        insertEvent.bind(Int64(pointer.kind), at: 2)
        insertEvent.bind(pointer.bytes, at: 3)
        try insertEvent.run()
        switch pointer.kind {
        case HUB_BAR:
            let bar = pointer.asBar
            if let series = try enter(record, number: bar.pointee.interval, time: pointer.eventNanoseconds, db) {
                shelf.take(StoredBar(bar.pointee), of: series)
            }
        case HUB_VALUE:
            let value = pointer.asValue
            _ = try enter(record, number: value.pointee.definition, time: value.pointee.bar_time, db)
        case HUB_DEFINE:
            try learn(record, db)
        default: break
        }
    }

    /// Takes in a definition that is not an event: repeated at a segment's head.
    func learn(_ record: UnsafePointer<hub_record>, _ db: Database) throws {
        guard definitions.learn(record) else { return }
        let pointer = RecordPointer(record)
        let isStream = pointer.what == HUB_DEFINE_STREAM
        let number = isStream ? pointer.stream : pointer.asDefineValue.pointee.definition
        insertDefinition.bind(Int64(pointer.what), at: 1)
        insertDefinition.bind(Int64(number), at: 2)
        insertDefinition.bind(pointer.bytes, at: 3)
        try insertDefinition.run()
        if isStream {
            if Int(number) < instrumentOfStream.count { instrumentOfStream[Int(number)] = 0 }
            _ = try instrument(ofStream: number, db)
        }
    }

    /// Answers the series, if the record has one.
    private func enter(
        _ record: UnsafePointer<hub_record>, number: UInt32, time: Int64, _ db: Database
    ) throws -> Int64? {
        let instrument = try instrument(ofStream: record.pointee.stream, db)
        guard instrument > 0 else { return nil }
        let id = try seriesID(SeriesKey(instrument: instrument, kind: record.pointee.kind, number: number), db)
        insertEntry.bind(id, at: 1)
        insertEntry.bind(time, at: 2)
        insertEntry.bind(Int64(record.pointee.seq), at: 3)
        try insertEntry.run()
        return id
    }

    private func instrument(ofStream stream: UInt32, _ db: Database) throws -> Int64 {
        if Int(stream) < instrumentOfStream.count, instrumentOfStream[Int(stream)] != 0 {
            return instrumentOfStream[Int(stream)]
        }
        // Not remembered: a stream that is not defined yet may be later, and a damaged id must not cost memory.
        guard let definition = definitions.stream(stream) else { return -1 }
        while instrumentOfStream.count <= Int(stream) { instrumentOfStream.append(0) }
        let symbol = definition.symbol
        let id: Int64
        if symbol.isEmpty {
            id = -1
        } else if let known = instruments[symbol] {
            id = known
        } else {
            try db.execute(sql: "INSERT INTO instrument (symbol) VALUES (?)", arguments: [symbol])
            id = db.lastInsertedRowID
            instruments[symbol] = id
        }
        instrumentOfStream[Int(stream)] = id
        return id
    }

    private func seriesID(_ key: SeriesKey, _ db: Database) throws -> Int64 {
        if let known = series[key] { return known }
        try db.execute(
            sql: "INSERT INTO series (instrument, kind, number) VALUES (?, ?, ?)",
            arguments: [key.instrument, Int64(key.kind), Int64(key.number)])
        series[key] = db.lastInsertedRowID
        return db.lastInsertedRowID
    }
}

extension Store {
    /// All definitions in the tables.
    static func readDefinitions(_ db: Database) throws -> DefinitionTable {
        var table = DefinitionTable()
        let scratch = RecordScratch()
        let rows = try Row.fetchCursor(db, sql: "SELECT body FROM definition ORDER BY what, number")
        while let row = try rows.next() {
            try row.withUnsafeData(atIndex: 0) { data in scratch.withRecord(data) { _ = table.learn($0) } }
        }
        return table
    }
}
