import HubJournal
import HubStore
import Logging
import Synchronization

/// A sink's runner on a thread of its own, with its cursor kept in the store.
final class SinkThread: @unchecked Sendable {
    let name: String
    private let runner: SinkRunner
    private let journal: Journal
    private let store: Store
    private let holdNanoseconds: Int64
    private let waiter: JournalWaiter
    private let pause = WakeEvent()
    private let thread: WorkerThread
    private let logger: Logger
    private let isStopping = Atomic<Bool>(false)
    private let deadlineNanoseconds = Atomic<Int64>(0)
    private var saved: UInt64
    private var savedAtNanoseconds: Int64 = 0
    private let facts: Mutex<Facts>

    /// What others may know of it.
    struct Facts {
        var acknowledged: UInt64
        var written: UInt64 = 0
        var retries: UInt64 = 0
        var error: String?
        /// Since when nothing was acknowledged although there was something to.
        var stuckSinceNanoseconds: Int64 = 0
        var sinceNanoseconds: Int64
    }

    init(
        _ runner: SinkRunner, journal: Journal, store: Store, holdNanoseconds: Int64, logger: Logger
    ) {
        name = runner.name
        self.runner = runner
        self.journal = journal
        self.store = store
        self.holdNanoseconds = holdNanoseconds
        self.logger = logger
        saved = runner.acknowledged
        waiter = journal.makeWaiter()
        thread = WorkerThread(name: runner.name)
        facts = Mutex(Facts(acknowledged: runner.acknowledged, sinceNanoseconds: WallClock.now))
    }

    var status: Facts { facts.withLock { $0 } }

    /// The position behind which it still needs the journal; its patience is over after `hold`.
    func neededFrom(now: Int64) -> UInt64 {
        let facts = status
        let isGivenUp =
            holdNanoseconds != .max && facts.stuckSinceNanoseconds > 0
            && now - facts.stuckSinceNanoseconds > holdNanoseconds
        return isGivenUp ? .max - 1 : facts.acknowledged
    }

    func start() {
        thread.start { self.run() }
    }

    /// Writes what is left until a wall time and ends.
    func stop(deadline: Int64) {
        deadlineNanoseconds.store(deadline, ordering: .releasing)
        isStopping.store(true, ordering: .releasing)
        waiter.interrupt()
        pause.wake()
        thread.join()
        waiter.cancel()
    }

    private func run() {
        while !isStopping.load(ordering: .acquiring) {
            let outcome = runner.step(now: WallClock.now)
            note()
            guard case .idle(let nanoseconds) = outcome else { continue }
            // While something waits to be sent or acknowledged, new records are no reason to hurry.
            if runner.acknowledged < runner.readThrough {
                pause.wait(nanoseconds: max(1_000_000, nanoseconds))
                continue
            }
            _ = waiter.wait(beyond: runner.readThrough, timeoutMilliseconds: -1)
            // A batch is not more complete for being looked at with every record.
            if !isStopping.load(ordering: .acquiring) { pause.wait(nanoseconds: 20_000_000) }
        }
        runner.finish(deadline: deadlineNanoseconds.load(ordering: .acquiring), now: { WallClock.now })
        note()
        save()
    }

    private func note() {
        let acknowledged = runner.acknowledged
        let now = WallClock.now
        let error = runner.lastError
        let wasFailing = facts.withLock { facts in
            let wasFailing = facts.error != nil
            if acknowledged != facts.acknowledged || acknowledged >= runner.readThrough {
                facts.stuckSinceNanoseconds = 0
            } else if facts.stuckSinceNanoseconds == 0 {
                facts.stuckSinceNanoseconds = now
            }
            if (facts.error == nil) != (error == nil) { facts.sinceNanoseconds = now }
            facts.acknowledged = acknowledged
            facts.written = runner.written
            facts.retries = runner.retries
            facts.error = error
            return wasFailing
        }
        if let error, !wasFailing { logger.warning("\(name): \(error); it is tried again") }
        if error == nil, wasFailing { logger.notice("\(name): writes again") }
        if acknowledged != saved, now - savedAtNanoseconds > 200_000_000 { save() }
    }

    private func save() {
        let acknowledged = runner.acknowledged
        guard acknowledged != saved else { return }
        do {
            try store.setSinkCursor(name, to: acknowledged)
            saved = acknowledged
            savedAtNanoseconds = WallClock.now
        } catch {
            // The cursor stays where it was: after a restart the sink sees some records again, and `seq` tells it so.
            logger.warning("\(name): its cursor was not kept: \(error)")
        }
    }
}
