import EventFormat
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTP1

/// A stream over plain HTTP whose request is in order: everything that was found out before its answer began.
struct HTTPStreamStart: Sendable {
    var session: StreamSession
    var hello: [StreamObject]
    /// What the session said to the subscription.
    var answer: StreamSession.Answer
    var style: TimeStyle
    var framing: Framing
}

/// Decides about requests for `/v1/stream/sse` and `/v1/stream/ndjson` before their answer begins: the client can say
/// nothing more afterwards, so a subscription that cannot be is a problem object and no stream.
struct HTTPStreamGate: Sendable {
    static let eventsPath = "/v1/stream/sse"
    static let linesPath = "/v1/stream/ndjson"

    let gate: StreamGate
    let services: StreamServices
    /// The settings of the next connection, with a name of its own.
    let makeSettings: @Sendable () -> StreamSettings

    /// The framing of a path; `nil` for every other one.
    static func framing(ofPath path: some StringProtocol, isChunked: Bool) -> Framing? {
        switch String(path) {
        case eventsPath: .serverSentEvents(isChunked: isChunked)
        case linesPath: .lines(isChunked: isChunked)
        default: nil
        }
    }

    static func contentType(_ framing: Framing) -> String {
        if case .serverSentEvents = framing { "text/event-stream" } else { "application/x-ndjson" }
    }

    /// Reads a request and answers its subscription.
    ///
    /// - Parameter lastEventID: header `Last-Event-ID`: a browser sends it when it comes back.
    /// - Throws: the answer to give in place of a stream.
    func start(target: String, framing: Framing, lastEventID: String?) throws(Problem) -> HTTPStreamStart {
        var reader = ParameterReader(QueryText(target: target), now: gate.clock())
        var lastEventID = lastEventID
        if case .serverSentEvents = framing {
            // The header is of this connection, the parameter perhaps of one long ago.
            let parameter = reader.text("Last-Event-ID") ?? reader.text("last_event_id")
            lastEventID = lastEventID ?? parameter
        } else {
            lastEventID = nil
        }
        let request = SubscribeRequest.read(&reader, lastEventID: lastEventID)
        let style = reader.timeStyle()
        try reader.finish()
        guard let request else {
            let message = "is missing: name symbols or globs, such as symbols=SIM:*"
            throw Problem(.badParameter, "symbols: \(message)", faults: [.init("symbols", message)])
        }
        try gate.checkRoom()
        var session = StreamSession(settings: makeSettings())
        let facts = services.facts()
        let hello = session.open(facts)
        let answer = session.subscribe(request, facts: facts, catalogue: services.catalogue())
        for case .error(let error) in answer.objects { throw problem(error, facts) }
        return HTTPStreamStart(session: session, hello: hello, answer: answer, style: style, framing: framing)
    }

    private func problem(_ error: StreamError, _ facts: StreamFacts) -> Problem {
        var problem = Problem(
            error.code, error.message,
            faults: error.faults.map {
                Problem.Fault(String($0.pointer.split(separator: "/").first ?? ""), $0.message)
            },
            candidates: error.candidates)
        problem.retryAfterMilliseconds = error.retryAfterMilliseconds
        if error.code == .cursorAhead || error.code == .epochUnknown {
            problem.earliest = facts.earliest
            problem.head = facts.head
        }
        return problem
    }

    /// The handler of a request that is one for a stream and with which nothing is wrong; what is wrong is found again and
    /// told by the route.
    func handler(
        for head: HTTPRequestHead, over channel: any Channel, fanOut: FanOut, requestID: () -> String,
        date: () -> String
    ) -> HTTPStreamHandler? {
        guard head.method == .GET else { return nil }
        let isChunked = head.version.major > 1 || head.version.minor >= 1
        let path = head.uri.prefix { $0 != "?" }
        guard let framing = Self.framing(ofPath: path, isChunked: isChunked) else { return nil }
        let origin = head.headers.first(name: "origin")
        let host = head.headers.first(name: "host")
        do {
            try gate.access.check(
                origin: origin, host: host, overSocketFile: channel.localAddress?.protocol == .unix)
            let start = try start(
                target: head.uri, framing: framing, lastEventID: head.headers.first(name: "last-event-id"))
            var fields = [
                ("Content-Type", Self.contentType(framing)), ("Cache-Control", "no-cache, no-transform"),
                // Proxies of one kind gather answers otherwise.
                ("X-Accel-Buffering", "no"), ("X-Request-Id", requestID()), ("Date", date()), ("Connection", "close"),
            ]
            if isChunked { fields.append(("Transfer-Encoding", "chunked")) }
            if let origin {
                fields.append(("Vary", "Origin"))
                fields.append(("Access-Control-Allow-Origin", origin))
                fields.append(("Access-Control-Expose-Headers", "X-Request-Id"))
            }
            let text = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
            return HTTPStreamHandler(
                fanOut: fanOut, services: services, start: start, head: "HTTP/1.1 200 OK\r\n\(text)\r\n")
        } catch {
            return nil
        }
    }

    /// The answer to a request that did not become a stream: what is wrong with it, or the header fields that were asked
    /// for.
    func answer(_ call: Call) throws(Problem) -> Response {
        guard let framing = Self.framing(ofPath: call.path, isChunked: true) else {
            throw Problem(.unknownRoute, "there is no route \(call.path)")
        }
        _ = try start(
            target: call.request.uri.string, framing: framing, lastEventID: call.request.headers[.lastEventID])
        return Response(
            status: .ok, headers: [.contentType: Self.contentType(framing), .cacheControl: "no-cache, no-transform"])
    }
}

extension HTTPField.Name {
    fileprivate static let lastEventID = HTTPField.Name("Last-Event-ID")!
}
