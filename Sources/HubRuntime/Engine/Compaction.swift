import Glibc
import HubConfig
import HubJournal
import HubModel
import HubStore
import Logging
import Synchronization

/// Packs the journal's sealed segments into the store, and lets go of what is past its age: on a thread of its own that takes
/// what others leave of the processor.
final class Compaction: Sendable {
    private let journal: Journal
    private let store: Store
    private let retention: StoreRetention
    private let wallClock: @Sendable () -> Int64
    private let logger: Logger
    private let thread = WorkerThread(name: "compaction")
    private let wake = WakeEvent()
    private let isStopping = Atomic<Bool>(false)
    private let counts = Mutex(EngineStatus.Compaction())

    private static let nanosecondsBetweenLooks: Int64 = 250_000_000
    private static let secondsBetweenRetention: Int64 = 10

    init(
        journal: Journal, store: Store, retention: StoreRetention, wallClock: @escaping @Sendable () -> Int64,
        logger: Logger
    ) {
        self.journal = journal
        self.store = store
        self.retention = retention
        self.wallClock = wallClock
        self.logger = logger
        store.onFault { logger.error("\($0)") }
    }

    var status: EngineStatus.Compaction {
        var status = counts.withLock { $0 }
        status.position = store.compactedTo
        return status
    }

    func start() {
        thread.start { self.run() }
    }

    /// Ends behind the segment that is being packed.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        wake.wake()
        thread.join()
    }

    private func run() {
        // On Linux a priority belongs to the thread.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        var failures = 0
        var nextRetention = Int64.min
        while !isStopping.load(ordering: .acquiring) {
            if compact() { failures = 0 } else { failures += 1 }
            let now = MonotonicClock.now
            if now >= nextRetention {
                retain()
                nextRetention = now + Self.secondsBetweenRetention * 1_000_000_000
            }
            wake.wait(nanoseconds: Self.nanosecondsBetweenLooks << Int64(min(failures, 6)))
        }
    }

    /// Packs all there is; answers whether that went well.
    private func compact() -> Bool {
        do {
            while !isStopping.load(ordering: .acquiring), let done = try store.compactNext(journal) {
                counts.withLock {
                    $0.segments += 1
                    $0.records += UInt64(done.records)
                    $0.bytes += UInt64(done.bytes)
                }
                if done.isDamaged {
                    logger.error(
                        "the journal's segment at \(done.firstSeq) is damaged: what lies behind the damage is lost")
                }
            }
            counts.withLock { $0.error = nil }
            return true
        } catch {
            // The journal keeps what could not be packed: nothing is lost by trying again.
            let words = "\(error)"
            let isNew = counts.withLock { counts in
                counts.errors += 1
                defer { counts.error = words }
                return counts.error != words
            }
            if isNew { logger.error("the journal cannot be compacted, and keeps what it has: \(words)") }
            return false
        }
    }

    private func retain() {
        do {
            let removal = try store.retain(retention, now: wallClock())
            for file in removal.files {
                logger.info(
                    "retention removed \(file)\(removal.isForSize ? ", since the data folder is too large" : "")")
            }
            for file in removal.trimmed { logger.debug("retention removed a part of \(file)") }
        } catch {
            counts.withLock { $0.errors += 1 }
            logger.warning("retention could not be applied: \(error)")
        }
    }
}

extension StoreRetention {
    /// What `hub.yaml` says: `hub.retention`, and what pipelines say of their instruments. Of several pipelines with the same
    /// instrument the longest counts.
    init(_ configuration: Configuration) {
        let hub = configuration.hub.retention
        let plain = StoreAges(
            ticks: hub.ticksNanoseconds, books: hub.booksNanoseconds, bars: hub.barsNanoseconds)
        let folder = configuration.hub.data
        let own = configuration.pipelines.contains { $0.retention.isOwn }
        let pipelines = own ? configuration.pipelines : []
        self.init(ages: plain, mostBytes: hub.mostBytes) { text in
            guard !pipelines.isEmpty, let symbol = try? Symbol(text) else { return nil }
            var ages: StoreAges?
            for pipeline in pipelines where pipeline.takes(symbol) {
                let retention = pipeline.retention
                let these = StoreAges(
                    ticks: retention.ticksNanoseconds ?? plain.ticks,
                    books: retention.booksNanoseconds ?? plain.books,
                    bars: retention.barsNanoseconds ?? plain.bars)
                ages =
                    ages.map {
                        StoreAges(
                            ticks: max($0.ticks, these.ticks), books: max($0.books, these.books),
                            bars: max($0.bars, these.bars))
                    } ?? these
            }
            return ages
        } usedBytes: {
            FolderSize.bytes(folder)
        }
    }
}

/// How much room a folder takes on the disk.
enum FolderSize {
    /// Bytes of all files in it, as the disk counts them.
    static func bytes(_ folder: String) -> Int64 {
        guard let listing = opendir(folder) else { return 0 }
        defer { closedir(listing) }
        var sum: Int64 = 0
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            var info = stat()
            guard lstat("\(folder)/\(name)", &info) == 0 else { continue }
            if info.st_mode & S_IFMT == S_IFDIR {
                sum += bytes("\(folder)/\(name)")
            } else {
                sum += Int64(info.st_blocks) * 512
            }
        }
        return sum
    }
}
