public import EventFormat
import HubModel
import Synchronization

/// Fetches history from providers, one job after the other, a part at a time. What is journaled stays: a job that was
/// interrupted goes on where it stopped.
public final class BackfillDesk: Sendable {
    /// What it needs of those around it.
    struct Surroundings: Sendable {
        var fetch: HistoryFetch
        var load: @Sendable () -> [BackfillJob]
        var save: @Sendable ([BackfillJob]) -> Void
    }

    /// Jobs that are remembered; the oldest that are over are forgotten first.
    static let mostJobs = 100

    private struct State {
        var jobs: [BackfillJob] = []
        var isRunning = false
        var isStopped = false
        var lastNumber: Int64 = 0
        /// Those who wait for the end of a job.
        var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]
        /// Told of each part that was fetched.
        var onFetched: (@Sendable (HistoryFetch.Stretch) -> Void)?
    }

    private let around: Surroundings
    private let state = Mutex(State())

    init(_ around: Surroundings) {
        self.around = around
    }

    /// Goes on with what was not finished when the hub stopped.
    func start() {
        let kept = around.load()
        state.withLock { state in
            state.jobs = kept
            for index in state.jobs.indices where !state.jobs[index].isOver {
                // What of history is missing now is looked for anew.
                state.jobs[index].state = state.jobs[index].isHistory ? .cancelled : .queued
            }
            state.lastNumber = kept.compactMap { Int64($0.id.dropFirst(2)) }.max() ?? 0
        }
        runNext()
    }

    func stop() {
        let waiting = state.withLock { state in
            state.isStopped = true
            defer { state.waiting = [:] }
            return state.waiting.values.flatMap(\.self)
        }
        for waiter in waiting { waiter.resume() }
    }

    /// Has somebody told of each part that was fetched.
    func onFetched(_ body: @escaping @Sendable (HistoryFetch.Stretch) -> Void) {
        state.withLock { $0.onFetched = body }
    }

    /// Comes back when a job has ended, or the desk.
    func wait(for id: String) async -> BackfillJob? {
        await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
            let isOver = state.withLock { state in
                let isOver = state.isStopped || state.jobs.first { $0.id == id }?.isOver ?? true
                if !isOver { state.waiting[id, default: []].append(waiter) }
                return isOver
            }
            if isOver { waiter.resume() }
        }
        return job(id)
    }

    public var jobs: [BackfillJob] { state.withLock { $0.jobs } }

    public func job(_ id: String) -> BackfillJob? { state.withLock { $0.jobs.first { $0.id == id } } }

    /// Queues a job. The same one, not finished or failed, goes on instead of beginning anew.
    ///
    /// - Returns: `nil` if there are too many that are not over.
    public func submit(
        symbols: [String], interval: Interval, from: Int64, to: Int64, provider: String?
    ) -> BackfillJob? {
        submit(
            symbols: symbols, interval: interval, from: from, to: to, provider: provider, providers: nil,
            isHistory: false)
    }

    /// As above.
    ///
    /// - Parameter providers: who is asked, in order.
    func submit(
        symbols: [String], interval: Interval, from: Int64, to: Int64, provider: String? = nil, providers: [String]?,
        isHistory: Bool
    ) -> BackfillJob? {
        let now = around.fetch.now()
        let job = state.withLock { state -> BackfillJob? in
            var job = BackfillJob(
                id: "b-\(state.lastNumber + 1)", symbols: symbols, interval: interval, from: from, to: to,
                provider: provider, createdNanoseconds: now)
            job.providers = providers
            job.isHistory = isHistory
            if let index = state.jobs.lastIndex(where: { $0.isSame(as: job) && $0.state != .done }) {
                if state.jobs[index].isOver {
                    state.jobs[index].state = .queued
                    state.jobs[index].error = nil
                    state.jobs[index].finishedNanoseconds = nil
                }
                return state.jobs[index]
            }
            if state.jobs.count >= Self.mostJobs {
                guard let over = state.jobs.firstIndex(where: \.isOver) else { return nil }
                state.jobs.remove(at: over)
            }
            state.lastNumber += 1
            job.total = parts(of: job).count
            state.jobs.append(job)
            return job
        }
        if job != nil {
            around.save(jobs)
            runNext()
        }
        return job
    }

    // MARK: Work

    private typealias Part = (symbol: String, from: Int64, to: Int64)

    /// The calls of a job, in an order that is the same each time.
    private func parts(of job: BackfillJob) -> [Part] {
        job.symbols.flatMap { symbol in
            let names: [String?] = job.providers?.map { $0 } ?? [job.provider]
            let days = names.compactMap {
                around.fetch.desk.days(ofInterval: job.interval.rawValue, symbol: symbol, provider: $0)
            }
            .min()
            return QueryDesk.parts(from: job.from, to: job.to, days: days ?? 365).map { (symbol, $0.from, $0.to) }
        }
    }

    private func runNext() {
        let next = state.withLock { state -> String? in
            guard !state.isRunning, !state.isStopped, let index = state.jobs.firstIndex(where: { $0.state == .queued })
            else { return nil }
            state.isRunning = true
            state.jobs[index].state = .running
            return state.jobs[index].id
        }
        guard let next else { return }
        Task.detached { [self] in
            await run(next)
            state.withLock { $0.isRunning = false }
            runNext()
        }
    }

    private func change(_ id: String, _ body: (inout BackfillJob) -> Void) {
        state.withLock { state in
            if let index = state.jobs.firstIndex(where: { $0.id == id }) { body(&state.jobs[index]) }
        }
    }

    private func run(_ id: String) async {
        guard let job = job(id) else { return }
        let parts = parts(of: job)
        change(id) {
            $0.total = parts.count
            $0.done = min($0.done, parts.count)
        }
        var lost: Set<String> = []
        for part in parts.dropFirst(job.done) {
            guard !lost.contains(part.symbol) else {
                change(id) { $0.done += 1 }
                continue
            }
            if state.withLock({ $0.isStopped }) {
                change(id) { $0.state = .queued }
                around.save(jobs)
                return
            }
            do throws(QueryFailure) {
                let stretch = HistoryFetch.Stretch(
                    symbol: part.symbol, interval: job.interval, from: part.from, to: part.to)
                let rows = try await around.fetch.fetch(
                    stretch, from: job.providers ?? job.provider.map { [$0] },
                    isStopped: { [self] in state.withLock { $0.isStopped } })
                change(id) {
                    $0.rows += rows
                    $0.done += 1
                }
                state.withLock { $0.onFetched }?(stretch)
            } catch {
                if state.withLock({ $0.isStopped }) {
                    // It failed because the hub stops: it goes on after the next start.
                    change(id) { $0.state = .queued }
                    around.save(jobs)
                    return
                }
                if job.isHistory, error.isLasting {
                    // The others need not wait for what is not to be had.
                    lost.insert(part.symbol)
                    change(id) {
                        $0.done += 1
                        $0.lost.append(part.symbol)
                        $0.error = $0.error ?? "\(part.symbol): \(error.detail)"
                    }
                    continue
                }
                change(id) {
                    $0.state = .failed
                    $0.error = "\(part.symbol): \(error.detail)"
                }
                break
            }
            around.save(jobs)
        }
        change(id) {
            if $0.state == .running { $0.state = $0.error == nil ? .done : .failed }
            $0.finishedNanoseconds = around.fetch.now()
        }
        around.save(jobs)
        for waiter in state.withLock({ $0.waiting.removeValue(forKey: id) ?? [] }) { waiter.resume() }
    }
}
