/// Counters and states of the running hub at one moment. Times are nanoseconds since the Unix epoch; 0 = never.
public struct EngineStatus: Sendable {
    /// A provider as `/v1/status` shows it.
    public struct Provider: Sendable {
        public var name = ""
        public var plugin = ""
        public var version = ""
        /// A word of `control`: `ok`, `reconnecting`, `auth_needed` …
        public var state = "starting"
        public var reason: String?
        public var sinceNanoseconds: Int64 = 0
        public var isSimulated = false
        public var connections = 0
        public var instruments = 0
        public var events: UInt64 = 0
        public var eventsPerSecond = 0.0
        public var lastEventNanoseconds: Int64 = 0
        public var lagP50Milliseconds: Int64 = 0
        public var lagP99Milliseconds: Int64 = 0
        public var reconnects: UInt64 = 0
        public var errors: UInt64 = 0
        /// Bad records that were dropped.
        public var rejected: UInt64 = 0
        /// Good records that were dropped because another source was active.
        public var standby: UInt64 = 0
        /// Records flagged suspect since the start, in all and by check (`spike` …); one record may fail several.
        public var suspect: UInt64 = 0
        public var suspectByCheck: [(check: String, count: UInt64)] = []
        /// Where a person logs in; while it waits for that.
        public var loginPath: String?
        /// Logins that worked since the start.
        public var logins = 0
        /// What is used of each rate class.
        public var quota: [Quota] = []
        /// What its plugin tells, by name.
        public var metrics: [(name: String, isCounter: Bool, value: Double)] = []
        /// HTTP requests, by the first digit of the status; index 0 = 1xx.
        public var responses: [Int] = [0, 0, 0, 0, 0]
        public var failedRequests = 0
        public var bytesIn = 0
        public var bytesOut = 0
        public var messagesIn = 0
        /// `closed`, `open`, `probing`.
        public var breaker = "closed"
        /// What became of the recording of its raw bytes; `nil` = there is none.
        public var recording: Recording?
        public init() {}
    }

    /// The recording of what comes from a vendor.
    public struct Recording: Sendable {
        public var frames: UInt64
        public var bytes: UInt64
        /// Frames that could not be written.
        public var lost: UInt64
        /// Why nothing is written at the moment.
        public var stopped: String?
    }

    /// What is used of one rate class of a provider.
    public struct Quota: Sendable {
        public var name: String
        public var used: Int
        public var limit: Int
        public var windowNanoseconds: Int64
        public var resetsNanoseconds: Int64
    }

    /// A pipeline as `/v1/status` shows it.
    public struct Pipeline: Sendable {
        public var name = ""
        public var state = "starting"
        public var reason: String?
        public var sinceNanoseconds: Int64 = 0
        public var from: [String] = []
        public var active: String?
        public var isSimulated = false
        public var instruments = 0
        public var failedInstruments = 0
        public var switches: UInt64 = 0
        public var events: UInt64 = 0
        public var eventsPerSecond = 0.0
        public init() {}
    }

    /// A sink as `/v1/status` shows it.
    public struct Sink: Sendable {
        public var name = ""
        public var plugin = ""
        public var state = "starting"
        public var reason: String?
        public var sinceNanoseconds: Int64 = 0
        /// Acknowledged up to.
        public var seq: UInt64 = 0
        public var behind: UInt64 = 0
        public var behindMilliseconds: Int64 = 0
        public var written: UInt64 = 0
        public var retries: UInt64 = 0
        public var errors: UInt64 = 0
        public init() {}
    }

    /// What became of the journal's segments since the start.
    public struct Compaction: Sendable {
        /// Everything up to here was compacted.
        public var position: UInt64 = 0
        public var segments: UInt64 = 0
        public var records: UInt64 = 0
        /// What they take now.
        public var bytes: UInt64 = 0
        public var errors: UInt64 = 0
        /// Why it does not go on, in words.
        public var error: String?
        public init() {}
    }

    public var compaction = Compaction()
    /// `ok`, `degraded` …
    public var state = "starting"
    public var reason: String?
    public var startedNanoseconds: Int64 = 0
    public var isSimulated = false
    public var configurationPath = ""
    public var configurationLoadedNanoseconds: Int64 = 0
    public var journalBytes: UInt64 = 0
    public var storeBytes: UInt64 = 0
    public var providers: [Provider] = []
    public var pipelines: [Pipeline] = []
    public var sinks: [Sink] = []
    public init() {}
}
