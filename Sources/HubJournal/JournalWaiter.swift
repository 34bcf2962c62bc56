import CHubSystem
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Tells a reader at the live edge that there is more, once each time it asks.
///
/// Two shapes: one that a thread sleeps on (`wait`), and one that calls a function on the thread that publishes, for event loops.
/// An idle waiter costs the writer one load per `publish`.
public final class JournalWaiter: Sendable {
    private let journal: Journal
    private let isArmed = Atomic<Bool>(false)
    private let isInterrupted = Atomic<Bool>(false)
    private let onPublish: (@Sendable () -> Void)?
    /// An eventfd, readable once there is more; -1 for one that calls a function.
    public let fileDescriptor: Int32

    init(_ journal: Journal, onPublish: (@Sendable () -> Void)?) {
        self.journal = journal
        self.onPublish = onPublish
        fileDescriptor = onPublish == nil ? hub_event_open() : -1
    }

    deinit { if fileDescriptor >= 0 { close(fileDescriptor) } }

    /// Asks to be woken when the head passes a position. `false`: it has already, so read on; nothing will come.
    ///
    /// A wake may come for a position that was passed in the meantime; arm again after each. Any thread.
    public func arm(beyond seq: UInt64) -> Bool {
        if isArmed.exchange(true, ordering: .sequentiallyConsistent) == false {
            journal.armedWaiters.add(1, ordering: .sequentiallyConsistent)
        }
        if journal.head > seq {
            disarm()
            return false
        }
        return true
    }

    /// Takes the wish back. A wake that is on its way may still come.
    public func disarm() {
        if isArmed.exchange(false, ordering: .sequentiallyConsistent) {
            journal.armedWaiters.subtract(1, ordering: .sequentiallyConsistent)
        }
    }

    /// Sleeps until the head is beyond a position, or the time is over; answers whether it is. Only for a waiter without
    /// a function, on one thread at a time. Negative milliseconds: without end.
    public func wait(beyond seq: UInt64, timeoutMilliseconds: Int32) -> Bool {
        let deadline = Self.milliseconds() + Int64(timeoutMilliseconds)
        while true {
            guard arm(beyond: seq) else { return true }
            let left = timeoutMilliseconds < 0 ? -1 : max(0, deadline - Self.milliseconds())
            _ = hub_event_wait(fileDescriptor, Int32(left))
            disarm()
            hub_event_drain(fileDescriptor)
            if journal.head > seq { return true }
            if isInterrupted.exchange(false, ordering: .sequentiallyConsistent) { return false }
            // A wake that was on its way for an earlier position ends the sleep, but not the waiting.
            if timeoutMilliseconds >= 0, Self.milliseconds() >= deadline { return false }
        }
    }

    private static func milliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    /// Ends a sleeping `wait`, or the next one, early. Any thread.
    public func interrupt() {
        guard fileDescriptor >= 0 else { return }
        isInterrupted.store(true, ordering: .sequentiallyConsistent)
        hub_event_signal(fileDescriptor)
    }

    /// No wake comes after this. Any thread.
    public func cancel() {
        disarm()
        journal.waiters.withLock { waiters in waiters.removeAll { $0 === self } }
    }

    fileprivate func wakeIfArmed() {
        guard isArmed.exchange(false, ordering: .sequentiallyConsistent) else { return }
        journal.armedWaiters.subtract(1, ordering: .sequentiallyConsistent)
        if let onPublish { onPublish() } else { hub_event_signal(fileDescriptor) }
    }
}

extension Journal {
    /// A waiter that a thread sleeps on. Call `cancel` when it is not needed any more. Any thread.
    public func makeWaiter() -> JournalWaiter { add(JournalWaiter(self, onPublish: nil)) }

    /// A waiter that calls a function, on the thread that publishes: it must be quick and must not come back to the journal.
    /// Call `cancel` when it is not needed any more. Any thread.
    public func makeWaiter(onPublish: @escaping @Sendable () -> Void) -> JournalWaiter {
        add(JournalWaiter(self, onPublish: onPublish))
    }

    private func add(_ waiter: JournalWaiter) -> JournalWaiter {
        waiters.withLock { $0.append(waiter) }
        return waiter
    }

    func wakeWaiters() {
        waiters.withLock { waiters in
            for waiter in waiters { waiter.wakeIfArmed() }
        }
    }
}
