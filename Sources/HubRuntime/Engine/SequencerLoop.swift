import HubJournal
import Logging
import PluginABI
import Synchronization

/// The sequencer's thread: takes what the rings hold, lets the supervisor decide, publishes, sleeps.
final class SequencerLoop: @unchecked Sendable {
    private let sequencer: Sequencer
    private let lock: FoldLock
    private let ports: [any ProviderPort]
    private let sources: [Source]
    private let supervisor: Supervisor
    private let intake: Intake
    private let wallClock: @Sendable () -> Int64
    private let logger: Logger
    let wake = WakeEvent()
    private let isStopping = Atomic<Bool>(false)
    private let endedCount = Atomic<Int>(0)
    private var hasEnded: [Bool]

    /// At most so much of one source in a turn: the lock is held that long, and other sources wait.
    private static let turnBytes = 256 << 10
    private static let tickNanoseconds: Int64 = 100_000_000

    init(
        sequencer: Sequencer, lock: FoldLock, ports: [any ProviderPort], sources: [Source], supervisor: Supervisor,
        intake: Intake, wallClock: @escaping @Sendable () -> Int64, logger: Logger
    ) {
        self.sequencer = sequencer
        self.lock = lock
        self.ports = ports
        self.sources = sources
        self.supervisor = supervisor
        self.intake = intake
        self.wallClock = wallClock
        self.logger = logger
        hasEnded = Array(repeating: false, count: ports.count)
    }

    /// Sources that have delivered everything they will ever have.
    var ended: Int { endedCount.load(ordering: .acquiring) }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        wake.wake()
    }

    func run() {
        var nextTick: Int64 = 0
        while true {
            // Read before the turn: what was in the rings when the stop came is still taken.
            let isLast = isStopping.load(ordering: .acquiring)
            let now = wallClock()
            let isTick = now >= nextTick || now < nextTick - 2 * Self.tickNanoseconds
            if isTick { nextTick = now + Self.tickNanoseconds }
            let worked = turn(now: now, isTick: isTick)
            if worked { continue }
            if isLast { return }
            wake.wait(nanoseconds: max(1_000_000, nextTick - wallClock()))
        }
    }

    /// One turn over all sources. Returns whether anything was taken.
    private func turn(now: Int64, isTick: Bool) -> Bool {
        lock.withLock {
            var worked = false
            if let stop = intake.takeEndedStop() {
                supervisor.diskWasFull(from: stop.fromNanoseconds, now: now, next: { firstWaiting($0) })
            }
            // What is said before some records is heard before they are taken.
            for index in ports.indices {
                hear(index, now: now)
                if intake.isOpen, take(from: index, now: now) { worked = true }
            }
            if !worked { for index in ports.indices { hear(index, now: now) } }
            if isTick { supervisor.tick(now: now) }
            sequencer.publish()
            return worked
        }
    }

    private func take(from index: Int, now: Int64) -> Bool {
        let waiting = ports[index].waiting(limit: Self.turnBytes)
        guard waiting.count > 0 else { return false }
        let (bytes, refusal) = sequencer.take(waiting, from: sources[index])
        ports[index].consume(bytes)
        if let refusal { intake.close(because: refusal.cause, now: now) }
        return bytes > 0
    }

    private func firstWaiting(_ index: Int) -> Int64 {
        let waiting = ports[index].waiting(limit: 1)
        guard let base = waiting.baseAddress, waiting.count > 0 else { return 0 }
        return base.assumingMemoryBound(to: hub_record.self).pointee.ts_event
    }

    private func hear(_ index: Int, now: Int64) {
        for notice in ports[index].takeNotices() {
            switch notice {
            case .feed(let state, let reason):
                guard let state = SourceState(rawValue: state) else { continue }
                supervisor.report(source: index, state: state, reason: reason, now: now)
            case .subscription(let handle, let state, let reason):
                subscription(index, handle: handle, state: state, reason: reason, now: now)
            case .gap(let reason, let handles, let kinds, let from, let to):
                let symbols = handles.map { sources[index].definition(of: $0).symbol }
                supervisor.lost(
                    source: index, reason: reason, symbols: symbols, kinds: kinds, from: from, to: to, now: now)
            case .ended:
                end(index, now: now)
            }
        }
    }

    private func subscription(_ index: Int, handle: UInt32, state: UInt8, reason: String, now: Int64) {
        if state == UInt8(HUB_STATE_FAILED) {
            logger.warning("\(sources[index].name): \(sources[index].definition(of: handle).symbol): \(reason)")
        }
        supervisor.subscription(source: index, handle: handle, state: state, reason: reason, now: now)
    }

    private func end(_ index: Int, now: Int64) {
        guard !hasEnded[index] else { return }
        hasEnded[index] = true
        supervisor.ended(source: index, now: now)
        endedCount.add(1, ordering: .releasing)
        logger.info("\(sources[index].name): the recording has ended")
    }
}
