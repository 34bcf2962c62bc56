import PluginABI

/// What providers can be asked for on demand. Raw values are those of `hub/ext/query.h`.
public enum QueryKind: UInt32, Sendable, Hashable, CaseIterable {
    case quotes = 1
    case bars = 2
    case profile = 3
    case news = 4
    case sentiment = 5
    case search = 6
    case marketStatus = 7
    case calendar = 8

    /// The name by which a plugin's descriptor lists it.
    public var name: String {
        switch self {
        case .quotes: "quotes"
        case .bars: "bars"
        case .profile: "profile"
        case .news: "news"
        case .sentiment: "sentiment"
        case .search: "search"
        case .marketStatus: "market_status"
        case .calendar: "calendar"
        }
    }

    /// The key of `hub.cache.ttl` that counts for its answers.
    var cacheClass: String {
        switch self {
        case .quotes: "quotes"
        case .bars: "bars"
        case .profile: "profiles"
        case .news: "news"
        case .sentiment: "sentiment"
        case .search: "search"
        case .marketStatus: "quotes"
        case .calendar: "calendar"
        }
    }
}

/// A question to whoever can answer it. Equal ones have the same answer.
public struct Query: Sendable, Hashable {
    public var kind: QueryKind
    /// Canonical; one for bars, profile and sentiment.
    public var symbols: [String]
    /// Search: what is searched for; market status and calendar: the venue.
    public var text: String
    /// Bars: seconds.
    public var interval: UInt32
    /// 0 = as many as there are.
    public var limit: UInt32
    /// Nanoseconds, inclusive; 0 = open.
    public var from: Int64
    /// Nanoseconds, exclusive; 0 = open.
    public var to: Int64
    /// Where an earlier answer left off; empty: the beginning.
    public var next: String
    /// Only this provider; `nil` = the first that can.
    public var provider: String?

    public init(
        _ kind: QueryKind, symbols: [String] = [], text: String = "", interval: UInt32 = 0, limit: UInt32 = 0,
        from: Int64 = 0, to: Int64 = 0, next: String = "", provider: String? = nil
    ) {
        self.kind = kind
        self.symbols = symbols
        self.text = text
        self.interval = interval
        self.limit = limit
        self.from = from
        self.to = to
        self.next = next
        self.provider = provider
    }
}

/// What one provider answered about one thing.
public struct QueryAnswer: Sendable, Hashable {
    public var provider: String
    public var isSimulated: Bool
    /// Checked records, one behind the other, for quotes and bars; `stream` is of no meaning.
    public var records: [UInt8]
    /// JSON for the rest.
    public var json: String
    /// Where to go on; empty: that was all.
    public var next: String
    /// Wall time at which it came.
    public var fetchedNanoseconds: Int64

    public init(
        provider: String, isSimulated: Bool = false, records: [UInt8] = [], json: String = "", next: String = "",
        fetchedNanoseconds: Int64
    ) {
        self.provider = provider
        self.isSimulated = isSimulated
        self.records = records
        self.json = json
        self.next = next
        self.fetchedNanoseconds = fetchedNanoseconds
    }

    /// What it takes in memory, roughly.
    var bytes: Int { records.count + json.utf8.count + next.utf8.count + 256 }
}

/// An answer as it is handed out.
public struct ServedAnswer: Sendable {
    public var answer: QueryAnswer
    /// Past its time to live; a new one is being fetched.
    public var isStale: Bool

    public init(answer: QueryAnswer, isStale: Bool) {
        self.answer = answer
        self.isStale = isStale
    }
}
