import HubConfig

/// What the server takes from `hub.*` of the configuration. Durations in nanoseconds, sizes in bytes.
struct ServerSettings: Sendable {
    var listen: [ListenAddress]
    /// How others reach the hub, without a slash at its end.
    var publicURL: String
    /// The origin of that, where the operator says it: pages of the hub itself, seen through a proxy.
    var publicOrigins: [String]
    var corsOrigins: [String]
    var heartbeatNanoseconds: Int64
    var shutdownNanoseconds: Int64
    var connections: Int
    var symbols: Int
    var operationsPerSecond: Int
    var messageBytes: Int
    var urlBytes: Int
    var headerBytes: Int
    var bodyBytes: Int
    var requestNanoseconds: Int64
    /// Requests that take longer are told in the log.
    var slowRequestNanoseconds: Int64
    /// `process` or `fsync`, as `hello` says it.
    var durability: String
    var metricsPerInstrument: Bool
    var servesPage: Bool

    init(_ hub: HubSettings) {
        listen = hub.listen
        publicOrigins = hub.publicURL.flatMap { Self.origin(of: $0) }.map { [$0] } ?? []
        publicURL = hub.publicURL ?? "http://\(hub.listen.first?.description ?? "localhost")"
        corsOrigins = hub.corsOrigins
        heartbeatNanoseconds = min(max(hub.heartbeatNanoseconds, 100_000_000), 3_600_000_000_000)
        shutdownNanoseconds = min(max(hub.shutdownNanoseconds, 100_000_000), 600_000_000_000)
        connections = hub.limits.connections
        symbols = hub.limits.symbols
        operationsPerSecond = hub.limits.operationsPerSecond
        messageBytes = hub.limits.messageBytes
        urlBytes = hub.limits.urlBytes
        headerBytes = hub.limits.headerBytes
        bodyBytes = hub.limits.bodyBytes
        requestNanoseconds = min(max(hub.limits.requestNanoseconds, 100_000_000), 3_600_000_000_000)
        slowRequestNanoseconds = hub.log.slowRequestNanoseconds
        durability = hub.durability.rawValue
        metricsPerInstrument = hub.metricsPerInstrument
        servesPage = hub.servesPage
    }

    /// Scheme, host and port of a URL.
    private static func origin(of url: String) -> String? {
        guard let mark = url.firstRange(of: "://") else { return nil }
        let name = url[mark.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return String(url[..<mark.upperBound]) + String(name)
    }
}
