import EventFormat
import HubConfig
import HubModel
import Logging
import Synchronization

/// Sees to it that bars reach as far back as `pipelines.*.backfill.history` says: finds what is missing, has it fetched, and
/// remembers what was asked for.
final class HistoryKeeper: Sendable {
    struct Surroundings: Sendable {
        var desk: BackfillDesk
        var plan: HealingPlan
        var now: @Sendable () -> Int64
        /// Times of the bars that are stored. Blocks.
        var barTimes: @Sendable (_ symbol: String, _ interval: Interval, _ range: Range<Int64>) throws -> [Int64]
        var historians: @Sendable (_ symbol: String, _ interval: Interval, _ among: [String]) -> [String]
        var load: @Sendable () -> String
        var save: @Sendable (String) -> Void
        var logger: Logger
        var limits = Limits()
    }

    struct Limits: Sendable {
        /// So long after its end vendors have a bar.
        var graceNanoseconds: Int64 = 10_000_000_000
        /// After the start a second look, for what the first one came too early for.
        var secondLookNanoseconds: Int64 = 120_000_000_000
        var everyNanoseconds: Int64 = 900_000_000_000
        var pauseNanoseconds: Int64 = 5_000_000_000
        /// How far back work at set times looks where no history is asked for: over a weekend and a holiday.
        var scheduledNanoseconds: Int64 = 4 * 86_400_000_000_000
        /// Instruments of one job.
        var symbols = 200
    }

    /// The same stretch of the same bars of some instruments.
    struct Wish: Sendable, Hashable {
        var symbols: [String]
        var interval: Interval
        var range: Range<Int64>
        var providers: [String]
    }

    private struct State {
        var fetched = FetchedRanges()
        /// What a vendor said it has nothing of, until the next start.
        var hopeless: Set<FetchedRanges.Key> = []
        var isStopped = false
        var saidFailure = false
    }

    private let around: Surroundings
    private let state = Mutex(State())

    init(_ around: Surroundings) {
        self.around = around
    }

    /// Whether any pipeline wants history.
    private var isWanted: Bool { around.plan.pipelines.contains { !$0.backfill.history.isEmpty } }

    func start() {
        let fetched = FetchedRanges(text: around.load())
        state.withLock { $0.fetched = fetched }
        guard isWanted else { return }
        Task.detached { [self] in await run() }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
    }

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    /// A stretch was asked for, whoever wanted it.
    func fetched(_ stretch: HistoryFetch.Stretch) {
        let text = state.withLock { state in
            state.fetched.insert(
                stretch.from..<stretch.to, .init(symbol: stretch.symbol, interval: stretch.interval))
            return state.fetched.text
        }
        around.save(text)
    }

    // MARK: Looks

    private func run() async {
        var looks = 0
        var pause = around.limits.pauseNanoseconds
        while !isStopped {
            // Days that still run are looked at when the hub starts; later on what is missed of them is healed.
            let failed = await look(includesToday: looks < 2)
            if failed {
                await sleep(pause)
                pause = min(pause * 2, around.limits.everyNanoseconds)
                continue
            }
            pause = around.limits.pauseNanoseconds
            looks += 1
            await sleep(looks == 1 ? around.limits.secondLookNanoseconds : around.limits.everyNanoseconds)
        }
    }

    private func sleep(_ nanoseconds: Int64) async {
        let end = MonotonicClock.now + nanoseconds
        while !isStopped, MonotonicClock.now < end {
            try? await Task.sleep(nanoseconds: UInt64(min(1_000_000_000, max(1, end - MonotonicClock.now))))
        }
    }

    /// Looks for what is missing, and fetches it. Answers whether some of it could not be had now.
    private func look(includesToday: Bool) async -> Bool {
        await fetch(onThread { [self] in self.wishes(includesToday: includesToday) }) != nil
    }

    /// Has what is missing fetched, one job after the other. Answers why some of it could not be had now.
    private func fetch(_ wishes: [Wish]) async -> String? {
        var failed: String?
        for wish in wishes where !isStopped {
            guard
                let job = around.desk.submit(
                    symbols: wish.symbols, interval: wish.interval, from: wish.range.lowerBound,
                    to: wish.range.upperBound, providers: wish.providers, isHistory: true)
            else { return "too many backfills wait already" }
            guard let over = await around.desk.wait(for: job.id), over.state == .failed else { continue }
            let keys = over.lost.map { FetchedRanges.Key(symbol: $0, interval: wish.interval) }
            let isNews = state.withLock { state in
                state.hopeless.formUnion(keys)
                defer { state.saidFailure = true }
                return !state.saidFailure || !keys.isEmpty
            }
            if isNews { around.logger.warning("history of \(wish.interval.text) bars: \(over.error ?? "it failed")") }
            if over.done < over.total { failed = over.error ?? "it failed" }
        }
        if failed == nil { state.withLock { $0.saidFailure = false } }
        return failed
    }

    /// What of some instruments is missing of the last days, or as far back as their pipeline says, is fetched now.
    ///
    /// - Returns: why some of it could not be had; `nil` where all of it was.
    func fill(_ scope: [ScheduledWork]) async -> String? {
        await fetch(onThread { [self] in scope.flatMap { self.wishes($0, includesToday: true) } })
    }

    private func onThread<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
        await withCheckedContinuation { waiter in
            let thread = WorkerThread(name: "history")
            thread.start { waiter.resume(returning: body()) }
        }
    }

    /// What is missing of everything, longer bars first: they are few, and reach furthest. Blocks.
    func wishes(includesToday: Bool) -> [Wish] {
        around.plan.pipelines.filter { !$0.backfill.history.isEmpty }.flatMap { pipeline in
            wishes(
                ScheduledWork(
                    pipeline: pipeline, symbols: pipeline.instruments.map(\.text),
                    intervals: pipeline.backfill.history.map(\.interval)), includesToday: includesToday)
        }
    }

    private func wishes(_ work: ScheduledWork, includesToday: Bool) -> [Wish] {
        var found: [Wish] = []
        let settings = work.pipeline.backfill
        for interval in work.intervals.sorted().reversed() {
            let depth =
                settings.history.first { $0.interval == interval }
                ?? .init(interval: interval, nanoseconds: around.limits.scheduledNanoseconds)
            var groups: [Range<Int64>: [String]] = [:]
            var order: [Range<Int64>] = []
            var providers: [String] = []
            for symbol in work.symbols where !isStopped {
                let able = around.historians(symbol, interval, settings.providers)
                guard !able.isEmpty else { continue }
                providers = able
                let calendar = around.plan.calendar(of: symbol)
                for range in missing(of: symbol, depth, calendar, includesToday: includesToday) {
                    if groups[range] == nil { order.append(range) }
                    groups[range, default: []].append(symbol)
                }
            }
            for range in order {
                let symbols = groups[range] ?? []
                for start in stride(from: 0, to: symbols.count, by: around.limits.symbols) {
                    let end = min(start + around.limits.symbols, symbols.count)
                    found.append(
                        Wish(
                            symbols: Array(symbols[start..<end]), interval: interval, range: range,
                            providers: providers))
                }
            }
        }
        return found
    }

    private func missing(
        of symbol: String, _ depth: BackfillSettings.Depth, _ calendar: TradingCalendar, includesToday: Bool
    ) -> [Range<Int64>] {
        let interval = depth.interval
        let key = FetchedRanges.Key(symbol: symbol, interval: interval)
        let now = around.now()
        let oldest = calendar.bucketStart(now - min(depth.nanoseconds, now), interval)
        // Bars that are over, and that vendors have by now.
        let end =
            includesToday || interval.isDateBased
            ? calendar.bucketStart(now - around.limits.graceNanoseconds, interval)
            : calendar.bucketStart(calendar.day(containing: now - around.limits.graceNanoseconds).start, interval)
        guard oldest < end else { return [] }
        let fetched = state.withLock { state -> [Range<Int64>]? in
            guard !state.hopeless.contains(key) else { return nil }
            state.fetched.forget(before: oldest, key)
            return state.fetched.ranges[key] ?? []
        }
        guard let fetched else { return [] }
        let finder = MissingBars(calendar: calendar, interval: interval)
        // Nothing is read where everything was asked for already.
        let open = finder.stretches(in: oldest..<end, fetched: fetched, known: [])
        guard let first = open.first, let last = open.last else { return [] }
        do {
            let known = try around.barTimes(symbol, interval, first.lowerBound..<last.upperBound)
            let range = first.lowerBound..<last.upperBound
            let missing = finder.stretches(in: range, fetched: fetched, known: Set(known))
            // Looked at once, and no more: the hub made them itself.
            if missing.isEmpty { state.withLock { $0.fetched.insert(range, key) } }
            return missing
        } catch {
            around.logger.warning("\(symbol): which \(interval.text) bars there are cannot be read: \(error)")
            return []
        }
    }
}
