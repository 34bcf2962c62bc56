import EventFormat
import NIOCore
import NIOHTTP1
import Synchronization

/// Decides before the upgrade whether a request becomes a stream, so that what is wrong with it is answered over HTTP.
struct StreamGate: Sendable {
    static let path = "/v1/stream"

    let access: AccessPolicy
    let maximumConnections: Int
    let metrics: ServerMetrics
    let clock: @Sendable () -> Int64

    /// What the address of a stream says.
    struct Start {
        /// The short form's subscription; `nil` where the client subscribes later.
        var request: SubscribeRequest?
        var style: TimeStyle
        var encoding: StreamEncoding
    }

    /// Reads a request for a stream.
    ///
    /// - Throws: the answer to give instead of an upgrade.
    func start(target: String) throws(Problem) -> Start {
        var reader = ParameterReader(QueryText(target: target), now: clock())
        let request = SubscribeRequest.read(&reader)
        let style = reader.timeStyle()
        let encoding = reader.choice("encoding", StreamEncoding.allCases.map(\.rawValue))
        try reader.finish()
        try checkRoom()
        return Start(
            request: request, style: style, encoding: encoding.flatMap(StreamEncoding.init(rawValue:)) ?? .json)
    }

    /// - Throws: where as many streams are open as may be.
    func checkRoom() throws(Problem) {
        if metrics.streams.load(ordering: .relaxed) >= maximumConnections {
            var problem = Problem(.overloaded, "\(maximumConnections) streams are open, and no more are allowed")
            problem.retryAfterMilliseconds = 1000
            throw problem
        }
    }

    /// Whether the request is one for a stream and nothing is wrong with it; what is wrong is found again and told by the
    /// route.
    func mayUpgrade(_ head: HTTPRequestHead, over channel: any Channel) -> Bool {
        guard head.method == .GET, Self.isStream(head.uri) else { return false }
        do {
            try access.check(
                origin: head.headers.first(name: "origin"), host: head.headers.first(name: "host"),
                overSocketFile: channel.localAddress?.protocol == .unix)
            _ = try start(target: head.uri)
            return true
        } catch {
            return false
        }
    }

    private static func isStream(_ target: String) -> Bool {
        target.utf8.prefix { $0 != UInt8(ascii: "?") }.elementsEqual(path.utf8)
    }

    /// The answer to a request for a stream that was not upgraded.
    func answer(_ call: Call) throws(Problem) -> Never {
        _ = try start(target: call.request.uri.string)
        var problem = Problem(
            .badParameter,
            "this is a WebSocket: connect with ws:// (websocat, a browser's WebSocket), as the first request; "
                + "over plain HTTP there are /v1/stream/sse and /v1/stream/ndjson")
        problem.otherStatus = 426
        problem.headers = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
        throw problem
    }
}
