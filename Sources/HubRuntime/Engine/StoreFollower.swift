import HubJournal
import HubStore
import Logging
import Synchronization

/// Keeps the store at the journal's head: a cursor on a thread of its own.
final class StoreFollower: Sendable {
    private let journal: Journal
    private let store: Store
    private let waiter: JournalWaiter
    private let isStopping = Atomic<Bool>(false)
    private let pause = WakeEvent()
    private let logger: Logger
    private let thread = WorkerThread(name: "store")

    init(journal: Journal, store: Store, logger: Logger) {
        self.journal = journal
        self.store = store
        self.logger = logger
        waiter = journal.makeWaiter()
    }

    func start() {
        thread.start { self.run() }
    }

    /// Takes in what there is and ends.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        waiter.interrupt()
        pause.wake()
        thread.join()
        waiter.cancel()
    }

    private func run() {
        var failures = 0
        while true {
            let isLast = isStopping.load(ordering: .acquiring)
            do {
                try store.follow(journal)
                failures = 0
            } catch {
                // The journal keeps what the store could not take: nothing is lost by trying again.
                if failures == 0 { logger.error("the store cannot take records in: \(error)") }
                failures += 1
                if isLast { return }
                pause.wait(nanoseconds: Int64(min(10_000, 100 << min(failures, 6))) * 1_000_000)
                continue
            }
            if isLast { return }
            _ = waiter.wait(beyond: store.position, timeoutMilliseconds: -1)
            // A look every few milliseconds costs less than one at each publish.
            if !isStopping.load(ordering: .acquiring) { pause.wait(nanoseconds: 5_000_000) }
        }
    }
}
