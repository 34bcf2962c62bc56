import GRDB
import GRDBSQLite

/// A prepared statement used by SQLite's own calls, for what runs once a record.
///
/// Only within a read or write of the pool, on the connection that it was prepared for.
final class RawStatement {
    private let handle: OpaquePointer

    init(_ db: Database, _ sql: String) throws {
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v3(db.sqliteConnection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
        handle = prepared
    }

    deinit { sqlite3_finalize(handle) }

    /// - Parameter place: of the parameter, from 1.
    func bind(_ value: Int64, at place: Int32) { sqlite3_bind_int64(handle, place, value) }

    /// The bytes must stay as they are until the statement has run.
    func bind(_ bytes: UnsafeRawBufferPointer, at place: Int32) {
        sqlite3_bind_blob(handle, place, bytes.baseAddress, Int32(bytes.count), nil)
    }

    func bind(_ text: String, at place: Int32) {
        // SQLite makes a copy of its own.
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        sqlite3_bind_text(handle, place, text, -1, transient)
    }

    /// Runs a statement that answers no rows.
    func run() throws {
        let code = sqlite3_step(handle)
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }

    /// Goes to the next row; answers whether there is one. Behind the last the statement is ready to be run again.
    func step() throws -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
        return false
    }

    /// Leaves the rows that were not gone to.
    func reset() { sqlite3_reset(handle) }

    /// - Parameter column: from 0.
    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    /// The bytes of a column, good until the next step.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(handle, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
    }

    /// Calls `body` with the bar in a column, if it is one.
    func withBar(_ column: Int32, _ body: (StoredBar) -> Void) {
        let bytes = bytes(column)
        guard bytes.count == StoredBar.bytes else { return }
        body(bytes.loadUnaligned(as: StoredBar.self))
    }
}
