public import EventFormat
public import HubModel

/// What the fold needs to know of the configuration: nothing in it changes while a fold lives.
public struct FoldPlan: Sendable {
    /// In the order of `hub.yaml`.
    public var pipelines: [PipelinePlan]
    /// Every source any pipeline names.
    public var sources: [SourcePlan]
    /// Venue → name of a calendar, from `calendars.*.like`; venues it does not name have their bundled calendar.
    public var calendars: [String: String]

    public init(pipelines: [PipelinePlan], sources: [SourcePlan], calendars: [String: String] = [:]) {
        self.pipelines = pipelines
        self.sources = sources
        self.calendars = calendars
    }
}

/// One pipeline: which instruments, from whom, which bars.
public struct PipelinePlan: Sendable {
    public var name: String
    /// Names of sources in order of preference; the first is active until a failover says otherwise.
    public var sources: [String]
    /// Kinds taken from each of `sources`, as bits `1 << kind`; 0 takes all. Only kinds that `pipelines.*.kinds` can
    /// name are held back (trade, quote, tick, book, greeks, status).
    public var kindsBySource: [UInt32]
    /// Instruments named one by one.
    public var instruments: [Symbol]
    /// Globs whose matches belong to the pipeline too; instruments named one by one anywhere win.
    public var patterns: [SymbolPattern]
    /// Globs whose matches belong to it when they are streamed or fetched on demand; `patterns` anywhere win.
    public var onDemand: [SymbolPattern]
    /// What no glob takes in.
    public var exclude: [SymbolPattern]
    /// Intervals of the bars that are made.
    public var bars: [Interval]
    /// What bars are made of.
    public var price: BarPrice
    /// What records are checked for.
    public var quality: QualityPlan

    public init(
        name: String, sources: [String], kindsBySource: [UInt32] = [], instruments: [Symbol],
        patterns: [SymbolPattern] = [], onDemand: [SymbolPattern] = [], exclude: [SymbolPattern] = [],
        bars: [Interval] = [], price: BarPrice = .last, quality: QualityPlan = .off
    ) {
        self.name = name
        self.sources = sources
        self.kindsBySource = kindsBySource
        self.instruments = instruments
        self.patterns = patterns
        self.onDemand = onDemand
        self.exclude = exclude
        self.bars = bars
        self.price = price
        self.quality = quality
    }
}

/// The price a pipeline's bars are made of (`pipelines.*.bars.price`).
public enum BarPrice: UInt8, Sendable, Hashable, CaseIterable, BitwiseCopyable {
    /// Trades; ticks of a source that gives no trades for the instrument.
    case last = 0
    /// The middle of a quote that has both sides.
    case mid = 1
    /// The bid of a quote.
    case bid = 2
    /// The ask of a quote.
    case ask = 3
}

/// One source of records.
public struct SourcePlan: Sendable {
    /// The provider's name in `hub.yaml`.
    public var name: String
    /// Its time is in its data: its watermark is the largest event time, not the clock.
    public var recorded: Bool
    /// Everything it makes is marked simulated.
    public var simulated: Bool
    /// How long after its end a bar stays open for late data; of live sources.
    public var finalizeAfterNanoseconds: Int64

    public init(
        name: String, recorded: Bool = false, simulated: Bool = false,
        finalizeAfterNanoseconds: Int64 = 2_000_000_000
    ) {
        self.name = name
        self.recorded = recorded
        self.simulated = simulated
        self.finalizeAfterNanoseconds = finalizeAfterNanoseconds
    }
}

/// Takes the records that the fold makes.
public protocol DerivedOutput: AnyObject {
    /// Journals one record behind the one that caused it.
    ///
    /// Records that one `apply` makes are numbered one after another from the cause's `seq` + 1, with nothing
    /// between; the fold relies on it and remembers these numbers without being told.
    ///
    /// - Parameters:
    ///   - lines: its size in lines of 64 bytes.
    ///   - fill: writes the whole record but its `seq`, once, before this call returns.
    func append(lines: Int, _ fill: (UnsafeMutableRawPointer) -> Void)
}

/// What becomes of a record before it is numbered.
public enum Admission: Sendable, Hashable {
    /// It is to be numbered, journaled and applied.
    case take
    /// Its source stands by for this instrument; it was counted and is dropped.
    case standby
    /// It was in the journal before the source resumed; it is dropped.
    case duplicate
    /// It has no place: an undefined stream, an instrument of no pipeline, a kind that is not taken, a bar where the
    /// hub has its own.
    case rejected
}
