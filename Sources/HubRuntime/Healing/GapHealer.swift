import EventFormat
import HubConfig
import HubModel
import Logging
import PluginABI
import Synchronization

/// Fetches the bars of holes that are over, and tells what came of it.
///
/// Parts of an instrument that lie close together become one call; calls are made one after the other. A vendor that fails is
/// left alone for longer and longer, and finally for good.
public final class GapHealer: Sendable {
    /// For `/metrics`.
    public struct Figures: Sendable, Hashable {
        /// Holes whose bars are all there now.
        public var healed: UInt64 = 0
        /// Holes of which some bars could not be had.
        public var left: UInt64 = 0
        /// Bars that were journaled.
        public var bars: UInt64 = 0
        /// Calls that failed.
        public var failures: UInt64 = 0
        /// Holes that wait for their bars.
        public var waiting = 0
    }

    /// What it needs of those around it.
    struct Surroundings: Sendable {
        var fetch: HistoryFetch
        var plan: HealingPlan
        /// Names of the sources, by index.
        var sources: [String]
        /// Journals what came of a hole; `isOwn`: of some of its instruments, as a hole of their own.
        var tell: @Sendable (_ gap: ClosedGap, _ symbols: [String], _ repair: UInt8, _ isOwn: Bool) -> Void
        var logger: Logger
        var limits = Limits()
    }

    struct Limits: Sendable {
        /// So long after its end vendors have a bar.
        var graceNanoseconds: Int64 = 5_000_000_000
        /// Before the second try; doubled for each further one.
        var pauseNanoseconds: Int64 = 5_000_000_000
        var longestPauseNanoseconds: Int64 = 300_000_000_000
        var tries = 8
        /// More than that are not healed.
        var gaps = 1000
        /// That many calls that fail in a row end a round.
        var failuresInARow = 3
    }

    private struct State {
        var wounds: [Wound] = []
        var figures = Figures()
        /// Providers with the symbols and intervals that they said they have no bars of.
        var unsupported: Set<String> = []
        var isRunning = false
        var isStopped = false
        var saidFull = false
    }

    let around: Surroundings
    private let state = Mutex(State())

    init(_ around: Surroundings) {
        self.around = around
    }

    public var figures: Figures {
        state.withLock { state in
            var figures = state.figures
            figures.waiting = state.wounds.count
            return figures
        }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
    }

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    /// A hole is over. Any thread; comes back at once.
    func heal(_ gap: ClosedGap) {
        let wound = Wound(gap, now: around.fetch.now())
        let (isTaken, starts, isFirst) = state.withLock { state -> (Bool, Bool, Bool) in
            guard !state.isStopped else { return (true, false, false) }
            guard state.wounds.count < around.limits.gaps else {
                defer { state.saidFull = true }
                return (false, false, !state.saidFull)
            }
            state.wounds.append(wound)
            defer { state.isRunning = true }
            return (true, !state.isRunning, false)
        }
        if isFirst {
            around.logger.warning("more than \(around.limits.gaps) gaps wait for their bars; others are left")
        }
        if starts { Task.detached { [self] in await run() } }
        guard !isTaken, gap.isOver else { return }
        state.withLock { $0.figures.left += 1 }
        // Not from within: who told of it may hold the lock of the fold.
        Task.detached { [around] in around.tell(gap, gap.symbols, UInt8(HUB_REPAIR_IMPOSSIBLE), false) }
    }

    // MARK: Rounds

    /// As long as something is to be healed.
    private func run() async {
        while true {
            let wounds = state.withLock { state -> [Wound]? in
                if state.wounds.isEmpty || state.isStopped { state.isRunning = false }
                return state.isRunning ? state.wounds : nil
            }
            guard var wounds else { return }
            for index in wounds.indices where !wounds[index].isPlanned { plan(&wounds[index]) }
            let now = around.fetch.now()
            var due = wounds.filter { $0.dueNanoseconds <= now }
            if !due.isEmpty {
                await round(&due)
                for wound in due {
                    if let index = wounds.firstIndex(where: { $0.id == wound.id }) { wounds[index] = wound }
                }
            }
            var ended: [Wound] = []
            state.withLock { state in
                // Others may have come meanwhile.
                for wound in wounds {
                    guard let index = state.wounds.firstIndex(where: { $0.id == wound.id }) else { continue }
                    state.wounds[index] = wound
                    if wound.isOver { ended.append(state.wounds.remove(at: index)) }
                }
            }
            for wound in ended { finish(wound) }
            if due.isEmpty { await pause(until: wounds.map(\.dueNanoseconds).min() ?? now) }
        }
    }

    /// At most a second at a time: a hole that is due earlier may come.
    private func pause(until due: Int64) async {
        let left = min(max(due - around.fetch.now(), 20_000_000), 1_000_000_000)
        try? await Task.sleep(nanoseconds: UInt64(left))
    }

    /// Chooses what is to be fetched for a hole.
    private func plan(_ wound: inout Wound) {
        let gap = wound.gap
        wound.isPlanned = true
        wound.open = []
        let source = around.sources[gap.source]
        let unsupported = state.withLock { $0.unsupported }
        for symbol in gap.served ?? around.plan.instruments(gap.symbols, of: source)
        where !wound.isSettled(symbol) {
            guard let pipeline = around.plan.pipeline(of: symbol), pipeline.backfill.healsGaps, !pipeline.bars.isEmpty
            else {
                // It has no bars that could be missing.
                wound.without.append(symbol)
                continue
            }
            var choice: (interval: Interval, providers: [String])?
            for interval in pipeline.bars where choice == nil {
                let able = around.fetch.desk.historians(of: symbol, interval, among: pipeline.backfill.providers)
                    .filter { !unsupported.contains(Self.key($0, symbol, interval)) }
                if !able.isEmpty { choice = (interval, able) }
            }
            guard let choice else {
                wound.failed.append((symbol, "nobody can be asked for its bars"))
                continue
            }
            let calendar = around.plan.calendar(of: symbol)
            let end = gap.leftAt[pipeline.name].map { $0 + 1_000_000_000 } ?? gap.endNanoseconds
            let last = calendar.bucketStart(max(end, gap.fromNanoseconds), choice.interval)
            let part = GapPart(
                symbol: symbol, interval: choice.interval, providers: choice.providers,
                from: calendar.bucketStart(gap.fromNanoseconds, choice.interval),
                to: calendar.bucketEnd(start: last, choice.interval))
            wound.open.append(part)
            let ready = calendar.closingTime(start: last, choice.interval) + around.limits.graceNanoseconds
            wound.dueNanoseconds = max(wound.dueNanoseconds, ready)
        }
    }

    private static func key(_ provider: String, _ symbol: String, _ interval: Interval) -> String {
        "\(provider) \(symbol) \(interval.text)"
    }

    /// Asks once for everything that is due.
    private func round(_ wounds: inout [Wound]) async {
        let stretches = MergedStretch.merge(wounds.flatMap(\.open))
        var inARow = 0
        for stretch in stretches {
            guard inARow < around.limits.failuresInARow, !isStopped else { break }
            do throws(QueryFailure) {
                let rows = try await fetch(stretch)
                inARow = 0
                state.withLock { $0.figures.bars += UInt64(rows) }
                for index in wounds.indices { wounds[index].take(stretch, rows: rows) }
            } catch {
                state.withLock { $0.figures.failures += 1 }
                if error.reason == .unsupported {
                    let asked = stretch.stretch
                    let keys = stretch.providers.map { Self.key($0, asked.symbol, asked.interval) }
                    state.withLock { $0.unsupported.formUnion(keys) }
                    // Perhaps they have longer ones.
                    for index in wounds.indices where wounds[index].open.contains(where: stretch.covers) {
                        wounds[index].isPlanned = false
                    }
                } else if error.isLasting {
                    for index in wounds.indices { wounds[index].lose(stretch, error.detail) }
                } else {
                    inARow += 1
                    for index in wounds.indices { wounds[index].note(stretch, error.detail) }
                }
            }
        }
        let now = around.fetch.now()
        for index in wounds.indices where wounds[index].isPlanned && !wounds[index].open.isEmpty {
            wounds[index].tries += 1
            if wounds[index].tries >= around.limits.tries {
                wounds[index].giveUp()
                continue
            }
            let doublings = min(wounds[index].tries - 1, 20)
            let pause = min(around.limits.pauseNanoseconds << doublings, around.limits.longestPauseNanoseconds)
            wounds[index].dueNanoseconds = now + pause + Int64.random(in: 0...pause / 4)
        }
    }

    /// One call, or as many as the vendor's spans make of it.
    private func fetch(_ stretch: MergedStretch) async throws(QueryFailure) -> Int {
        var part = stretch.stretch
        let days = stretch.providers.compactMap {
            around.fetch.desk.days(ofInterval: part.interval.rawValue, symbol: part.symbol, provider: $0)
        }
        var rows = 0
        for range in QueryDesk.parts(from: part.from, to: part.to, days: days.min()) {
            part.from = range.from
            part.to = range.to
            rows += try await around.fetch.fetch(
                part, from: stretch.providers, patience: 20, isStopped: { [self] in isStopped })
        }
        return rows
    }

    // MARK: The end

    private func finish(_ wound: Wound) {
        let gap = wound.gap
        let name = "gap g-\(gap.number) of \(around.sources[gap.source])"
        state.withLock { state in
            guard gap.isOver else { return }
            if wound.failed.isEmpty { state.figures.healed += 1 } else { state.figures.left += 1 }
        }
        if let first = wound.failed.first {
            let count = wound.failed.count
            let said =
                "\(name): bars of \(count) of \(count + wound.healed.count) instruments could not be fetched, the first is "
                + "\(first.symbol): \(first.reason)"
            around.logger.warning("\(said)")
        } else if !wound.healed.isEmpty {
            around.logger.info("\(name): bars of \(wound.healed.count) instruments fetched, \(wound.rows) were missing")
        }
        guard gap.isOver else { return }
        let barsAlone = gap.kinds & ~(UInt32(1) << UInt32(HUB_BAR)) == 0
        let whole = UInt8(barsAlone ? HUB_REPAIR_DONE : HUB_REPAIR_PARTIAL)
        let impossible = UInt8(HUB_REPAIR_IMPOSSIBLE)
        if wound.failed.isEmpty {
            // Where there are no bars only events were missed, which cannot be had again.
            around.tell(gap, gap.symbols, wound.healed.isEmpty ? impossible : whole, false)
        } else if wound.healed.isEmpty {
            around.tell(gap, gap.symbols, impossible, false)
        } else {
            around.tell(gap, wound.healed + wound.without, whole, false)
            around.tell(gap, wound.failed.map(\.symbol), impossible, true)
        }
    }
}

extension ClosedGap {
    /// Up to where bars may be touched: first events after a hole are often snapshots that are older than it.
    var endNanoseconds: Int64 {
        let isLive = closedNanoseconds - toNanoseconds < 900_000_000_000
        return isLive ? max(toNanoseconds, closedNanoseconds) : toNanoseconds
    }
}
