import Crypto
import EventFormat
import HubConfig
import HubFold
import HubModel
import PluginABI

/// What the configuration means for the fold and for those around it.
public enum Plans {
    /// The fold's view: which instruments belong to which pipeline, who may serve them, which bars are made.
    static func fold(_ configuration: Configuration) -> FoldPlan {
        FoldPlan(
            pipelines: configuration.pipelines.map { pipeline in
                PipelinePlan(
                    name: pipeline.name, sources: pipeline.sources.map(\.provider),
                    kindsBySource: pipeline.sources.map(\.kinds), instruments: pipeline.instruments,
                    patterns: pipeline.globs, onDemand: pipeline.onDemand, exclude: pipeline.exclude,
                    bars: pipeline.bars, price: price(pipeline.price), quality: quality(pipeline.quality))
            },
            sources: configuration.providers.map { provider in
                SourcePlan(
                    name: provider.name, recorded: provider.plugin.traits.contains(.recorded),
                    simulated: provider.plugin.traits.contains(.simulated),
                    finalizeAfterNanoseconds: provider.finalizeAfterNanoseconds)
            },
            calendars: calendars(configuration))
    }

    static func calendars(_ configuration: Configuration) -> [String: String] {
        Dictionary(
            configuration.calendars.compactMap { calendar in calendar.like.map { (calendar.venue, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Kinds that a provider streams and can therefore lose, bits `1 << kind`.
    private static let streamed = [HUB_TRADE, HUB_QUOTE, HUB_TICK, HUB_BOOK, HUB_GREEKS, HUB_STATUS]
        .reduce(UInt32(0)) { $0 | 1 << UInt32($1) }

    /// The supervisor's view of a provider.
    static func supervised(_ provider: ProviderConfiguration, in configuration: Configuration) -> Supervisor.SourcePlan
    {
        var symbols: [String] = []
        var kinds: UInt32 = 0
        var venues: [String] = []
        for pipeline in configuration.pipelines {
            guard let source = pipeline.sources.first(where: { $0.provider == provider.name }) else { continue }
            kinds |= source.kinds & streamed
            symbols += pipeline.instruments.map(\.text) + pipeline.globs.map(\.text)
            for symbol in pipeline.instruments where !venues.contains(symbol.venue) { venues.append(symbol.venue) }
        }
        let overrides = calendars(configuration)
        var calendars = venues.map { TradingCalendar.forVenue($0, overrides: overrides) }
        if calendars.isEmpty { calendars = [.always] }
        return Supervisor.SourcePlan(
            name: provider.name, isRecorded: provider.plugin.traits.contains(.recorded),
            isSimulated: provider.plugin.traits.contains(.simulated),
            resumes: provider.plugin.traits.contains(.resumes), staleAfterNanoseconds: provider.staleAfterNanoseconds,
            lateAfterNanoseconds: provider.lateAfterNanoseconds, symbols: symbols, kinds: kinds, calendars: calendars,
            venues: venues)
    }

    static func supervised(_ pipeline: PipelineConfiguration, in configuration: Configuration)
        -> Supervisor.PipelinePlan
    {
        Supervisor.PipelinePlan(
            name: pipeline.name,
            sources: pipeline.sources.compactMap { source in
                configuration.providers.firstIndex { $0.name == source.provider }
            },
            afterNanoseconds: pipeline.failoverAfterNanoseconds,
            backAfterNanoseconds: pipeline.failoverBackAfterNanoseconds, kinds: pipeline.sources.map(\.kinds),
            instruments: pipeline.instruments.map(\.text), globs: pipeline.globs.map(\.text),
            isWarm: pipeline.standby == .warm, isPerInstrument: pipeline.failsOverPerInstrument)
    }

    /// Who streams what at the start: of each pipeline the sources up to the one that served last, and all in lockstep.
    static func wants(
        _ configuration: Configuration, _ plans: [Supervisor.PipelinePlan], active: [Int],
        _ providers: [ProviderInstance], _ fold: Fold, now: Int64
    ) -> WantBook {
        let followsHealth = configuration.hub.clock == .real
        let reach = zip(plans, active).map { plan, active in
            followsHealth ? min(plan.sources.count, active + 1 + (plan.isWarm ? 1 : 0)) : .max
        }
        let assigned = zip(plans, active).map { plan, active in
            var assigned: [String: Int] = [:]
            guard plan.isPerInstrument else { return assigned }
            for symbol in fold.symbols where fold.instrument(symbol)?.pipeline == plan.name {
                guard let name = fold.activeSource(of: symbol),
                    let place = plan.sources.firstIndex(where: { configuration.providers[$0].name == name }),
                    place != active
                else { continue }
                assigned[symbol] = place
            }
            return assigned
        }
        return WantBook(
            sources: providers.count, pipelines: plans.count, followsHealth: followsHealth, reach: reach,
            assigned: assigned, now: now, tell: { index, changes in providers[index].change(changes) })
    }

    /// SHA-256 of a text.
    static func digest(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    private static func quality(_ quality: QualityConfiguration) -> QualityPlan {
        QualityPlan(
            spikePercent: quality.spikePercent, crossed: quality.flagsCrossed, backwards: quality.flagsBackwards,
            volumeFalls: quality.flagsVolumeFalls, duplicates: quality.flagsDuplicates)
    }

    private static func price(_ price: PipelineConfiguration.Price?) -> BarPrice {
        switch price {
        case nil, .last: .last
        case .mid: .mid
        case .bid: .bid
        case .ask: .ask
        }
    }
}
