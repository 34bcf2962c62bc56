import HubJournal
import Logging
import Synchronization

/// Whether new records are taken in. Closed while the disk is (nearly) full; opened again by housekeeping.
///
/// Any thread. While it is closed the rings fill up, pull providers are not asked, and others lose what they send
/// (their host counts it and reports the gap).
final class Intake: Sendable {
    /// A time in which nothing was taken.
    struct Stop: Sendable {
        var fromNanoseconds: Int64
        var reason: String
    }

    private struct State {
        var stop: Stop?
        var ended: Stop?
    }

    private let state = Mutex(State())
    private let logger: Logger
    private let openFlag = Atomic<Bool>(true)

    init(logger: Logger) {
        self.logger = logger
    }

    var isOpen: Bool { openFlag.load(ordering: .acquiring) }

    /// Why nothing is taken in, if nothing is.
    var reason: String? { state.withLock { $0.stop?.reason } }

    func close(because cause: JournalError, now: Int64) {
        let isNew = state.withLock { state in
            guard state.stop == nil else { return false }
            state.stop = Stop(fromNanoseconds: now, reason: "\(cause)")
            return true
        }
        openFlag.store(false, ordering: .releasing)
        if isNew { logger.error("nothing new is taken in: \(cause)") }
    }

    func open() {
        let wasClosed = state.withLock { state in
            guard let stop = state.stop else { return false }
            state.ended = stop
            state.stop = nil
            return true
        }
        guard wasClosed else { return }
        openFlag.store(true, ordering: .releasing)
        logger.notice("there is room again: intake goes on")
    }

    /// The stop that is over and was not told yet.
    func takeEndedStop() -> Stop? {
        guard isOpen else { return nil }
        return state.withLock { state in
            defer { state.ended = nil }
            return state.ended
        }
    }
}
