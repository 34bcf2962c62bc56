import Glibc

/// Lets the sequencer own the fold in long turns and readers look at it in between, without starving either.
///
/// Two mutexes: who waits for the inner one holds the outer one, so whoever comes next waits for *him*. Without the outer
/// one a busy sequencer would take the lock again before a woken reader is on its feet.
final class FoldLock: @unchecked Sendable {
    // C mutexes in memory of their own: they must not move.
    private let outer: UnsafeMutablePointer<pthread_mutex_t>
    private let inner: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        outer = .allocate(capacity: 1)
        inner = .allocate(capacity: 1)
        pthread_mutex_init(outer, nil)
        pthread_mutex_init(inner, nil)
    }

    deinit {
        pthread_mutex_destroy(outer)
        pthread_mutex_destroy(inner)
        outer.deallocate()
        inner.deallocate()
    }

    /// As `withLock`, but gives up after a time; then `nil`.
    func withLock<R>(withinNanoseconds limit: Int64, _ body: () throws -> R) rethrows -> R? {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let end = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec) + limit
        var until = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        guard pthread_mutex_timedlock(outer, &until) == 0 else { return nil }
        let hasInner = pthread_mutex_timedlock(inner, &until) == 0
        pthread_mutex_unlock(outer)
        guard hasInner else { return nil }
        defer { pthread_mutex_unlock(inner) }
        return try body()
    }

    func withLock<R>(_ body: () throws -> R) rethrows -> R {
        pthread_mutex_lock(outer)
        pthread_mutex_lock(inner)
        pthread_mutex_unlock(outer)
        defer { pthread_mutex_unlock(inner) }
        return try body()
    }
}
