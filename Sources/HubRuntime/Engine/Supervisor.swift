import EventFormat
import HubModel
import PluginABI

/// Watches the sources and decides what the fold must not decide by itself: states, switches, gaps, the clock. Every
/// decision becomes a record. Belongs to the sequencer's thread.
///
/// Nothing here does I/O: records go out through `say`, in order, and those the journal has no room for wait in a short
/// list (one entry a decision, and decisions are rare).
final class Supervisor {
    let plans: [SourcePlan]
    let pipelines: [PipelinePlan]
    let sources: [Source]
    private(set) var health: [SourceHealth]
    var policies: [FailoverPolicy]
    private(set) var active: [Int]
    private(set) var switches: [UInt64]
    private(set) var failoverSince: [Int64]
    /// Who streams what, and which instruments are served by another source than their pipeline.
    var wants: WantBook
    var openGaps: [[OpenGap]]
    /// Outages that plugins told of after the hub had: of each source, until the plugin says that they are over.
    var toldAlready: [[(reason: UInt8, symbols: [String])]]
    var takenBefore: [UInt64]
    private var seenBefore: [UInt64]
    /// Whether something came since the last tick.
    private var isDelivering: [Bool]
    private var waiting: [(record: [UInt8], done: ((UInt64) -> Void)?)] = []
    private let say: ([UInt8]) -> UInt64?
    let standbySkipped: (Int) -> UInt32
    let streamOf: (_ source: Int, _ handle: UInt32) -> UInt32?
    /// What is wanted on demand, of each pipeline; `nil` where nothing changed.
    private let demands: (_ now: Int64) -> [[String]]?
    let streamOfSymbol: (_ source: Int, _ symbol: String) -> UInt32?
    private var lastClockNanoseconds: Int64
    /// Who heals holes; `nil` = nobody.
    var watch: GapWatch?
    /// Holidays of providers and of the operator; `nil`: the bundled calendars alone.
    var marketCalendars: MarketCalendars?

    /// - Parameters:
    ///   - active: index into each pipeline's sources: what the fold holds.
    ///   - openGaps: of each source: those that were not over when the hub stopped.
    ///   - lastClock: time of the last clock record in the journal.
    ///   - skipped: what the fold counted for a source that stands by.
    ///   - stream: the stream of a source's handle, defined if it is new; `nil` when there is no room.
    ///   - wants: who streams what; by default everybody everything, for ever.
    ///   - say: journals a record and answers its number; `nil` when there is no room.
    init(
        plans: [SourcePlan], sources: [Source], pipelines: [PipelinePlan], active: [Int], states: [SourceState],
        openGaps: [[OpenGap]]? = nil, lastClock: Int64, now: Int64, wants: WantBook? = nil,
        skipped: @escaping (Int) -> UInt32,
        stream: @escaping (_ source: Int, _ handle: UInt32) -> UInt32?,
        streamOfSymbol: @escaping (_ source: Int, _ symbol: String) -> UInt32? = { _, _ in nil },
        demands: @escaping (_ now: Int64) -> [[String]]? = { _ in nil },
        say: @escaping ([UInt8]) -> UInt64?
    ) {
        streamOf = stream
        self.streamOfSymbol = streamOfSymbol
        self.demands = demands
        self.plans = plans
        self.sources = sources
        self.pipelines = pipelines
        self.active = active
        self.say = say
        standbySkipped = skipped
        lastClockNanoseconds = lastClock
        health = zip(plans, states).map { plan, state in
            SourceHealth(
                staleAfterNanoseconds: plan.isRecorded ? 0 : plan.staleAfterNanoseconds,
                lateAfterNanoseconds: plan.isRecorded ? 0 : plan.lateAfterNanoseconds, now: now, state: state)
        }
        policies = pipelines.map { pipeline in
            FailoverPolicy(
                names: pipeline.sources.map { plans[$0].name }, afterNanoseconds: pipeline.afterNanoseconds,
                backAfterNanoseconds: pipeline.backAfterNanoseconds, now: now)
        }
        switches = Array(repeating: 0, count: pipelines.count)
        failoverSince = Array(repeating: now, count: pipelines.count)
        self.openGaps = openGaps ?? Array(repeating: [], count: plans.count)
        toldAlready = Array(repeating: [], count: plans.count)
        takenBefore = sources.map(\.taken)
        seenBefore = sources.map(\.seen)
        self.wants = wants ?? WantBook(sources: plans.count, pipelines: pipelines.count)
        isDelivering = Array(repeating: false, count: plans.count)
    }

    /// The source that serves a pipeline now; `nil` where none of its sources is left.
    func activeSource(ofPipeline index: Int) -> Int? {
        pipelines[index].sources.isEmpty ? nil : pipelines[index].sources[active[index]]
    }

    // MARK: What happens

    /// A source says how it is, or the host says it for the source.
    func report(source index: Int, state: SourceState, reason: String, now: Int64) {
        if state == .reconnecting, isIdle(index) {
            // Nothing is wanted of it, so nothing keeps it from coming up.
            return apply(health[index].report(.starting, reason: "stands by", now: now), source: index, now: now)
        }
        apply(health[index].report(state, reason: reason, now: now), source: index, now: now)
    }

    /// A source begins anew.
    func starting(source index: Int, now: Int64) {
        journal(
            HubRecord.source(
                .init(state: .starting, previous: health[index].state, reason: ""), stream: sources[index].ownStream,
                at: now))
    }

    /// The last thing known of a source before the hub went down: what it missed since is a gap, unless it resumes.
    func hubWasDown(source index: Int, sinceEventNanoseconds: Int64, now: Int64) {
        guard !plans[index].resumes, !plans[index].isRecorded, sinceEventNanoseconds > 0, serves(index) else { return }
        openGap(source: index, reason: UInt8(HUB_GAP_HUB_DOWN), from: sinceEventNanoseconds, now: now)
    }

    /// Intake stood still because the disk was full. To be called before anything is taken again.
    ///
    /// - Parameters:
    ///   - from: when it stopped.
    ///   - next: event time of the first record of a source that waits; 0 = none does.
    func diskWasFull(from: Int64, now: Int64, next: (Int) -> Int64) {
        for index in plans.indices where serves(index) {
            let last = sources[index].lastEventNanoseconds
            let begin = last == 0 ? from : last
            guard plans[index].resumes || plans[index].isRecorded else {
                // How far it reaches the first record behind it will tell.
                openGap(source: index, reason: UInt8(HUB_GAP_DISK_FULL), from: begin, now: now)
                continue
            }
            // It was only held up: it goes on where it had stopped.
            let first = next(index)
            journal(
                HubRecord.gap(
                    .init(
                        state: UInt8(HUB_GAP_CLOSED), reason: UInt8(HUB_GAP_DISK_FULL), repair: UInt8(HUB_REPAIR_DONE),
                        kinds: plans[index].kinds, openedBy: 0, fromNanoseconds: begin,
                        toNanoseconds: first == 0 ? now : first, symbols: plans[index].symbols),
                    stream: sources[index].ownStream, at: now))
        }
    }

    /// A plugin or the host lost data of a source.
    ///
    /// - Parameter to: 0 = it is still being lost; the gap is over when the same is told with an end, and one of all
    ///   instruments with the next record, too.
    func lost(source index: Int, reason: UInt8, symbols: [String], kinds: UInt32, from: Int64, to: Int64, now: Int64) {
        // What another source delivers is not lost.
        guard let symbols = concerned(symbols, of: index) else { return }
        let gap = OpenGap(
            number: 0, reason: reason, fromNanoseconds: from, symbols: symbols.isEmpty ? plans[index].symbols : symbols,
            kinds: kinds == 0 ? plans[index].kinds : kinds, isPlugins: true)
        let known = openGaps[index].firstIndex {
            $0.isPlugins && $0.reason == gap.reason && $0.symbols == gap.symbols
        }
        // One outage is one gap: where the hub saw the source go down itself, its own gap covers what the plugin tells.
        let told = toldAlready[index].firstIndex { $0.reason == reason && $0.symbols == gap.symbols }
        if to == 0, known == nil, openGaps[index].contains(where: { !$0.isPlugins && $0.reason == reason }) {
            if told == nil { toldAlready[index].append((reason, gap.symbols)) }
        } else if to != 0, let told {
            toldAlready[index].remove(at: told)
        } else if let known {
            if to != 0 { close(openGaps[index].remove(at: known), source: index, to: to, now: now) }
        } else if to == 0 {
            open(gap, source: index, now: now)
        } else {
            close(watched(gap, index), source: index, to: to, now: now)
        }
    }

    /// What became of one wanted instrument.
    func subscription(source index: Int, handle: UInt32, state: UInt8, reason: String, now: Int64) {
        guard let stream = streamOf(index, handle) else { return }
        answered(source: index, sources[index].definition(of: handle).symbol, state: state, reason: reason)
        journal(HubRecord.subscription(state: state, reason: reason, stream: stream, at: now))
    }

    /// A recorded source has delivered everything: its open bars close, and it can serve nobody any more.
    func ended(source index: Int, now: Int64) {
        journal(HubRecord.end(stream: sources[index].ownStream, at: now))
        report(source: index, state: .stopped, reason: "the recording has ended", now: now)
    }

    /// Time has passed. To be called a few times a second.
    func tick(now: Int64) {
        flush()
        for index in plans.indices {
            isDelivering[index] = sources[index].taken != takenBefore[index]
            // What was dropped because another source serves is a sign of life, too.
            if sources[index].seen != seenBefore[index] {
                seenBefore[index] = sources[index].seen
                apply(health[index].delivered(at: now), source: index, now: now)
            }
            if isDelivering[index] {
                takenBefore[index] = sources[index].taken
                closeGaps(source: index, now: now)
            }
            examine(source: index, now: now)
        }
        closeHandedOver(now: now)
        for index in pipelines.indices {
            switchIfDue(pipeline: index, now: now)
            follow(pipeline: index, now: now)
        }
        if let lists = demands(now) {
            wants.demanded = lists
            wants.isChanged = true
        }
        tellWants()
        clock(now: now)
    }

    // MARK: Decisions

    /// Silence and lateness count while somebody should be trading what is wanted.
    private func examine(source index: Int, now: Int64) {
        guard !isIdle(index) else { return }
        let isMarketOpen = isMarketOpen(source: index, now: now)
        apply(health[index].tick(now: now, isMarketOpen: isMarketOpen), source: index, now: now)
        guard isMarketOpen, health[index].lateAfterNanoseconds > 0,
            let median = sources[index].delays.medianNanoseconds(now: now)
        else { return }
        apply(health[index].judge(medianNanoseconds: median, now: now), source: index, now: now)
    }

    private func isMarketOpen(source index: Int, now: Int64) -> Bool {
        guard let marketCalendars, !plans[index].venues.isEmpty else {
            return plans[index].calendars.contains { $0.phase(at: now).phase == .open }
        }
        return plans[index].venues.contains { marketCalendars.calendar(of: $0).phase(at: now).phase == .open }
    }

    private func apply(_ change: SourceHealth.Change?, source index: Int, now: Int64) {
        guard let change else { return }
        journal(HubRecord.source(change, stream: sources[index].ownStream, at: now))
        guard !plans[index].isRecorded, !plans[index].resumes, sources[index].lastEventNanoseconds > 0, serves(index)
        else { return }
        switch change.state {
        case .reconnecting, .failed, .authNeeded, .stopped:
            openGap(
                source: index, reason: UInt8(HUB_GAP_SOURCE_DOWN), from: sources[index].lastEventNanoseconds, now: now)
        case .stale:
            openGap(
                source: index, reason: UInt8(HUB_GAP_SOURCE_STALE), from: sources[index].lastEventNanoseconds, now: now)
        default: break
        }
    }

    private func switchIfDue(pipeline index: Int, now: Int64) {
        let members = pipelines[index].sources
        guard members.count > 1 else { return }
        let states = members.map { health[$0].state }
        let late = Set(members.indices.filter { health[members[$0]].isLate })
        guard let decision = policies[index].decide(states: states, late: late, active: active[index], now: now)
        else { return }
        let to = members[decision.to]
        journal(
            HubRecord.failover(
                pipeline: pipelines[index].name, from: plans[members[decision.from]].name, to: plans[to].name,
                reason: decision.reason, stream: sources[to].ownStream,
                lastSequence: sources[members[decision.from]].lastSequence, skipped: standbySkipped(to), at: now))
        for gap in openGaps[members[decision.from]].indices where watch?.isReal(to) == true {
            openGaps[members[decision.from]][gap].left(pipelines[index].name, at: now)
            watch?.left(openGaps[members[decision.from]][gap], source: members[decision.from], now: now)
        }
        active[index] = decision.to
        switches[index] += 1
        failoverSince[index] = now
        handOver(pipeline: index, to: to)
    }

    /// What a source that serves nobody any more had not delivered, its successor's first event ends.
    private func handOver(pipeline index: Int, to: Int) {
        var isAwaited = false
        for member in pipelines[index].sources {
            for gap in openGaps[member].indices {
                let isFilled = !plans[to].isSimulated || plans[member].isSimulated
                let successor = member == to || serves(member) || !isFilled ? nil : to
                openGaps[member][gap].successor = successor
                if successor != nil { isAwaited = true }
            }
        }
        if isAwaited { sources[to].firstEventNanoseconds = 0 }
    }

    private func closeHandedOver(now: Int64) {
        for index in plans.indices {
            let isOver = { (gap: OpenGap) in
                gap.number != 0 && gap.successor.map { self.sources[$0].firstEventNanoseconds != 0 } == true
            }
            guard openGaps[index].contains(where: isOver) else { continue }
            for gap in openGaps[index] where isOver(gap) {
                close(gap, source: index, to: gap.successor.map { sources[$0].firstEventNanoseconds } ?? now, now: now)
            }
            openGaps[index].removeAll(where: isOver)
            toldAlready[index].removeAll()
        }
    }

    /// One a second while a live source is up: the time by which bars without trades end.
    private func clock(now: Int64) {
        guard let due = nextClock, now >= due else { return }
        // A source that catches up after a stop must not find its bars closed by a clock that has run ahead of it.
        guard !plans.indices.contains(where: { isCatchingUp($0, now: now) }) else { return }
        lastClockNanoseconds = now / Self.second * Self.second
        journal(HubRecord.clock(at: lastClockNanoseconds))
    }

    /// When the clock is to be journaled next; `nil` while no live source is up.
    var nextClock: Int64? {
        guard plans.indices.contains(where: { !plans[$0].isRecorded && health[$0].state.canServe }) else { return nil }
        return (lastClockNanoseconds / Self.second + 1) * Self.second
    }

    private func isCatchingUp(_ index: Int, now: Int64) -> Bool {
        !plans[index].isRecorded && plans[index].resumes && isDelivering[index]
            && now - sources[index].lastEventNanoseconds > 3 * Self.second / 2
    }

    private static let second: Int64 = 1_000_000_000

    // MARK: Journaling

    func journal(_ record: [UInt8], _ done: ((UInt64) -> Void)? = nil) {
        waiting.append((record, done))
        flush()
    }

    private func flush() {
        while let first = waiting.first, let number = say(first.record) {
            waiting.removeFirst()
            first.done?(number)
        }
    }
}
