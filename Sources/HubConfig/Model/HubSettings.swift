/// The section `hub`. Durations in nanoseconds (`Int64.max` = forever), sizes in bytes (`Int64.max` = none).
public struct HubSettings: Sendable {
    public enum Clock: String, Sendable { case real, virtual }
    public enum Durability: String, Sendable { case process, fsync }
    public enum LogLevel: String, Sendable { case trace, debug, info, warning, error }
    public enum LogFormat: String, Sendable { case auto, text, json }

    public struct Retention: Sendable {
        public var journalNanoseconds: Int64
        public var journalBytes: Int64
        /// Trades, ticks, quotes, greeks.
        public var ticksNanoseconds: Int64
        public var booksNanoseconds: Int64
        /// Bars, values, signals, status, controls, gaps.
        public var barsNanoseconds: Int64
        /// Of the data folder: beyond it books, then ticks go early.
        public var mostBytes: Int64
        public var minimumFreeBytes: Int64
    }

    public struct Limits: Sendable {
        public var connections: Int
        public var symbols: Int
        public var operationsPerSecond: Int
        public var messageBytes: Int
        public var urlBytes: Int
        public var headerBytes: Int
        public var bodyBytes: Int
        public var requestNanoseconds: Int64
    }

    public struct Log: Sendable {
        public var level: LogLevel
        /// By component: `providers.upstox`, `server`; in the order of the file.
        public var levels: [(component: String, level: LogLevel)]
        public var format: LogFormat
        /// Requests that take longer are told.
        public var slowRequestNanoseconds: Int64 = 500_000_000
    }

    public var listen: [ListenAddress]
    /// Absolute.
    public var data: String
    public var clock: Clock
    public var durability: Durability
    public var allowsSimulated: Bool
    public var heartbeatNanoseconds: Int64
    public var shutdownNanoseconds: Int64
    public var retention: Retention
    /// Why there is no authentication on addresses that others can reach; empty where not needed.
    public var authenticationBecause: String
    public var corsOrigins: [String]
    public var limits: Limits
    public var log: Log
    public var metricsPerInstrument: Bool
    /// Whether there is a page for people at `/`.
    public var servesPage: Bool
    /// Answers that were asked for on demand.
    public var cache = CacheSettings()
    public var query = QuerySettings()
}

/// The section `plugins`: where plugins come from.
public struct PluginsSettings: Sendable {
    /// Folders searched after the bundled ones; absolute.
    public var path: [String]
    /// File name → SHA-256, 64 lower-case hexadecimal digits; in the order of the file.
    public var pins: [(file: String, sha256: String)]
    public var scanTimeoutNanoseconds: Int64

    public init(
        path: [String], pins: [(file: String, sha256: String)] = [], scanTimeoutNanoseconds: Int64 = 5_000_000_000
    ) {
        self.path = path
        self.pins = pins
        self.scanTimeoutNanoseconds = scanTimeoutNanoseconds
    }
}

/// Where the hub listens.
public enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host name or address without brackets. Port 0 takes a free one.
    case host(String, port: Int)
    /// A Unix domain socket, absolute.
    case unix(path: String)

    /// As it would be written.
    public var description: String {
        switch self {
        case .host(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Whether only programs of this machine can reach it: 127.0.0.0/8, ::1, localhost, and sockets.
    public var isLoopback: Bool {
        switch self {
        case .unix: return true
        case .host(let host, _):
            if host == "localhost" || host == "::1" { return true }
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
        }
    }
}
