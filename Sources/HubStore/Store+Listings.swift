import GRDB

/// One instrument as a provider lists it. Empty texts and NaN = not known.
public struct Listing: Sendable {
    /// The name of the provider in `hub.yaml`; filled in by the store.
    public var provider = ""
    public var symbol = ""
    /// `HUB_TYPE_…`; 0 = not known.
    public var type: UInt8 = 0
    public var name = ""
    public var currency = ""
    public var isin = ""
    public var figi = ""
    public var underlying = ""
    public var sector = ""
    public var tickSize = Double.nan
    public var lotSize = Double.nan
    public var multiplier = Double.nan
    public var strike = Double.nan
    /// Days since 1970-01-01; 0 = none.
    public var expiry: Int32 = 0
    /// `HUB_RIGHT_…`: 1 = call, 2 = put.
    public var right: UInt8 = 0
    /// The provider's own names: name of the identifier, value.
    public var identifiers: [(name: String, value: String)] = []

    public init() {}

    /// Equal ones need not be written again; the same in every run.
    var digest: Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        func add(_ text: String) {
            for byte in text.utf8 { add(byte) }
            add(0xff)
        }
        for text in [name, currency, isin, figi, underlying, sector] { add(text) }
        for number in [tickSize, lotSize, multiplier, strike] {
            let bits = number.isNaN ? 0 : number.bitPattern
            for shift in stride(from: 0, to: 64, by: 8) { add(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        for shift in stride(from: 0, to: 32, by: 8) { add(UInt8(truncatingIfNeeded: expiry >> shift)) }
        add(type)
        add(right)
        for identifier in identifiers {
            add(identifier.name)
            add(identifier.value)
        }
        return Int64(bitPattern: hash)
    }
}

/// The catalogue: which instruments the providers have, and what they call them.
extension Store {
    static let listingSchema = """
        CREATE TABLE IF NOT EXISTS listing (
            id INTEGER PRIMARY KEY,
            provider TEXT NOT NULL,
            symbol TEXT NOT NULL,
            venue TEXT NOT NULL,
            type INTEGER NOT NULL,
            name TEXT NOT NULL,
            currency TEXT NOT NULL,
            isin TEXT NOT NULL,
            figi TEXT NOT NULL,
            underlying TEXT NOT NULL,
            sector TEXT NOT NULL,
            tick_size REAL,
            lot_size REAL,
            multiplier REAL,
            strike REAL,
            expiry INTEGER NOT NULL,
            right INTEGER NOT NULL,
            digest INTEGER NOT NULL,
            UNIQUE (provider, symbol)
        );
        CREATE INDEX IF NOT EXISTS listing_by_symbol ON listing (symbol);
        CREATE INDEX IF NOT EXISTS listing_by_isin ON listing (isin) WHERE isin <> '';
        CREATE TABLE IF NOT EXISTS identifier (
            listing INTEGER NOT NULL,
            name TEXT NOT NULL,
            provider TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (listing, name)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS identifier_by_value ON identifier (provider, value);
        CREATE VIRTUAL TABLE IF NOT EXISTS listing_text USING fts5(symbol, name, isin, prefix='2 3');
        """

    private static let columns =
        "provider, symbol, venue, type, name, currency, isin, figi, underlying, sector, tick_size, lot_size, multiplier, "
        + "strike, expiry, right, digest"
    /// Others who write wait so long at most.
    private static let batch = 2000

    /// Takes a provider's whole list: what an earlier one had and this one has not is gone. Written in batches, so that nobody
    /// waits for a long list.
    public func takeListings(_ listings: [Listing], provider: String) throws(StoreError) {
        try StoreError.wrapping(path) {
            var known: [String: (id: Int64, digest: Int64)] = [:]
            try pool.read { db in
                let rows = try Row.fetchCursor(
                    db, sql: "SELECT symbol, id, digest FROM listing WHERE provider = ?", arguments: [provider])
                while let row = try rows.next() { known[row[0]] = (row[1], row[2]) }
            }
            var changed: [Listing] = []
            var seen = Set<String>()
            for listing in listings where seen.insert(listing.symbol).inserted {
                if known[listing.symbol]?.digest != listing.digest { changed.append(listing) }
            }
            let gone = known.filter { !seen.contains($0.key) }.map(\.value.id)
            for start in stride(from: 0, to: gone.count, by: Self.batch) {
                try pool.write { db in
                    for id in gone[start..<min(start + Self.batch, gone.count)] { try Self.drop(id, db) }
                }
            }
            for start in stride(from: 0, to: changed.count, by: Self.batch) {
                try pool.write { db in
                    for listing in changed[start..<min(start + Self.batch, changed.count)] {
                        if let id = known[listing.symbol]?.id { try Self.drop(id, db) }
                        try Self.insert(listing, provider, db)
                    }
                }
            }
        }
    }

    private static func drop(_ id: Int64, _ db: Database) throws {
        for sql in [
            "DELETE FROM listing WHERE id = ?", "DELETE FROM identifier WHERE listing = ?",
            "DELETE FROM listing_text WHERE rowid = ?",
        ] {
            try db.cachedStatement(sql: sql).execute(arguments: [id])
        }
    }

    private static func insert(_ listing: Listing, _ provider: String, _ db: Database) throws {
        func number(_ value: Double) -> Double? { value.isFinite ? value : nil }
        let venue = listing.symbol.prefix { $0 != ":" }
        let arguments: StatementArguments = [
            provider, listing.symbol, String(venue), Int(listing.type), listing.name, listing.currency, listing.isin,
            listing.figi, listing.underlying, listing.sector, number(listing.tickSize), number(listing.lotSize),
            number(listing.multiplier), number(listing.strike), Int(listing.expiry), Int(listing.right), listing.digest,
        ]
        try db.cachedStatement(
            sql: "INSERT INTO listing (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: arguments)
        let id = db.lastInsertedRowID
        try db.cachedStatement(sql: "INSERT INTO listing_text (rowid, symbol, name, isin) VALUES (?, ?, ?, ?)")
            .execute(arguments: [id, listing.symbol, listing.name, listing.isin])
        for identifier in listing.identifiers {
            try db.cachedStatement(
                sql: "INSERT OR IGNORE INTO identifier (listing, name, provider, value) VALUES (?, ?, ?, ?)"
            ).execute(arguments: [id, identifier.name, provider, identifier.value])
        }
    }

    /// What providers say of instruments; those nobody lists are left out. Any thread.
    public func listings(of symbols: [String]) throws(StoreError) -> [String: [Listing]] {
        try StoreError.wrapping(path) {
            try pool.read { db in
                var found: [String: [Listing]] = [:]
                for symbol in symbols {
                    let rows = try Row.fetchCursor(
                        try db.cachedStatement(
                            sql: "SELECT id, \(Self.columns) FROM listing WHERE symbol = ? ORDER BY provider"),
                        arguments: [symbol])
                    while let row = try rows.next() { found[symbol, default: []].append(try Self.listing(row, db)) }
                }
                return found
            }
        }
    }

    private static func listing(_ row: Row, _ db: Database) throws -> Listing {
        var listing = Listing()
        let id: Int64 = row[0]
        listing.provider = row[1]
        listing.symbol = row[2]
        listing.type = UInt8(clamping: row[4] as Int)
        listing.name = row[5]
        listing.currency = row[6]
        listing.isin = row[7]
        listing.figi = row[8]
        listing.underlying = row[9]
        listing.sector = row[10]
        listing.tickSize = row[11] ?? .nan
        listing.lotSize = row[12] ?? .nan
        listing.multiplier = row[13] ?? .nan
        listing.strike = row[14] ?? .nan
        listing.expiry = Int32(clamping: row[15] as Int)
        listing.right = UInt8(clamping: row[16] as Int)
        let names = try Row.fetchCursor(
            try db.cachedStatement(sql: "SELECT name, value FROM identifier WHERE listing = ? ORDER BY name"),
            arguments: [id])
        while let row = try names.next() { listing.identifiers.append((row[0], row[1])) }
        return listing
    }

    /// The canonical symbol of a provider's own name for an instrument; `nil` if it lists none such. Any thread.
    public func symbol(ofIdentifier value: String, provider: String) throws(StoreError) -> String? {
        try StoreError.wrapping(path) {
            try pool.read { db in
                try String.fetchOne(
                    db,
                    sql: """
                        SELECT listing.symbol FROM identifier JOIN listing ON listing.id = identifier.listing
                        WHERE identifier.provider = ? AND identifier.value = ? ORDER BY listing.symbol LIMIT 1
                        """, arguments: [provider, value])
            }
        }
    }

    /// Symbols that have every word of a query in their symbol, name or ISIN, the words as beginnings; the best first.
    ///
    /// - Parameters:
    ///   - venue: only of this one.
    ///   - type: `HUB_TYPE_…`, only of this one.
    public func searchListings(
        _ query: String?, venue: String?, type: UInt8?, limit: Int
    ) throws(StoreError) -> [String] {
        var conditions: [String] = []
        var arguments: [(any DatabaseValueConvertible)?] = []
        var from = "listing"
        if let query {
            let words = query.split { !$0.isLetter && !$0.isNumber }
            guard !words.isEmpty else { return [] }
            from = "listing_text JOIN listing ON listing.id = listing_text.rowid"
            conditions.append("listing_text MATCH ?")
            arguments.append(words.map { "\"\($0)\" *" }.joined(separator: " "))
        }
        if let venue {
            conditions.append("listing.venue = ?")
            arguments.append(venue)
        }
        if let type {
            conditions.append("listing.type = ?")
            arguments.append(Int(type))
        }
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        // An auxiliary function of full-text search knows no groups: scored first, grouped then.
        let sql =
            query == nil
            ? "SELECT DISTINCT listing.symbol FROM \(from) \(filter) ORDER BY listing.symbol LIMIT ?"
            : """
            WITH found AS MATERIALIZED (
                SELECT listing.symbol AS symbol, bm25(listing_text, 4, 2, 1) AS score FROM \(from) \(filter)
            )
            SELECT symbol FROM found GROUP BY symbol ORDER BY min(score), length(symbol), symbol LIMIT ?
            """
        let values = StatementArguments(arguments + [limit])
        return try StoreError.wrapping(path) {
            try pool.read { db in try String.fetchAll(db, sql: sql, arguments: values) }
        }
    }

    /// How many instruments a provider lists. Any thread.
    public func listingCount(of provider: String) throws(StoreError) -> Int {
        try StoreError.wrapping(path) {
            try pool.read { db in
                try Int.fetchOne(db, sql: "SELECT count(*) FROM listing WHERE provider = ?", arguments: [provider]) ?? 0
            }
        }
    }
}
