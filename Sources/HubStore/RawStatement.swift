import GRDB
import GRDBSQLite

/// A prepared statement used by SQLite's own calls, for what runs once a record.
///
/// Only within a write of the pool that it was prepared in.
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

    /// Runs a statement that answers no rows.
    func run() throws {
        let code = sqlite3_step(handle)
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }
}
