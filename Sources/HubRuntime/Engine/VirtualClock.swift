import Synchronization

/// The time of a lockstep run: moved by its driver, read by anybody.
final class VirtualClock: Sendable {
    /// Where a first run begins: 2020-01-01T00:00:00Z. Any fixed time would do; it must not be today's.
    static let start: Int64 = 1_577_836_800_000_000_000

    private let nanoseconds: Atomic<Int64>

    init(_ nanoseconds: Int64) {
        self.nanoseconds = Atomic(nanoseconds)
    }

    var now: Int64 { nanoseconds.load(ordering: .acquiring) }

    func advance(to time: Int64) {
        if time > now { nanoseconds.store(time, ordering: .releasing) }
    }
}
