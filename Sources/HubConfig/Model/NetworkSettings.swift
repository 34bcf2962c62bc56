/// How a provider's connections and requests are made: what `hub.yaml` says beside its `settings`.
public struct NetworkSettings: Sendable, Hashable {
    /// So many requests in so much time.
    public struct Rate: Sendable, Hashable {
        public var requests: Int
        public var windowNanoseconds: Int64

        public init(requests: Int, windowNanoseconds: Int64) {
            self.requests = requests
            self.windowNanoseconds = windowNanoseconds
        }

        /// `8/min`, `25/s`, `800/day`; `nil` where it is none.
        public init?(_ text: String) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, let requests = Int(parts[0]), requests > 0 else { return nil }
            let seconds: Int64
            switch parts[1] {
            case "s": seconds = 1
            case "min": seconds = 60
            case "hour": seconds = 3600
            case "day": seconds = 86_400
            default: return nil
            }
            self.init(requests: requests, windowNanoseconds: seconds * 1_000_000_000)
        }
    }

    public var connectTimeoutNanoseconds: Int64 = 10_000_000_000
    public var requestTimeoutNanoseconds: Int64 = 10_000_000_000
    public var backoffMinimumNanoseconds: Int64 = 1_000_000_000
    public var backoffMaximumNanoseconds: Int64 = 60_000_000_000
    /// So many failed requests in a row stop requests …
    public var breakerFailures = 5
    /// … for so long.
    public var breakerOpenNanoseconds: Int64 = 30_000_000_000
    /// By rate class, in place of the plugin's own.
    public var rates: [String: Rate] = [:]
    /// `nil`: what the environment says.
    public var proxy: String?
    /// `nil`: the system's.
    public var certificateFile: String?
    /// Whether tokens of a login are kept in the data folder.
    public var storesLogin = true

    /// `nil`: what comes from the vendor is not recorded.
    public var record: RecordSettings?

    public init() {}
}

/// How much of what comes from a vendor is kept as it came (`providers.*.record`).
public struct RecordSettings: Sendable, Hashable {
    /// `Int64.max` = for ever.
    public var keepNanoseconds: Int64 = 7_200_000_000_000
    /// `Int64.max` = no limit.
    public var maximumBytes: Int64 = 1 << 30

    public init() {}

    /// `true`, `false`, or a map with what differs from `true`.
    init?(_ value: CheckedValue?) {
        guard let value, value.isMap || value.bool == true else { return nil }
        keepNanoseconds = value["keep"]?.integer ?? keepNanoseconds
        maximumBytes = value["max_size"]?.integer ?? maximumBytes
    }
}

extension NetworkSettings {
    init(_ value: CheckedValue) {
        self.init()
        func nanoseconds(_ value: CheckedValue?, _ otherwise: Int64) -> Int64 { value?.integer ?? otherwise }
        connectTimeoutNanoseconds = nanoseconds(value["connect_timeout"], connectTimeoutNanoseconds)
        requestTimeoutNanoseconds = nanoseconds(value["request_timeout"], requestTimeoutNanoseconds)
        backoffMinimumNanoseconds = nanoseconds(value["backoff"]?["min"], backoffMinimumNanoseconds)
        backoffMaximumNanoseconds = nanoseconds(value["backoff"]?["max"], backoffMaximumNanoseconds)
        breakerFailures = Int(value["breaker"]?["failures"]?.integer ?? 5)
        breakerOpenNanoseconds = nanoseconds(value["breaker"]?["open"], breakerOpenNanoseconds)
        for entry in value["rates"]?.entries ?? [] {
            if let rate = entry.value.text.flatMap({ Rate($0) }) { rates[entry.key] = rate }
        }
        proxy = value["proxy"]?.text
        certificateFile = value["ca_file"]?.text
        storesLogin = value["store_login"]?.bool ?? true
        record = RecordSettings(value["record"])
    }
}
