import Foundation
import GRDB

/// Single things that the store remembers by name.
struct Fact {
    let name: String

    /// The last journal position taken in.
    static let position = Fact(name: "position")
    /// The journal's epoch of that position.
    static let epoch = Fact(name: "epoch")
    /// The last position that was compacted.
    static let compacted = Fact(name: "compacted")
    /// What callers keep, apart from the store's own.
    static func ofCaller(_ key: String) -> Fact { Fact(name: "key:\(key)") }

    func number(_ db: Database) throws -> Int64? {
        try Int64.fetchOne(db, sql: "SELECT value FROM fact WHERE name = ?", arguments: [name])
    }

    func text(_ db: Database) throws -> String? {
        try String.fetchOne(db, sql: "SELECT value FROM fact WHERE name = ?", arguments: [name])
    }

    func set(_ text: String?, _ db: Database) throws {
        // As bytes: the column would turn a text that reads as a number, such as an epoch 12e4567890123456, into one.
        try set(text.map { Data($0.utf8) } as Data?, db)
    }

    func set(_ number: Int64, _ db: Database) throws { try set(number as Int64?, db) }

    /// What an older version wrote as a text and has lost by that: it reads as a number.
    func brokenText(_ db: Database) throws -> Double? {
        try Double.fetchOne(
            db, sql: "SELECT value FROM fact WHERE name = ? AND typeof(value) IN ('integer', 'real')",
            arguments: [name])
    }

    private func set(_ value: (any DatabaseValueConvertible)?, _ db: Database) throws {
        if let value {
            try db.execute(sql: "INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", arguments: [name, value])
        } else {
            try db.execute(sql: "DELETE FROM fact WHERE name = ?", arguments: [name])
        }
    }
}

extension Store {
    /// What was kept under a key; `nil` if nothing was. Any thread.
    public func text(forKey key: String) throws(StoreError) -> String? {
        try StoreError.wrapping(path) { try pool.read { db in try Fact.ofCaller(key).text(db) } }
    }

    /// Keeps a text under a key; `nil` forgets it. Any thread.
    public func setText(_ text: String?, forKey key: String) throws(StoreError) {
        try StoreError.wrapping(path) { try pool.write { db in try Fact.ofCaller(key).set(text, db) } }
    }

    /// The durable cursor of a sink: everything up to it was acknowledged; `nil` for one that has none yet. Any thread.
    public func sinkCursor(_ name: String) throws(StoreError) -> UInt64? {
        try StoreError.wrapping(path) {
            try pool.read { db in
                try Int64.fetchOne(db, sql: "SELECT seq FROM sink WHERE name = ?", arguments: [name])
                    .map { UInt64($0) }
            }
        }
    }

    /// All sinks that have a cursor, by name. Any thread.
    public func sinkCursors() throws(StoreError) -> [(name: String, seq: UInt64)] {
        try StoreError.wrapping(path) {
            try pool.read { db in
                try Row.fetchAll(db, sql: "SELECT name, seq FROM sink ORDER BY name")
                    .map { ($0[0], UInt64($0[1] as Int64)) }
            }
        }
    }

    /// Moves a sink's cursor. It never goes back: an older position changes nothing. Any thread.
    public func setSinkCursor(_ name: String, to seq: UInt64) throws(StoreError) {
        try StoreError.wrapping(path) {
            try pool.write { db in
                try db.execute(
                    sql: """
                        INSERT INTO sink (name, seq) VALUES (?, ?)
                        ON CONFLICT (name) DO UPDATE SET seq = max(seq, excluded.seq)
                        """, arguments: [name, Int64(seq)])
            }
        }
    }

    /// Forgets a sink. Any thread.
    public func removeSinkCursor(_ name: String) throws(StoreError) {
        try StoreError.wrapping(path) {
            try pool.write { db in try db.execute(sql: "DELETE FROM sink WHERE name = ?", arguments: [name]) }
        }
    }
}
