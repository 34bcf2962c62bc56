import CHubSystem
import Glibc
import Synchronization

/// A sleeping thread and those who wake it: one eventfd write a sleep, however many wake it.
///
/// `wait` belongs to one thread; `wake` may be called from any.
final class WakeEvent: Sendable {
    private let descriptor: Int32
    private let isPending = Atomic<Bool>(false)

    init() {
        descriptor = hub_event_open()
        precondition(descriptor >= 0, "the process is out of file descriptors: raise `ulimit -n`")
    }

    deinit {
        close(descriptor)
    }

    /// Makes the next `wait` (or the one that sleeps now) return at once.
    func wake() {
        if isPending.exchange(true, ordering: .acquiringAndReleasing) { return }
        hub_event_signal(descriptor)
    }

    /// Sleeps until woken or until the time is over; `Int64.max` = for ever.
    func wait(nanoseconds: Int64) {
        if !isPending.load(ordering: .acquiring) {
            _ = hub_event_wait_ns(descriptor, nanoseconds == .max ? -1 : max(0, nanoseconds))
        }
        clear()
    }

    private func clear() {
        // Cleared before the descriptor is read: a wake that falls in between writes again, and nothing is lost.
        isPending.store(false, ordering: .sequentiallyConsistent)
        hub_event_drain(descriptor)
    }
}
