import EventFormat
import GRDB
import HubJournal
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Which file of a day.
struct DayKey: Hashable, Sendable, Comparable {
    var part: StorePart
    /// Days since 1970-01-01, UTC, by the time of the journal.
    var day: Int64

    static func < (a: DayKey, b: DayKey) -> Bool {
        (a.day, a.part.rawValue) < (b.day, b.part.rawValue)
    }
}

/// One file with the chunks of a day.
///
/// The file is written through once a transaction, so what a committed one holds survives the power: the journal lets go of
/// a segment in reliance on it.
final class DayFile: Sendable {
    let path: String
    let pool: DatabasePool

    private static let applicationID = 0x4855_4254
    /// Each brings a file of the version before to its own; the version is `PRAGMA user_version`.
    static let migrations = [ChunkTable.schema]

    /// Opens a file, and makes it if it is to be written and not there yet.
    ///
    /// - Throws: `StoreError`; `nil` for one that is not there and is only to be read.
    static func open(_ path: String, creating: Bool) throws(StoreError) -> DayFile? {
        if !creating, access(path, F_OK) != 0 { return nil }
        return try StoreError.wrapping(path) { try DayFile(path) }
    }

    private init(_ path: String) throws {
        self.path = path
        var configuration = Configuration()
        configuration.label = "ticks"
        configuration.maximumReaderCount = 3
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA cache_size = -4000")
            if db.configuration.readonly { return }
            try db.execute(sql: "PRAGMA page_size = 16384")
            try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            try db.execute(sql: "PRAGMA journal_size_limit = 16777216")
        }
        pool = try DatabasePool(path: path, configuration: configuration)
        // Afterwards, since opening sets it.
        try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
        let (version, application, isEmpty) = try pool.read { db in
            (
                try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0,
                try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
                try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0
            )
        }
        guard isEmpty || application == Self.applicationID else { throw StoreError.notATickFile(path: path) }
        guard version <= Self.migrations.count else {
            throw StoreError.newerSchema(path: path, found: version, supported: Self.migrations.count)
        }
        for version in version..<Self.migrations.count {
            try pool.write { db in
                try db.execute(sql: Self.migrations[version])
                try db.execute(sql: "PRAGMA application_id = \(Self.applicationID)")
                try db.execute(sql: "PRAGMA user_version = \(version + 1)")
            }
        }
    }
}

extension DayFile {
    /// Moves what is in the write-ahead log into the file, as far as readers let it. GRDB closes the connection that writes
    /// before those that read, so that closing alone leaves the log as it is.
    func settle() {
        try? pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
    }
}

/// The files of all days, those in use open.
final class DayFiles: Sendable {
    private let folder: String
    private struct Open: Sendable {
        var file: DayFile
        var lastUse: UInt64
    }
    private struct State: Sendable {
        var open: [DayKey: Open] = [:]
        var uses: UInt64 = 0
    }
    private let state = Mutex(State())
    private static let mostOpen = 24

    init(dataFolder: String) {
        folder = dataFolder
    }

    func path(_ key: DayKey) -> String { "\(folder)/\(key.part.folder)/\(Self.name(key.day)).sqlite" }

    /// `2026-11-21`.
    static func name(_ day: Int64) -> String {
        let date = CivilDate(day: day)
        func padded(_ number: Int64, _ width: Int) -> String {
            let text = String(abs(number))
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return (date.year < 0 ? "-" : "") + "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
    }

    private static func day(_ name: Substring) -> Int64? {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = Int64(parts[0]), let month = Int64(parts[1]), let day = Int64(parts[2])
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        return date.isValid && self.name(date.dayNumber) == name ? date.dayNumber : nil
    }

    /// An open file; `nil` if it is not there.
    func file(_ key: DayKey, creating: Bool = false) throws(StoreError) -> DayFile? {
        if let known = state.withLock({ state in
            state.uses += 1
            state.open[key]?.lastUse = state.uses
            return state.open[key]?.file
        }) {
            return known
        }
        if creating {
            let folder = "\(folder)/\(key.part.folder)"
            if mkdir(folder, 0o700) != 0, errno != EEXIST {
                throw StoreError.database(
                    path: folder, words: String(cString: strerror(errno)), isFull: errno == ENOSPC)
            }
        }
        guard let opened = try DayFile.open(path(key), creating: creating) else { return nil }
        // Whoever reads one that is let go here holds it himself; it is closed when he is done.
        var dropped: DayFile?
        let file = state.withLock { state in
            if let other = state.open[key]?.file {
                dropped = opened
                return other
            }
            if state.open.count >= Self.mostOpen,
                let oldest = state.open.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
            {
                dropped = state.open.removeValue(forKey: oldest)?.file
            }
            state.open[key] = Open(file: opened, lastUse: state.uses)
            return opened
        }
        withExtendedLifetime(dropped) {}
        return file
    }

    /// Lets go of a file: the next use opens it anew.
    func forget(_ key: DayKey) {
        let dropped = state.withLock { $0.open.removeValue(forKey: key) }
        withExtendedLifetime(dropped) {}
    }

    /// Closes all.
    func close() {
        let files = state.withLock { state in
            defer { state.open = [:] }
            return state.open.values.map(\.file)
        }
        for file in files {
            file.settle()
            try? file.pool.close()
        }
    }

    /// Removes a file with its write-ahead log. Readers that have it open keep it.
    func remove(_ key: DayKey) throws(StoreError) {
        let dropped = state.withLock { $0.open.removeValue(forKey: key) }
        withExtendedLifetime(dropped) {}
        let path = path(key)
        for suffix in ["", "-wal", "-shm"] where unlink(path + suffix) != 0 && errno != ENOENT {
            throw StoreError.database(path: path + suffix, words: String(cString: strerror(errno)), isFull: false)
        }
    }

    /// Empties the write-ahead logs of days that are over.
    func settle(before day: Int64) {
        for part in StorePart.inDayFiles {
            for (key, _) in all(part) where key.day < day {
                var info = stat()
                guard stat(path(key) + "-wal", &info) == 0, info.st_size > 0 else { continue }
                (try? file(key))?.settle()
            }
        }
    }

    /// Days of which there is a file, oldest first, and how large it is with its write-ahead log.
    func all(_ part: StorePart) -> [(key: DayKey, bytes: UInt64)] {
        var bytes: [Int64: UInt64] = [:]
        let folder = "\(folder)/\(part.folder)"
        for name in (try? SystemFiles().names(in: folder)) ?? [] {
            // The file itself, `-wal` and `-shm`.
            guard let dot = name.firstIndex(of: "."), name[dot...].hasPrefix(".sqlite"),
                let day = Self.day(name[..<dot])
            else { continue }
            var info = stat()
            guard stat("\(folder)/\(name)", &info) == 0 else { continue }
            bytes[day, default: 0] += UInt64(info.st_size)
        }
        return bytes.sorted { $0.key < $1.key }.map { (DayKey(part: part, day: $0.key), $0.value) }
    }
}
