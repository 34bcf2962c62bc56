import HubFold
import Logging
import PluginABI
import Synchronization

/// Everything that makes records, on one thread and on a virtual clock: the same configuration gives the same records at
/// the same places, from run to run and over restarts.
///
/// A round: the clock goes to the next due time; the providers are called in the order of `hub.yaml`, each for one unit (what
/// one call emits); then the indicators run dry. After a restart the last record in the journal tells where in its round
/// the run was: the host flags the last record of each unit.
final class LockstepDriver: @unchecked Sendable {
    private let sequencer: Sequencer
    private let lock: FoldLock
    private let clock: VirtualClock
    private let providers: [ProviderInstance]
    private let sources: [Source]
    private let supervisor: Supervisor
    private let indicators: [IndicatorRunner]
    private let intake: Intake
    private let logger: Logger
    private let thread = WorkerThread(name: "lockstep")
    private let wake = WakeEvent()
    private let isStopping = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    /// Recorded sources after whose end nothing more is to happen; empty = it goes on.
    private let finite: [Int]
    /// The provider a restart goes on with in its round.
    private var firstInRound: Int
    private var isResuming: Bool

    init(
        sequencer: Sequencer, lock: FoldLock, clock: VirtualClock, providers: [ProviderInstance], sources: [Source],
        supervisor: Supervisor, indicators: [IndicatorRunner], intake: Intake, lastInput: Recovery.LastInput?,
        finite: [Int], logger: Logger
    ) {
        self.finite = finite
        self.sequencer = sequencer
        self.lock = lock
        self.clock = clock
        self.providers = providers
        self.sources = sources
        self.supervisor = supervisor
        self.indicators = indicators
        self.intake = intake
        self.logger = logger
        firstInRound = Self.place(after: lastInput, in: sources, sequencer.fold)
        isResuming = lastInput != nil
    }

    /// Which provider's turn it is behind a record: its own if the unit was cut, the next one if it was whole.
    private static func place(after last: Recovery.LastInput?, in sources: [Source], _ fold: Fold) -> Int {
        guard let last else { return 0 }
        // Behind a value the providers of the round are through; behind a decision of the hub the round begins.
        if last.kind == UInt8(HUB_VALUE) { return sources.count }
        let isPosition = last.kind == UInt8(HUB_CONTROL) && last.what == UInt8(HUB_CONTROL_POSITION)
        let isEnd = last.kind == UInt8(HUB_CONTROL) && (last.what == UInt8(HUB_CONTROL_END))
        guard last.kind < UInt8(HUB_CONTROL) || isPosition || isEnd,
            let name = fold.definitions.stream(last.stream)?.source,
            let index = sources.firstIndex(where: { $0.name == name })
        else { return 0 }
        return last.flags & UInt16(HUB_FLAG_LAST_OF_MESSAGE) != 0 || isEnd ? index + 1 : index
    }

    /// Whether nothing will ever be due again.
    var isDone: Bool { hasEnded.load(ordering: .acquiring) }

    func start() {
        thread.start { self.run() }
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        wake.wake()
        thread.join()
    }

    private func run() {
        while !isStopping.load(ordering: .acquiring) {
            guard intake.isOpen else {
                wake.wait(nanoseconds: 100_000_000)
                continue
            }
            if isResuming {
                // The interrupted round goes on at its own time, with what the last provider said behind its unit.
                isResuming = false
                if firstInRound > 0, firstInRound <= providers.count { listen(to: firstInRound - 1) }
            } else {
                guard !isOver, let due = nextDue() else {
                    hasEnded.store(true, ordering: .releasing)
                    wake.wait(nanoseconds: .max)
                    continue
                }
                clock.advance(to: due)
                lock.withLock {
                    supervisor.tick(now: clock.now)
                    sequencer.publish()
                }
            }
            for index in firstInRound..<max(firstInRound, providers.count) { step(index) }
            firstInRound = 0
            while runIndicators() {}
        }
    }

    private var isOver: Bool {
        !finite.isEmpty && finite.allSatisfy { supervisor.health[$0].state == .stopped }
    }

    private func nextDue() -> Int64? {
        var due: Int64?
        for provider in providers {
            if let time = provider.due { due = min(due ?? time, time) }
        }
        guard let due else { return nil }
        guard let tick = supervisor.nextClock else { return due }
        return min(due, tick)
    }

    private func step(_ index: Int) {
        let now = hub_now(wall_ns: clock.now, mono_ns: clock.now)
        _ = providers[index].step(now: now, budget: 1, marksUnits: true)
        while true {
            let isDry = lock.withLock {
                let waiting = providers[index].waiting(limit: 1 << 20)
                if waiting.count > 0 {
                    let (bytes, refusal) = sequencer.take(waiting, from: sources[index])
                    providers[index].consume(bytes)
                    if let refusal { intake.close(because: refusal.cause, now: clock.now) }
                }
                if providers[index].hasRecords { return false }
                for notice in providers[index].takeNotices() { hear(index, notice) }
                sequencer.publish()
                return true
            }
            if isDry || isStopping.load(ordering: .acquiring) { return }
            // No room: the unit is finished when there is.
            wake.wait(nanoseconds: 100_000_000)
        }
    }

    private func listen(to index: Int) {
        lock.withLock {
            for notice in providers[index].takeNotices() { hear(index, notice) }
            sequencer.publish()
        }
    }

    private func hear(_ index: Int, _ notice: SourceNotice) {
        switch notice {
        case .feed(let state, let reason):
            guard let state = SourceState(rawValue: state) else { return }
            supervisor.report(source: index, state: state, reason: reason, now: clock.now)
        case .subscription(let handle, let state, let reason):
            let symbol = sources[index].definition(of: handle).symbol
            guard sequencer.fold.instrument(symbol)?.subscription != state else { return }
            supervisor.subscription(source: index, handle: handle, state: state, reason: reason, now: clock.now)
        case .gap(let reason, let handles, let kinds, let from, let to):
            supervisor.lost(
                source: index, reason: reason, symbols: handles.map { sources[index].definition(of: $0).symbol },
                kinds: kinds, from: from, to: to, now: clock.now)
        case .ended:
            // Said once: after a restart the recording ends again.
            guard supervisor.health[index].state != .stopped else { return }
            supervisor.ended(source: index, now: clock.now)
        }
    }

    /// Returns whether there may be more to read.
    private func runIndicators() -> Bool {
        var worked = false
        for indicator in indicators {
            var values: [[UInt8]] = []
            let now = hub_now(wall_ns: clock.now, mono_ns: clock.now)
            if indicator.step(now: now, emit: { values.append($0) }) { worked = true }
            var next = 0
            while next < values.count, !isStopping.load(ordering: .acquiring) {
                lock.withLock {
                    while next < values.count, (try? sequencer.take(values[next])) != nil { next += 1 }
                    sequencer.publish()
                }
                if next < values.count { wake.wait(nanoseconds: 100_000_000) }
            }
        }
        return worked
    }
}
