public import EventFormat
public import HubModel

/// `pipelines.*.backfill`: history that the hub fetches by itself.
public struct BackfillSettings: Sendable, Hashable {
    /// How far back the bars of an interval should reach.
    public struct Depth: Sendable, Hashable {
        public var interval: Interval
        public var nanoseconds: Int64

        public init(interval: Interval, nanoseconds: Int64) {
            self.interval = interval
            self.nanoseconds = nanoseconds
        }
    }

    /// In the order of the intervals.
    public var history: [Depth] = []
    /// Whether bars of a hole are fetched once the source is back.
    public var healsGaps = true
    /// Who is asked, in order: what the file says, else the pipeline's own providers; never a simulated one.
    public var providers: [String] = []

    public init() {}
}

/// One of `schedules`: work at set times.
public struct ScheduleConfiguration: Sendable, Hashable {
    public enum Job: String, Sendable, Hashable {
        /// Fetch bars that are missing.
        case backfill
        /// Ask providers for their lists of instruments again.
        case refreshInstruments = "refresh_instruments"
        /// Ask for prices or bars, into the cache.
        case warm
    }

    public enum Trigger: Sendable, Hashable {
        /// Seconds after midnight, by the clock of the zone.
        case at(secondsOfDay: Int)
        /// Nanoseconds; counted in whole multiples since the Unix epoch.
        case every(nanoseconds: Int64)
    }

    public enum Days: String, Sendable, Hashable {
        case daily, trading
        case mondayToFriday = "mon-fri"
    }

    public enum When: String, Sendable, Hashable {
        case always, open
    }

    public enum Kind: String, Sendable, Hashable {
        case quote, bar
    }

    public var name: String
    public var job: Job
    public var trigger: Trigger
    /// IANA name.
    public var zone: String
    /// Whose trading days and hours count.
    public var venue: String?
    public var days = Days.daily
    public var when = When.always
    /// Only its instruments; `nil` = those of all pipelines.
    public var pipeline: String?
    /// Only these; `nil` = all of the pipeline, or pipelines.
    public var symbols: [SymbolPattern]?
    /// Of bars; empty = those of the pipeline.
    public var intervals: [Interval] = []
    /// What is warmed; empty = prices.
    public var kinds: [Kind] = []

    public init(name: String, job: Job, trigger: Trigger, zone: String = "UTC") {
        self.name = name
        self.job = job
        self.trigger = trigger
        self.zone = zone
    }
}
