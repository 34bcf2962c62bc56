import Glibc
import HubFold
import HubJournal
import HubStore
import Logging
import Synchronization

/// What the journal needs now and then, on a thread of its own: sync, room on the disk, checkpoints, retention.
final class Housekeeping: @unchecked Sendable {
    private let journal: Journal
    private let store: Store
    private let sequencer: Sequencer
    private let lock: FoldLock
    private let intake: Intake
    private let logger: Logger
    private let wallClock: @Sendable () -> Int64
    /// The position up to which everybody who needs the journal has read it.
    private let keepFrom: @Sendable (_ now: Int64) -> UInt64
    private let rates: RateMeter
    private let sources: @Sendable () -> [(name: String, count: UInt64)]
    private let thread = WorkerThread(name: "housekeeping")
    private let wake = WakeEvent()
    private let isStopping = Atomic<Bool>(false)
    private var lastCheckpoint: UInt64 = 0
    private var sizeAtCheckpoint: Int64 = 0

    private static let secondsBetweenCheckpoints = 30
    private static let secondsBetweenRetention = 10

    init(
        journal: Journal, store: Store, sequencer: Sequencer, lock: FoldLock, intake: Intake,
        wallClock: @escaping @Sendable () -> Int64, logger: Logger,
        rates: RateMeter, sources: @escaping @Sendable () -> [(name: String, count: UInt64)],
        keepFrom: @escaping @Sendable (_ now: Int64) -> UInt64
    ) {
        self.journal = journal
        self.store = store
        self.sequencer = sequencer
        self.lock = lock
        self.intake = intake
        self.wallClock = wallClock
        self.logger = logger
        self.rates = rates
        self.sources = sources
        self.keepFrom = keepFrom
    }

    func start() {
        thread.start { self.run() }
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        wake.wake()
        thread.join()
    }

    private func run() {
        // With `fsync` nobody sees a record before it is synced, so it cannot wait a second.
        let period: Int64 = journal.options.durability == .fsync ? 1 : 1000
        var elapsed: Int64 = 0
        var second = 0
        while !isStopping.load(ordering: .acquiring) {
            wake.wait(nanoseconds: period * 1_000_000)
            sync()
            elapsed += period
            guard elapsed >= 1000 else { continue }
            elapsed = 0
            second += 1
            look(now: wallClock())
            rates.look(at: sources(), monotonicNanoseconds: MonotonicClock.now)
            // A segment that was filled is a good place; at full speed one is filled several times a second.
            let grown = journal.sizeBytes - sizeAtCheckpoint > Int64(journal.options.segmentBytes)
            if grown || second % Self.secondsBetweenCheckpoints == 0 { checkpoint() }
            let isTooBig = journal.options.retentionBytes.map { journal.sizeBytes > $0 } ?? false
            if isTooBig || second % Self.secondsBetweenRetention == 0 { retain(now: wallClock()) }
        }
    }

    private func sync() {
        do {
            try journal.sync()
        } catch {
            intake.close(because: error, now: wallClock())
        }
    }

    /// Closes the intake when the disk is nearly full, opens it when there is room again.
    private func look(now: Int64) {
        do {
            let free = try journal.freeBytes()
            if free < journal.options.minimumFreeBytes {
                intake.close(
                    because: .diskFull(
                        folder: journal.options.folder, freeBytes: free, neededBytes: journal.options.minimumFreeBytes),
                    now: now)
            } else {
                intake.open()
            }
        } catch {
            intake.close(because: error, now: now)
        }
    }

    /// Writes the fold's state, so that the next start is short.
    func checkpoint() {
        let state: (seq: UInt64, bytes: [UInt8])? = lock.withLock {
            guard sequencer.isSettled, sequencer.last != lastCheckpoint, sequencer.last > 0 else { return nil }
            lastCheckpoint = sequencer.last
            return (sequencer.last, sequencer.fold.save())
        }
        guard let state else { return }
        do {
            try journal.writeCheckpoint(seq: state.seq, state: state.bytes)
            sizeAtCheckpoint = journal.sizeBytes
        } catch {
            logger.warning("no checkpoint was written, the next start takes longer: \(error)")
        }
    }

    private func retain(now: Int64) {
        do {
            if let removed = try journal.applyRetention(nowNanoseconds: now, keepFrom: keepFrom(now)) {
                logger.info("retention removed \(removed.lowerBound) to \(removed.upperBound) from the journal")
            }
        } catch {
            logger.warning("retention could not be applied: \(error)")
        }
    }
}
