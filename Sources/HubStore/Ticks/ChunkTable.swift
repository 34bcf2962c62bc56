import GRDB
import HubChunks
import HubJournal
import PluginABI

/// What is known of a chunk without unpacking it.
struct ChunkHeader: Sendable {
    var id: Int64
    var stream: UInt32
    var kind: UInt8
    var firstSeq: UInt64
    var lastSeq: UInt64
    var firstEvent: Int64
    var lastEvent: Int64
    var count: Int
}

extension ChunkHeader {
    /// A row of `id, stream, kind, first_seq, last_seq, first_event, last_event, count`.
    init(_ row: Row) {
        self.init(
            id: row[0], stream: UInt32(truncatingIfNeeded: row[1] as Int64),
            kind: UInt8(truncatingIfNeeded: row[2] as Int64), firstSeq: UInt64(row[3] as Int64),
            lastSeq: UInt64(row[4] as Int64), firstEvent: row[5], lastEvent: row[6], count: Int(row[7] as Int64))
    }
}

/// The table `chunk`: the same in the files of days and in the store itself.
///
/// - `segment`: first position of the journal's segment that it was packed from.
/// - `stream`, `kind`, `first_seq`, `last_seq`, `first_event`, `last_event`, `count`: of its records. Times are those that events
///   show: `ts_event`, or `ts_recv` where there is none.
/// - `body`: as `ChunkEncoder` made it.
enum ChunkTable {
    static let schema = """
        CREATE TABLE chunk (
            id INTEGER PRIMARY KEY,
            segment INTEGER NOT NULL,
            stream INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            first_seq INTEGER NOT NULL,
            last_seq INTEGER NOT NULL,
            first_event INTEGER NOT NULL,
            last_event INTEGER NOT NULL,
            count INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        CREATE INDEX chunk_by_segment ON chunk (
            segment, stream, kind, first_seq, last_seq, first_event, last_event, count);
        CREATE INDEX chunk_by_stream ON chunk (stream, kind, first_event, last_event, count);
        """

    /// Headers of the chunks of a segment that can hold what a filter selects, by stream, kind and position.
    static func headers(
        _ db: Database, segment: UInt64, part: StorePart, matching filter: JournalFilter
    ) throws -> [ChunkHeader] {
        var condition = "segment = ?"
        // More would make the statement longer than what it saves.
        if let ids = filter.streams?.ids, ids.count <= 32 {
            condition += " AND stream IN (\(ids.map { String($0) }.joined(separator: ",")))"
        }
        let rows = try Row.fetchCursor(
            try db.cachedStatement(
                sql: """
                    SELECT id, stream, kind, first_seq, last_seq, first_event, last_event, count FROM chunk
                    WHERE \(condition) ORDER BY stream, kind, first_seq
                    """), arguments: [Int64(segment)])
        var headers: [ChunkHeader] = []
        while let row = try rows.next() {
            let header = ChunkHeader(row)
            guard filter.kinds.contains(header.kind), StorePart.of(header.kind) == part,
                filter.streams?.contains(header.stream) ?? true
            else { continue }
            if let from = filter.fromNanoseconds, header.lastEvent < from { continue }
            if let to = filter.toNanoseconds, header.firstEvent >= to { continue }
            headers.append(header)
        }
        return headers
    }

    /// Why a chunk gave no records.
    enum Failure: Error {
        case vanished(ChunkHeader)
        case damaged(ChunkHeader, words: String)
        /// The whole file cannot be read, and the catalogue knows.
        case fileLost
    }

    /// Unpacks a chunk behind what the buffer holds.
    static func decode(
        _ db: Database, _ header: ChunkHeader, _ decoder: inout ChunkDecoder, into buffer: inout RecordBuffer
    ) throws {
        let statement = try db.cachedStatement(sql: "SELECT body FROM chunk WHERE id = ? AND first_seq = ?")
        let rows = try Row.fetchCursor(statement, arguments: [header.id, Int64(header.firstSeq)])
        guard let row = try rows.next() else { throw Failure.vanished(header) }
        try row.withUnsafeData(atIndex: 0) { data in
            guard let data, !data.isEmpty else { throw Failure.damaged(header, words: "it is empty") }
            let start = buffer.count
            let words: String? = data.withUnsafeBytes { bytes in
                do throws(ChunkError) {
                    try decoder.decode(bytes, into: &buffer)
                    return nil
                } catch {
                    return error.description
                }
            }
            if let words { throw Failure.damaged(header, words: words) }
            guard isRight(buffer, from: start, header) else {
                throw Failure.damaged(header, words: "it holds other records than its row says")
            }
        }
    }

    /// Calls `body` with each record that was unpacked. It is good only within the call.
    static func forEach(_ buffer: borrowing RecordBuffer, _ body: (UnsafePointer<hub_record>) -> Void) {
        guard let base = buffer.bytes.baseAddress else { return }
        var offset = 0
        while offset < buffer.count {
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
            body(UnsafePointer(record))
        }
    }

    /// Whether what was unpacked begins as it should and ends where the buffer ends.
    private static func isRight(_ buffer: borrowing RecordBuffer, from start: Int, _ header: ChunkHeader) -> Bool {
        guard buffer.count > start, let base = buffer.bytes.baseAddress else { return false }
        let first = (base + start).assumingMemoryBound(to: hub_record.self)
        return first.pointee.seq == header.firstSeq && first.pointee.stream == header.stream
            && first.pointee.kind == header.kind
    }
}

/// Packs records into rows of `chunk`. Only within a write of the pool.
struct ChunkWriter: ~Copyable {
    private let statement: RawStatement
    private let segment: UInt64
    private(set) var chunks = 0
    private(set) var bytes = 0
    private(set) var firstEvent = Int64.max
    private(set) var lastEvent = Int64.min

    /// Begins a segment's chunks anew: what there is of it, and of anything at its positions, goes.
    init(_ db: Database, segment: UInt64) throws {
        try db.execute(sql: "DELETE FROM chunk WHERE segment = ?", arguments: [Int64(segment)])
        statement = try RawStatement(
            db,
            """
            INSERT INTO chunk (segment, stream, kind, first_seq, last_seq, first_event, last_event, count, body)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        self.segment = segment
    }

    mutating func write(
        _ lane: LaneSorter.Lane, _ records: UnsafeBufferPointer<UnsafePointer<hub_record>>,
        _ encoder: inout ChunkEncoder
    ) throws {
        var first = Int64.max
        var last = Int64.min
        for record in records {
            let time = record.pointee.ts_event != 0 ? record.pointee.ts_event : record.pointee.ts_recv
            first = min(first, time)
            last = max(last, time)
        }
        let body = encoder.encode(records)
        statement.bind(Int64(segment), at: 1)
        statement.bind(Int64(lane.stream), at: 2)
        statement.bind(Int64(lane.kind), at: 3)
        statement.bind(Int64(records[0].pointee.seq), at: 4)
        statement.bind(Int64(records[records.count - 1].pointee.seq), at: 5)
        statement.bind(first, at: 6)
        statement.bind(last, at: 7)
        statement.bind(Int64(records.count), at: 8)
        try body.withUnsafeBytes {
            statement.bind($0, at: 9)
            try statement.run()
        }
        chunks += 1
        bytes += body.count
        firstEvent = min(firstEvent, first)
        lastEvent = max(lastEvent, last)
    }
}
