import GRDB

/// The tables, and how they came about.
///
/// - `event`: every kept record as journaled, by `seq`.
/// - `instrument`: a number for each symbol, so that rows are small.
/// - `series`: bars of one instrument and interval, or values of one instrument and definition.
/// - `entry`: which events belong to a series, by time; the newest event of a time is the newest revision.
/// - `bar_block`, `bar_tail`: the newest revision of every bar, for reading; see `BarShelf`.
/// - `definition`: the newest `define` record of each stream and value, also after retention has taken the event.
/// - `segment`, `trim`: which segments of the journal were compacted, and what of them is left (`Catalogue`).
/// - `chunk`: clocks and positions of those segments (`ChunkTable`).
/// - `listing`, `identifier`, `listing_text`: what providers say which instruments they have (`Store+Listings`).
/// - `sink`: durable cursors. `fact`: position, epoch, and what else is asked to be kept.
enum Schema {
    /// Each brings a database of the version before to its own; the version is `PRAGMA user_version`. What was released is never
    /// changed, only added to.
    static let migrations: [String] = [
        """
        CREATE TABLE event (
            seq INTEGER PRIMARY KEY,
            kind INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        CREATE INDEX event_of_rare_kind ON event (kind, seq) WHERE kind NOT IN (5, 6);
        CREATE TABLE instrument (
            id INTEGER PRIMARY KEY,
            symbol TEXT NOT NULL UNIQUE
        );
        CREATE TABLE series (
            id INTEGER PRIMARY KEY,
            instrument INTEGER NOT NULL REFERENCES instrument (id),
            kind INTEGER NOT NULL,
            number INTEGER NOT NULL,
            UNIQUE (instrument, kind, number)
        );
        CREATE TABLE entry (
            series INTEGER NOT NULL,
            time INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            PRIMARY KEY (series, time, seq)
        ) WITHOUT ROWID;
        CREATE TABLE definition (
            what INTEGER NOT NULL,
            number INTEGER NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (what, number)
        ) WITHOUT ROWID;
        CREATE TABLE sink (
            name TEXT PRIMARY KEY,
            seq INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE fact (
            name TEXT PRIMARY KEY,
            value ANY NOT NULL
        ) WITHOUT ROWID;
        """,
        // 2: the tick store.
        CatalogueTable.schema + ChunkTable.schema,
        // 3: bars in columns.
        """
        CREATE TABLE bar_block (
            id INTEGER PRIMARY KEY,
            series INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            count INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        CREATE UNIQUE INDEX bar_block_by_time ON bar_block (series, first, last, count);
        CREATE TABLE bar_tail (
            series INTEGER NOT NULL,
            time INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (series, time)
        ) WITHOUT ROWID;
        """,
        // 4: which instruments the providers list.
        Store.listingSchema,
    ]

    /// What a version's tables are filled with from those of the version before, in the same transaction.
    static let fillings: [Int: @Sendable (Database) throws -> Void] = [3: { db in try BarShelf.rebuildAll(db) }]

    static var version: Int { migrations.count }

    /// Brings the database to the newest schema, each step in a transaction of its own.
    static func migrate(_ pool: DatabasePool, path: String, _ migrations: [String] = migrations) throws {
        let found = try pool.read { db in try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0 }
        guard found <= migrations.count else {
            throw StoreError.newerSchema(path: path, found: found, supported: migrations.count)
        }
        if found == 0, try pool.read({ db in try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") }) != 0 {
            throw StoreError.notAStore(path: path)
        }
        for version in found..<migrations.count {
            try pool.write { db in
                try db.execute(sql: migrations[version])
                try fillings[version + 1]?(db)
                try db.execute(sql: "PRAGMA user_version = \(version + 1)")
            }
        }
    }
}
