public import EventFormat
public import HubModel

/// Everything that `hub.yaml` says, checked, with defaults filled in. Only what is enabled is in it.
///
/// Durations are nanoseconds, `Int64.max` for `forever`; sizes are bytes, `Int64.max` for `none`; paths are absolute. Lists
/// are in the order of the file.
public struct Configuration: Sendable {
    /// The file, as it was given.
    public var path: String
    /// The folder of the file, absolute; relative paths in it start here.
    public var folder: String
    public var hub: HubSettings
    public var plugins: PluginsSettings
    public var providers: [ProviderConfiguration]
    public var indicators: [IndicatorConfiguration]
    public var sinks: [SinkConfiguration]
    public var pipelines: [PipelineConfiguration]
    /// Calendars of venues that the hub does not know, or that are to have another one.
    public var calendars: [CalendarConfiguration]
    public var schedules: [ScheduleConfiguration] = []

    public func provider(_ name: String) -> ProviderConfiguration? {
        providers.first { $0.name == name }
    }
    public func indicator(_ name: String) -> IndicatorConfiguration? {
        indicators.first { $0.name == name }
    }
    public func sink(_ name: String) -> SinkConfiguration? { sinks.first { $0.name == name } }
    public func pipeline(_ name: String) -> PipelineConfiguration? {
        pipelines.first { $0.name == name }
    }
    /// The pipeline that an instrument belongs to, always or on demand.
    public func pipeline(of symbol: Symbol) -> PipelineConfiguration? {
        pipelines.first { $0.takes(symbol) } ?? pipelines.first { $0.offers(symbol) }
    }
}

/// Which calendar a venue goes by.
public struct CalendarConfiguration: Sendable, Hashable {
    public var venue: String
    /// `us-equities`, `nse`, `always`; `nil` = the venue's own.
    public var like: String?
    /// Of its file, over the bundled ones, by date.
    public var days: [CalendarDay] = []
}

/// What providers, indicators and sinks have in common.
public protocol ComponentConfiguration: Sendable {
    /// The name the operator chose.
    var name: String { get }
    var plugin: PluginDescription { get }
    var settings: PluginSettings { get }
    /// False: it may be left out with a warning where it cannot be had.
    var isRequired: Bool { get }
}

public struct ProviderConfiguration: ComponentConfiguration {
    public var name: String
    public var plugin: PluginDescription
    public var settings: PluginSettings
    public var isRequired: Bool
    /// Silent that long in an open market = stale; the plugin's own if the file says nothing.
    public var staleAfterNanoseconds: Int64
    /// How long after its end a bar stays open for late data; the plugin's own if the file says nothing.
    public var finalizeAfterNanoseconds: Int64
    /// A median delay above this costs it its place; 0 = none does.
    public var lateAfterNanoseconds: Int64 = 0
    /// How its connections and requests are made.
    public var network = NetworkSettings()
    /// It is used for these venues only; empty = all it knows.
    public var venues: [String] = []
    /// Canonical symbols with the vendor's own names for them, where its list is not what the operator wants.
    public var symbols: [(symbol: String, vendorName: String)] = []
}

public struct IndicatorConfiguration: ComponentConfiguration {
    public var name: String
    public var plugin: PluginDescription
    public var settings: PluginSettings
    public var isRequired: Bool
    /// Its setting `intervals`, if it has one; `nil` = all intervals of the pipeline.
    public var intervals: [Interval]?
}

public struct SinkConfiguration: ComponentConfiguration {
    public enum Start: String, Sendable, Hashable {
        case live, earliest
    }

    public var name: String
    public var plugin: PluginDescription
    public var settings: PluginSettings
    public var isRequired: Bool
    /// What it is given. `EventSelector.events` where the file says nothing.
    public var kinds: EventSelector
    /// Only these instruments; `nil` = all of its pipelines.
    public var symbols: [SymbolPattern]?
    /// False: simulated events are not given to it.
    public var takesSimulated: Bool
    /// Where it begins without a cursor of its own.
    public var start: Start
    public var batchEvents: Int
    public var batchEveryNanoseconds: Int64
    /// How long the journal waits for it.
    public var holdNanoseconds: Int64
    public var backoffMinimumNanoseconds: Int64
    public var backoffMaximumNanoseconds: Int64
}

public struct PipelineConfiguration: Sendable {
    public struct Source: Sendable, Hashable {
        /// A name from `providers`.
        public var provider: String
        /// Bits `1 << kind` that are taken: what the pipeline wants, narrowed to what `from` says and to what the provider
        /// has. Its own bars and gaps are always taken.
        public var kinds: UInt32
    }

    public enum Price: String, Sendable, Hashable {
        case last, mid, bid, ask
    }

    /// Whether the next provider is connected and subscribed before it is needed.
    public enum Standby: String, Sendable, Hashable {
        case cold, warm
    }

    /// How long its instruments' data is kept, where that differs from `hub.retention`; `nil` = as there.
    public struct Retention: Sendable, Hashable {
        public var ticksNanoseconds: Int64?
        public var booksNanoseconds: Int64?
        public var barsNanoseconds: Int64?

        /// Whether anything differs.
        public var isOwn: Bool { ticksNanoseconds != nil || booksNanoseconds != nil || barsNanoseconds != nil }
    }

    /// Which part of the trading day bars show. They are built from all of it, so this may change at any time.
    public enum Session: String, Sendable, Hashable {
        case all, regular
    }

    public var name: String
    /// In order of preference, without those that were left out. Empty: see `stoppedBecause`.
    public var sources: [Source]
    /// Why it cannot run, though nothing is wrong with the file: no provider is left.
    public var stoppedBecause: String?
    /// Exact symbols in the order of the file, without what is excluded; each once.
    public var instruments: [Symbol]
    /// Globs among `instruments`: they select among what recorded and simulated providers define themselves.
    public var globs: [SymbolPattern]
    public var exclude: [SymbolPattern]
    /// Bits `1 << kind` of what is streamed: `trade tick quote book greeks status`.
    public var kinds: UInt32
    /// Ascending, each once.
    public var bars: [Interval]
    /// What bars are made of; `nil` = `last`, or `mid` for instruments of type `fx`.
    public var price: Price?
    /// Default of `session=` when bars are read.
    public var session = Session.all
    public var indicators: [String]
    public var sinks: [String]
    public var failoverAfterNanoseconds: Int64
    public var failoverBackAfterNanoseconds: Int64
    public var standby = Standby.cold
    /// What the serving source does not have is taken from the next that has it.
    public var failsOverPerInstrument = true
    /// How long an instrument that is streamed on demand goes on after its last client.
    public var lingerNanoseconds: Int64 = 300_000_000_000
    public var retention = Retention()
    public var quality = QualityConfiguration()
    /// What may also be asked for, without being streamed always.
    public var onDemand: [SymbolPattern] = []
    /// History that is fetched for it without being asked.
    public var backfill = BackfillSettings()

    /// Whether a symbol belongs to it.
    public func takes(_ symbol: Symbol) -> Bool {
        (instruments.contains(symbol) || globs.contains { $0.matches(symbol) })
            && !exclude.contains { $0.matches(symbol) }
    }

    /// Whether a symbol may be asked for on demand.
    public func offers(_ symbol: Symbol) -> Bool {
        onDemand.contains { $0.matches(symbol) } && !exclude.contains { $0.matches(symbol) }
    }
}
