import Foundation
import GRDB
import HubJournal
import Synchronization

/// A segment of the journal that was compacted.
struct CompactedEntry: Sendable, Hashable {
    /// Whether what the segment had of a part is still there.
    enum State: Int, Sendable {
        /// There was nothing.
        case none
        case present
        /// Some instruments' is gone: see `Catalogue.trims`.
        case trimmed
        case gone
    }

    var firstSeq: UInt64
    var lastSeq: UInt64
    /// The day by whose name its files go: that of the first record.
    var day: Int64
    /// `ts_recv` of the first and the last record.
    var firstReceived: Int64
    var lastReceived: Int64
    /// Least and greatest time of what is in chunks.
    var firstEvent: Int64
    var lastEvent: Int64
    /// Kinds that are in chunks.
    var kinds: KindSet
    var ticks = State.none
    var books = State.none
    /// Whether clocks and positions are there: in the store itself.
    var kept = State.none

    subscript(part: StorePart) -> State {
        get {
            switch part {
            case .ticks: ticks
            case .books: books
            case .kept: kept
            }
        }
        set {
            switch part {
            case .ticks: ticks = newValue
            case .books: books = newValue
            case .kept: kept = newValue
            }
        }
    }
}

extension CompactedEntry {
    /// Whether anything in its chunks can lie between the times of a filter.
    func mayMatch(_ filter: JournalFilter) -> Bool {
        if let from = filter.fromNanoseconds, lastEvent < from { return false }
        if let to = filter.toNanoseconds, firstEvent >= to { return false }
        return true
    }
}

/// Chunks that are there and cannot be read.
struct DamagedChunk: Sendable, Hashable {
    var segment: UInt64
    var stream: UInt32
    var kind: UInt8
    var firstSeq: UInt64
    var lastSeq: UInt64
}

/// Which segments were compacted, and what of them is left: what every reader begins with, in memory.
struct Catalogue: Sendable {
    /// By position; they do not overlap.
    var entries: [CompactedEntry] = []
    /// Streams whose records of a day were removed before those of others.
    var trims: [DayKey: StreamSet] = [:]
    /// Files that cannot be opened, with the reason.
    var unreadable: [DayKey: String] = [:]
    var damaged: [DamagedChunk] = []
    /// What retention has taken of the rows in the store itself: by stream, up to which position, and of which kinds.
    private(set) var keptGone: [UInt32: (seq: UInt64, kinds: KindSet)] = [:]
    /// Everything up to here was compacted.
    var compactedTo: UInt64 = 0
    /// Grows with every change.
    var version = 0
    /// The oldest place that can be read, as of a version.
    var first: Place?
    var firstVersion = -1

    mutating func noteKeptGone(_ stream: UInt32, _ kinds: KindSet, through seq: UInt64) {
        let known = keptGone[stream]
        keptGone[stream] = (max(seq, known?.seq ?? 0), known.map { $0.kinds.union(kinds) } ?? kinds)
    }

    /// Index of the first entry that ends behind a position.
    func index(after seq: UInt64) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].lastSeq > seq { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Whether a part of a segment can be read, in whole or in part.
    func isReadable(_ entry: CompactedEntry, _ part: StorePart) -> Bool {
        let state = entry[part]
        guard state == .present || state == .trimmed else { return false }
        return part == .kept || unreadable[DayKey(part: part, day: entry.day)] == nil
    }
}

/// The catalogue in the tables of the store.
enum CatalogueTable {
    static let schema = """
        CREATE TABLE segment (
            first_seq INTEGER PRIMARY KEY,
            last_seq INTEGER NOT NULL,
            epoch TEXT NOT NULL,
            day INTEGER NOT NULL,
            first_received INTEGER NOT NULL,
            last_received INTEGER NOT NULL,
            first_event INTEGER NOT NULL,
            last_event INTEGER NOT NULL,
            kinds TEXT NOT NULL,
            ticks INTEGER NOT NULL,
            books INTEGER NOT NULL,
            kept INTEGER NOT NULL
        );
        CREATE TABLE kept_gone (
            stream INTEGER PRIMARY KEY,
            seq INTEGER NOT NULL,
            kinds TEXT NOT NULL
        );
        CREATE TABLE trim (
            part INTEGER NOT NULL,
            day INTEGER NOT NULL,
            streams BLOB NOT NULL,
            PRIMARY KEY (part, day)
        ) WITHOUT ROWID;
        """

    static func read(_ db: Database) throws -> Catalogue {
        var catalogue = Catalogue()
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT first_seq, last_seq, day, first_received, last_received, first_event, last_event, kinds, ticks,
                    books, kept FROM segment ORDER BY first_seq
                """)
        while let row = try rows.next() {
            catalogue.entries.append(
                CompactedEntry(
                    firstSeq: UInt64(row[0] as Int64), lastSeq: UInt64(row[1] as Int64), day: row[2],
                    firstReceived: row[3], lastReceived: row[4], firstEvent: row[5], lastEvent: row[6],
                    kinds: KindSet(text: row[7]), ticks: .init(rawValue: row[8]) ?? .none,
                    books: .init(rawValue: row[9]) ?? .none, kept: .init(rawValue: row[10]) ?? .none))
        }
        let trims = try Row.fetchCursor(db, sql: "SELECT part, day, streams FROM trim")
        while let row = try trims.next() {
            guard let part = StorePart(rawValue: row[0]) else { continue }
            let key = DayKey(part: part, day: row[1])
            try row.withUnsafeData(atIndex: 2) { data in
                var ids: [UInt32] = []
                data?.withUnsafeBytes { bytes in
                    for index in 0..<bytes.count / 4 {
                        ids.append(
                            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)))
                    }
                }
                catalogue.trims[key] = StreamSet(ids)
            }
        }
        catalogue.compactedTo = UInt64(try Fact.compacted.number(db) ?? 0)
        let gone = try Row.fetchCursor(db, sql: "SELECT stream, seq, kinds FROM kept_gone")
        while let row = try gone.next() {
            catalogue.noteKeptGone(
                UInt32(truncatingIfNeeded: row[0] as Int64), KindSet(text: row[2]), through: UInt64(row[1] as Int64))
        }
        return catalogue
    }

    static func insert(_ entry: CompactedEntry, epoch: String, _ db: Database) throws {
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO segment (first_seq, last_seq, epoch, day, first_received, last_received,
                    first_event, last_event, kinds, ticks, books, kept)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                Int64(entry.firstSeq), Int64(entry.lastSeq), epoch, entry.day, entry.firstReceived,
                entry.lastReceived, entry.firstEvent, entry.lastEvent, entry.kinds.text, entry.ticks.rawValue,
                entry.books.rawValue, entry.kept.rawValue,
            ])
    }

    static func setState(_ state: CompactedEntry.State, of part: StorePart, day: Int64, _ db: Database) throws {
        let column = "\(part)"
        // What was never there is not gone, and what is gone is not trimmed.
        let from = state == .trimmed ? [CompactedEntry.State.present] : [.present, .trimmed]
        try db.execute(
            sql: """
                UPDATE segment SET \(column) = ?
                WHERE day = ? AND \(column) IN (\(from.map { String($0.rawValue) }.joined(separator: ",")))
                """, arguments: [state.rawValue, day])
    }

    static func setGone(_ firstSeq: UInt64, _ part: StorePart, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE segment SET \(part) = ? WHERE first_seq = ?",
            arguments: [CompactedEntry.State.gone.rawValue, Int64(firstSeq)])
    }

    static func setTrim(_ streams: StreamSet, of key: DayKey, _ db: Database) throws {
        var bytes: [UInt8] = []
        for id in streams.ids { withUnsafeBytes(of: id.littleEndian) { bytes.append(contentsOf: $0) } }
        try db.execute(
            sql: "INSERT OR REPLACE INTO trim (part, day, streams) VALUES (?, ?, ?)",
            arguments: [key.part.rawValue, key.day, Foundation.Data(bytes)])
    }

    static func setKeptGone(_ stream: UInt32, _ kinds: KindSet, through seq: UInt64, _ db: Database) throws {
        let known = try String.fetchOne(
            db, sql: "SELECT kinds FROM kept_gone WHERE stream = ?", arguments: [Int64(stream)])
        let all = known.map { KindSet(text: $0).union(kinds) } ?? kinds
        try db.execute(
            sql: """
                INSERT INTO kept_gone (stream, seq, kinds) VALUES (?, ?, ?)
                ON CONFLICT (stream) DO UPDATE SET seq = max(seq, excluded.seq), kinds = excluded.kinds
                """, arguments: [Int64(stream), Int64(seq), all.text])
    }

    /// Takes back what lies behind a position: a journal that lost its end gives those numbers again.
    static func takeBack(after seq: UInt64, _ db: Database) throws {
        let end = Int64(clamping: seq)
        // What is left of a segment that is cut is compacted anew.
        let first = try Int64.fetchOne(
            db, sql: "SELECT min(first_seq) FROM segment WHERE last_seq > ?", arguments: [end])
        let kept = first.map { min($0 - 1, end) } ?? end
        try db.execute(sql: "DELETE FROM segment WHERE last_seq > ?", arguments: [end])
        if try Fact.compacted.number(db) ?? 0 > kept { try Fact.compacted.set(kept, db) }
    }
}
