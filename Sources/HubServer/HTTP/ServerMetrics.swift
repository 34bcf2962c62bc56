import Synchronization

/// What the server counts about itself, for `/metrics` and `/v1/status`.
final class ServerMetrics: Sendable {
    /// Upper bounds of the histogram of request durations, in seconds.
    static let bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

    struct RouteCounts: Sendable {
        /// By hundreds of the status: 2xx at index 2.
        var byClass = [UInt64](repeating: 0, count: 6)
        var buckets = [UInt64](repeating: 0, count: ServerMetrics.bounds.count + 1)
        var sumSeconds = 0.0

        mutating func add(hundred: Int, bucket: Int, seconds: Double) {
            byClass[hundred] += 1
            buckets[bucket] += 1
            sumSeconds += seconds
        }
    }

    private let routes = Mutex<[String: RouteCounts]>([:])
    /// Streams that are open.
    let streams = Atomic<Int>(0)
    /// Server-sent events among them.
    let eventStreams = Atomic<Int>(0)
    /// Streams of lines among them.
    let lineStreams = Atomic<Int>(0)
    /// Streams that are behind and have been told so.
    let slowStreams = Atomic<Int>(0)
    /// Event objects written to streams.
    let eventsSent = Atomic<UInt64>(0)
    /// Of the last second, in tenths.
    let eventTenthsPerSecond = Atomic<UInt64>(0)
    /// Bytes written to streams.
    let bytesSent = Atomic<UInt64>(0)
    /// Streams accepted since the start.
    let streamsOpened = Atomic<UInt64>(0)

    /// A stream was opened (1) or closed (-1).
    func count(_ framing: Framing, _ change: Int) {
        streams.add(change, ordering: .relaxed)
        switch framing {
        case .webSocket: break
        case .serverSentEvents: eventStreams.add(change, ordering: .relaxed)
        case .lines: lineStreams.add(change, ordering: .relaxed)
        }
    }

    /// Open streams by their kind, in the order of `/v1/status`.
    var streamsByKind: [(kind: StaticString, count: Int)] {
        let events = eventStreams.load(ordering: .relaxed)
        let lines = lineStreams.load(ordering: .relaxed)
        let webSockets = max(0, streams.load(ordering: .relaxed) - events - lines)
        return [("websocket", webSockets), ("sse", events), ("ndjson", lines)]
    }

    func count(route: String, status: Int, seconds: Double) {
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        routes.withLock { routes in
            routes[route, default: RouteCounts()].add(hundred: min(status / 100, 5), bucket: bucket, seconds: seconds)
        }
    }

    /// Counts by route, in alphabetical order.
    func snapshot() -> [(route: String, counts: RouteCounts)] {
        routes.withLock { $0.map { ($0.key, $0.value) } }.sorted { $0.0 < $1.0 }
    }
}
