import HubConfig
import HubFold
import HubModel
import Logging
import PluginABI

extension Engine {
    public var healing: GapHealer.Figures? { isLockstep ? nil : gapHealer.figures }

    static func makeGapHealer(
        _ configuration: Configuration, _ fetch: HistoryFetch, _ handover: BackfillHandover, logger: Logger
    ) -> GapHealer {
        GapHealer(
            GapHealer.Surroundings(
                fetch: fetch, plan: HealingPlan(configuration), sources: configuration.providers.map(\.name),
                tell: { gap, symbols, repair, isOwn in
                    handover.engine.withLock { $0?.engine }?.tell(gap, symbols, repair, isOwn)
                },
                logger: logger))
    }

    private func tell(_ gap: ClosedGap, _ symbols: [String], _ repair: UInt8, _ isOwn: Bool) {
        guard isRunning.load(ordering: .acquiring) else { return }
        lock.withLock {
            supervisor.repaired(gap, symbols: symbols, repair: repair, isOwn: isOwn, now: wallNanoseconds)
            sequencer.publish()
        }
    }

    /// Has the supervisor tell of holes. In lockstep nobody is asked for what is missing: a run must not depend on it.
    func watchGaps() {
        guard !isLockstep else { return }
        let plan = gapHealer.around.plan
        let names = sources.map(\.name)
        // Asked once: which providers answer does not change while the hub runs.
        let isHealable = names.map { name in
            plan.heals(name)
                && plan.pipelines.contains { pipeline in
                    pipeline.sources.contains { $0.provider == name }
                        && pipeline.backfill.providers.contains { queryDesk.canGiveBars($0) }
                }
        }
        let fold = sequencer.fold
        supervisor.watch = GapWatch(
            isHealable: { isHealable[$0] },
            served: { source, symbols in
                plan.instruments(symbols, of: names[source]).filter { symbol in
                    let active =
                        fold.activeSource(of: symbol)
                        ?? plan.pipeline(of: symbol).flatMap { fold.activeSource(ofPipeline: $0.name) }
                    return active == nil || active == names[source]
                }
            },
            onClosed: { [gapHealer] gap in gapHealer.heal(gap) })
    }

    /// Goes on with holes that were waiting for their bars when the hub stopped.
    func startHealing() {
        let now = wallNanoseconds
        // One that is not over yet may stay so until the market opens again: what is missing up to now can be had already.
        let waiting = withFold { fold, _ in
            (fold.closedGaps + fold.openGaps).filter { Int($0.repair) == HUB_REPAIR_PENDING }
        }
        for gap in waiting {
            guard let source = sources.firstIndex(where: { $0.name == gap.source }) else { continue }
            gapHealer.heal(
                ClosedGap(
                    number: gap.id, source: source, reason: gap.reason, kinds: gap.kinds, symbols: gap.symbols,
                    fromNanoseconds: gap.from, toNanoseconds: gap.isOpen ? now : gap.to, closedNanoseconds: now,
                    isOver: !gap.isOpen))
        }
    }
}

extension QueryDesk {
    /// Whether a provider answers questions for bars.
    func canGiveBars(_ provider: String) -> Bool { broker.answers(provider, .bars) }
}

extension QueryBroker {
    func answers(_ name: String, _ kind: QueryKind) -> Bool {
        ports.contains { $0.name == name && !$0.isSimulated && $0.kinds.contains(kind) }
    }
}
