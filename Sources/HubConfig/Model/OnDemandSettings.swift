/// `hub.cache`: how long answers that were asked for on demand are kept. Durations in nanoseconds (`Int64.max` = forever).
public struct CacheSettings: Sendable, Hashable {
    public var maximumEntries = 10_000
    /// `Int64.max` = none.
    public var maximumBytes: Int64 = 64 << 20
    /// Time to live by kind of answer: `quotes`, `bars`, `profiles`, `news`, `sentiment`, `search`, `calendar`; `default`
    /// for the rest.
    public var timeToLiveNanoseconds: [String: Int64] = [:]
    /// So long past its time an answer is still served while a new one is fetched.
    public var staleNanoseconds: Int64 = 600_000_000_000
    /// Of "there is no such thing" and "nobody offers it".
    public var negativeNanoseconds: Int64 = 30_000_000_000

    public init() {}

    /// The time to live of a kind of answer.
    public func timeToLive(of kind: String) -> Int64 {
        timeToLiveNanoseconds[kind] ?? timeToLiveNanoseconds["default"] ?? Self.defaults[kind] ?? Self.hour
    }

    private static let hour: Int64 = 3_600_000_000_000
    private static let defaults: [String: Int64] = [
        "quotes": 60_000_000_000, "bars": 300_000_000_000, "profiles": 24 * hour, "news": 300_000_000_000,
        "sentiment": 900_000_000_000, "search": hour, "calendar": 12 * hour, "default": hour,
    ]
}

/// `hub.query`: how providers are asked on demand.
public struct QuerySettings: Sendable, Hashable {
    /// For each provider and try.
    public var timeoutNanoseconds: Int64 = 8_000_000_000
    /// Tries after the first.
    public var retries = 1
    /// Concurrent calls for one request.
    public var parallel = 20

    public init() {}
}
