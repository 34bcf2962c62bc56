public import EventFormat
import GRDB
import HubJournal
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What outlives the journal, in SQLite: bars, values, signals, status, gaps, controls and definitions, market data in
/// chunks, the cursors of sinks, and what else must be remembered.
///
/// The files: `store.sqlite`, and for each UTC day `ticks/YYYY-MM-DD.sqlite` and `books/YYYY-MM-DD.sqlite`.
///
/// One thread follows the journal (`follow`), another one compacts it behind (`compactNext`); any thread reads, and sees for each call one state of the whole. All calls
/// block on the disk: none belongs on an event loop.
public final class Store: @unchecked Sendable {
    /// The database's file.
    public let path: String
    let pool: DatabasePool

    private let positionWord: Atomic<UInt64>
    private let durableWord: Atomic<UInt64>
    private let waiting: WaitingRoom
    private let wanted = Mutex<(@Sendable () -> Void)?>(nil)

    /// What following keeps in memory; `nil` after a failure, then read anew. Only in `follow` and `reconcile`.
    var intake: Intake?
    var reader: JournalReader?
    /// When the last batch was written, by the clock that never jumps.
    var lastWrite: Int64 = 0
    let followLock = Mutex<Void>(())
    let definitionsSeen: Mutex<DefinitionTable>

    let files: DayFiles
    let catalogue: Mutex<Catalogue>
    /// Files from which everything noted as removed was removed, since the start.
    let trimsDone = Mutex<Set<DayKey>>([])
    let firstKept = Mutex<Place?>(nil)
    let compactionLock = Mutex<Void>(())
    let compactor = Compactor()
    /// Told of faults that cost a reader something and nothing else: a damaged file.
    let faults = Mutex<(@Sendable (String) -> Void)?>(nil)
    /// For tests: called at each step of compaction and retention, and within each of their transactions.
    nonisolated(unsafe) var onStep: (@Sendable (StoreStep) -> Void)?
    nonisolated(unsafe) var limitPages: (@Sendable (Database) throws -> Void)?

    /// Opens or makes the store of a data folder, and brings its tables up to date. The folder's lock is the journal's.
    public static func open(folder: String) throws(StoreError) -> Store {
        let path = "\(folder)/store.sqlite"
        return try StoreError.wrapping(path) {
            if mkdir(folder, 0o700) != 0, errno != EEXIST {
                throw StoreError.database(path: path, words: String(cString: strerror(errno)), isFull: false)
            }
            return try Store(path: path, folder: folder)
        }
    }

    private init(path: String, folder: String) throws {
        self.path = path
        files = DayFiles(dataFolder: folder)
        var configuration = Configuration()
        configuration.label = "store"
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            // What SQLite has not synced when power is lost, the journal still has: it is read again from the position.
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 8000")
            try db.execute(sql: "PRAGMA cache_size = -8000")
            try db.execute(sql: "PRAGMA journal_size_limit = 67108864")
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try Schema.migrate(pool, path: path)
        let position = try pool.read { db in try Fact.position.number(db) ?? 0 }
        self.pool = pool
        positionWord = Atomic(UInt64(position))
        durableWord = Atomic(UInt64(position))
        waiting = WaitingRoom()
        definitionsSeen = Mutex(try pool.read { db in try Self.readDefinitions(db) })
        catalogue = Mutex(try pool.read { db in try CatalogueTable.read(db) })
        try pool.read { db in try noteFirstKept(db) }
    }

    /// Ends all use. Reading and writing fail afterwards.
    public func close() throws(StoreError) {
        try StoreError.wrapping(path) {
            followLock.withLock { _ in
                intake = nil
                reader = nil
            }
            files.close()
            _ = try? pool.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
            try pool.close()
        }
    }

    // MARK: Position

    /// The last position whose record is in the store, if it is of a kind that is kept. Any thread.
    public var position: UInt64 { positionWord.load(ordering: .acquiring) }

    /// The position from which following would go on after a crash: the journal must keep what comes after it. Any thread.
    ///
    /// It lags behind `position` by at most a second or 100,000 records, as long as nothing kept comes.
    public var durablePosition: UInt64 { durableWord.load(ordering: .acquiring) }

    func setPosition(_ seq: UInt64, isDurable: Bool) {
        if isDurable { durableWord.store(seq, ordering: .releasing) }
        positionWord.store(seq, ordering: .releasing)
        waiting.wakeAll()
    }

    /// Waits until everything up to a position is in the store; answers whether it is. Some other thread must follow, and is
    /// told by what was given to `onWanted`. Any other thread.
    @discardableResult
    public func waitUntil(_ seq: UInt64, timeoutMilliseconds: Int = 10_000) -> Bool {
        if position >= seq { return true }
        wanted.withLock { $0 }?()
        return waiting.wait(milliseconds: timeoutMilliseconds) { position >= seq }
    }

    /// What is called, on the thread that waits, when somebody waits for a position; so whoever follows need not follow at once
    /// what nobody waits for. Any thread.
    public func onWanted(_ body: @escaping @Sendable () -> Void) {
        wanted.withLock { $0 = body }
    }

    /// Bytes of all files with their write-ahead logs. Any thread.
    public var sizeBytes: UInt64 {
        let own: UInt64 = ["", "-wal", "-shm"].reduce(0) { sum, suffix in
            var info = stat()
            return stat(path + suffix, &info) == 0 ? sum + UInt64(info.st_size) : sum
        }
        return StorePart.inDayFiles.reduce(own) { $0 + files.all($1).reduce(0) { $0 + $1.bytes } }
    }

    /// Has faults told that cost readers a part of the past and nothing else, such as a damaged file. Any thread.
    public func onFault(_ body: @escaping @Sendable (String) -> Void) {
        faults.withLock { $0 = body }
    }

    /// All definitions that the store knows. Any thread.
    public var definitions: DefinitionTable { definitionsSeen.withLock { $0 } }
}

extension StoreError {
    /// Runs a body whose failures are SQLite's, and tells them in words.
    static func wrapping<Result>(_ path: String, _ body: () throws -> Result) throws(StoreError) -> Result {
        do {
            return try body()
        } catch let error as StoreError {
            throw error
        } catch let error as DatabaseError {
            if error.resultCode == .SQLITE_NOTADB { throw .notAStore(path: path) }
            throw .database(
                path: path, words: error.message ?? "\(error.resultCode)", isFull: error.resultCode == .SQLITE_FULL)
        } catch {
            throw .database(path: path, words: "\(error)", isFull: false)
        }
    }
}
