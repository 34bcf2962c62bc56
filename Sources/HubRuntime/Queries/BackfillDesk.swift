public import EventFormat
import HubModel
import PluginABI
import Synchronization

/// Fetches history from providers, one job after the other, a part at a time. What is journaled stays: a job that was
/// interrupted goes on where it stopped.
public final class BackfillDesk: Sendable {
    /// What it needs of those around it.
    struct Surroundings: Sendable {
        var desk: QueryDesk
        var now: @Sendable () -> Int64
        /// Journals a batch. Blocks.
        var take: @Sendable (BackfillBatch) throws -> BackfillResult
        var load: @Sendable () -> [BackfillJob]
        var save: @Sendable ([BackfillJob]) -> Void
        var calendar: @Sendable (_ symbol: String) -> TradingCalendar
    }

    /// Jobs that are remembered; the oldest that are over are forgotten first.
    static let mostJobs = 100

    private struct State {
        var jobs: [BackfillJob] = []
        var isRunning = false
        var isStopped = false
        var lastNumber: Int64 = 0
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
            for index in state.jobs.indices where !state.jobs[index].isOver { state.jobs[index].state = .queued }
            state.lastNumber = kept.compactMap { Int64($0.id.dropFirst(2)) }.max() ?? 0
        }
        runNext()
    }

    func stop() {
        state.withLock { $0.isStopped = true }
    }

    public var jobs: [BackfillJob] { state.withLock { $0.jobs } }

    public func job(_ id: String) -> BackfillJob? { state.withLock { $0.jobs.first { $0.id == id } } }

    /// Queues a job. The same one, not finished or failed, goes on instead of beginning anew.
    ///
    /// - Returns: `nil` if there are too many that are not over.
    public func submit(
        symbols: [String], interval: Interval, from: Int64, to: Int64, provider: String?
    ) -> BackfillJob? {
        let now = around.now()
        let job = state.withLock { state -> BackfillJob? in
            var job = BackfillJob(
                id: "b-\(state.lastNumber + 1)", symbols: symbols, interval: interval, from: from, to: to,
                provider: provider, createdNanoseconds: now)
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
            let days = around.desk.days(ofInterval: job.interval.rawValue, symbol: symbol, provider: job.provider)
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
        for part in parts.dropFirst(job.done) {
            if state.withLock({ $0.isStopped }) {
                change(id) { $0.state = .queued }
                around.save(jobs)
                return
            }
            do {
                let rows = try await fetch(part, of: job)
                change(id) {
                    $0.rows += rows
                    $0.done += 1
                }
            } catch {
                let text = (error as? QueryFailure)?.detail ?? "\(error)"
                change(id) {
                    $0.state = .failed
                    $0.error = "\(part.symbol): \(text)"
                }
                break
            }
            around.save(jobs)
        }
        change(id) {
            if $0.state == .running { $0.state = .done }
            $0.finishedNanoseconds = around.now()
        }
        around.save(jobs)
    }

    /// Asks for one part and journals it; waits where the vendor's budget is spent.
    private func fetch(_ part: Part, of job: BackfillJob) async throws -> Int {
        var query = Query(
            .bars, symbols: [part.symbol], interval: job.interval.rawValue, from: part.from, to: part.to,
            provider: job.provider)
        var rows = 0
        var patience = 60
        while true {
            do throws(QueryFailure) {
                let answer = try await around.desk.askPastCache(query)
                rows += try await journal(answer, part.symbol, job.interval)
                guard !answer.next.isEmpty, answer.next != query.next else { return rows }
                query.next = answer.next
                query.provider = answer.provider
            } catch {
                // It has nothing of these days: nothing is missing.
                if error.reason == .noData { return rows }
                guard error.reason == .limited, patience > 0, !state.withLock({ $0.isStopped }) else { throw error }
                patience -= 1
                let pause = min(60_000, max(100, error.retryAfterMilliseconds ?? 2000))
                try? await Task.sleep(nanoseconds: UInt64(pause) * 1_000_000)
            }
        }
    }

    private func journal(_ answer: QueryAnswer, _ symbol: String, _ interval: Interval) async throws(QueryFailure)
        -> Int
    {
        let records = closed(answer.records, interval, around.calendar(symbol))
        guard !records.isEmpty else { return 0 }
        let batch = BackfillBatch(source: answer.provider, symbols: [symbol], records: records)
        // Taking a batch in waits for the fold and the disk: not on a thread that others' tasks need.
        let result: Result<BackfillResult, any Error> = await withCheckedContinuation { waiter in
            let thread = WorkerThread(name: "backfill")
            thread.start { [take = around.take] in waiter.resume(returning: Result { try take(batch) }) }
        }
        switch result {
        case .success(let taken): return taken.accepted
        case .failure(let error): throw QueryFailure(.failed, "\(error)")
        }
    }

    /// The bars of an answer that are over, for the journal: a bar that still runs would be kept as it is now.
    private func closed(_ records: [UInt8], _ interval: Interval, _ calendar: TradingCalendar) -> [UInt8] {
        let now = around.now()
        var kept: [UInt8] = []
        records.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let head = bytes.loadUnaligned(fromByteOffset: offset, as: hub_record.self)
                let size = max(1, Int(head.lines)) * Int(HUB_LINE)
                if Int(head.kind) == HUB_BAR {
                    var bar = bytes.loadUnaligned(fromByteOffset: offset, as: hub_bar.self)
                    if bar.interval == interval.rawValue,
                        calendar.closingTime(start: bar.head.ts_event, interval) <= now
                    {
                        // The only symbol of its batch.
                        bar.head.stream = 0
                        withUnsafeBytes(of: bar) { kept.append(contentsOf: $0) }
                    }
                }
                offset += size
            }
        }
        return kept
    }
}
