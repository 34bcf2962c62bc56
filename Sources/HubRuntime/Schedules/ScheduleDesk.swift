import EventFormat
public import HubConfig
import HubModel
import Logging
import Synchronization

/// Does work at set times.
///
/// A run that is due while the one before still goes on is passed over. What was due while the hub was down is not made up,
/// except for a backfill at a time of day: the newest one of the last day is done at the start.
public final class ScheduleDesk: Sendable {
    /// How one schedule is.
    public struct Figures: Sendable, Hashable {
        public var name: String
        public var job: ScheduleConfiguration.Job
        /// Nanoseconds; `nil` = never again.
        public var nextNanoseconds: Int64?
        /// Nanoseconds; `nil` = not yet.
        public var lastNanoseconds: Int64?
        public var runs: UInt64 = 0
        public var failures: UInt64 = 0
        /// Runs that were passed over because the one before still went on.
        public var skipped: UInt64 = 0
        public var isRunning = false
        public var lastError: String?
    }

    struct Surroundings: Sendable {
        var schedules: [ScheduleConfiguration]
        /// Venue → name of the calendar that the operator gave it.
        var calendars: [String: String]
        var now: @Sendable () -> Int64
        /// Does the work. Answers why it failed; `nil` = it did not.
        var run: @Sendable (ScheduleConfiguration) async -> String?
        /// When each was due last, by name.
        var load: @Sendable () -> [String: Int64]
        var save: @Sendable ([String: Int64]) -> Void
        var logger: Logger
    }

    private struct State {
        var figures: [Figures] = []
        var due: [String: Int64] = [:]
        var isStopped = false
    }

    private static let madeUpNanoseconds: Int64 = 86_400_000_000_000

    private let around: Surroundings
    private let clocks: [ScheduleClock]
    private let state = Mutex(State())

    init(_ around: Surroundings) {
        self.around = around
        clocks = around.schedules.map { ScheduleClock($0, overrides: around.calendars) }
    }

    public var figures: [Figures] { state.withLock { $0.figures } }

    func start() {
        guard !around.schedules.isEmpty else { return }
        let now = around.now()
        let kept = around.load()
        state.withLock { state in
            state.due = kept.filter { name, _ in around.schedules.contains { $0.name == name } }
            state.figures = zip(around.schedules, clocks).map { schedule, clock in
                Figures(
                    name: schedule.name, job: schedule.job, nextNanoseconds: firstDue(schedule, clock, kept, now),
                    lastNanoseconds: kept[schedule.name])
            }
        }
        for one in figures {
            let next = one.nextNanoseconds.map { $0 <= now ? "now: it was missed" : TimeText.iso($0) } ?? "never"
            around.logger.info("schedule \(one.name): next \(next)")
        }
        Task.detached { [self] in await run() }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
    }

    /// When a schedule is due first: now, if it is to be made up.
    private func firstDue(
        _ schedule: ScheduleConfiguration, _ clock: ScheduleClock, _ kept: [String: Int64], _ now: Int64
    ) -> Int64? {
        if schedule.job == .backfill, case .at = schedule.trigger, let last = kept[schedule.name],
            let missed = clock.last(upTo: now, within: Self.madeUpNanoseconds), missed > last
        {
            return missed
        }
        return clock.next(after: now)
    }

    private func run() async {
        while true {
            let now = around.now()
            var starting: [Int] = []
            let wait = state.withLock { state -> Int64? in
                guard !state.isStopped else { return nil }
                var next = now + 1_000_000_000
                for index in state.figures.indices {
                    guard let due = state.figures[index].nextNanoseconds else { continue }
                    if due <= now {
                        if state.figures[index].isRunning {
                            state.figures[index].skipped += 1
                        } else {
                            state.figures[index].isRunning = true
                            state.figures[index].lastNanoseconds = due
                            state.due[state.figures[index].name] = due
                            starting.append(index)
                        }
                        state.figures[index].nextNanoseconds = clocks[index].next(after: now)
                    }
                    next = min(next, state.figures[index].nextNanoseconds ?? next)
                }
                return max(1_000_000, next - now)
            }
            guard let wait else { return }
            for index in starting { begin(index) }
            if !starting.isEmpty { continue }
            try? await Task.sleep(nanoseconds: UInt64(wait))
        }
    }

    private func begin(_ index: Int) {
        let schedule = around.schedules[index]
        // Kept before: a run that ends the hub is not begun again with every start.
        if case .at = schedule.trigger { around.save(state.withLock { $0.due }) }
        Task.detached { [self] in
            let error = await around.run(schedule)
            let isNews = state.withLock { state in
                state.figures[index].isRunning = false
                state.figures[index].runs += 1
                if error != nil { state.figures[index].failures += 1 }
                defer { state.figures[index].lastError = error }
                return state.figures[index].lastError != error
            }
            if let error {
                if isNews { around.logger.warning("schedule \(schedule.name): \(error)") }
            } else if case .at = schedule.trigger {
                around.logger.info("schedule \(schedule.name): done")
            }
        }
    }
}
