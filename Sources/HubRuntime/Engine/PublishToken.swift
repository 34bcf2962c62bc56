import HubJournal

/// Couples one listener with the journal: a wake-up that was not acknowledged yet is not repeated, so a busy listener
/// costs the sequencer one atomic load a batch.
public final class PublishToken: Sendable {
    private let journal: Journal
    private let waiter: JournalWaiter
    private let wake: @Sendable () -> Void

    init(_ journal: Journal, wake: @escaping @Sendable () -> Void) {
        self.journal = journal
        self.wake = wake
        waiter = journal.makeWaiter(onPublish: wake)
        acknowledge()
    }

    /// To be called by the listener when it begins to look at the journal: what becomes visible from now on wakes it again.
    public func acknowledge() {
        if !waiter.arm(beyond: journal.head) { wake() }
    }

    /// No more wake-ups.
    public func cancel() {
        waiter.cancel()
    }
}
