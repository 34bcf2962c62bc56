import EventFormat
import HummingbirdCore
import NIOCore
import NIOHTTP1

/// Keeps a connection to its limits before anything else sees the request: length of the address, of the headers and of the
/// body, and the time a request may take to arrive. What breaks them is answered here and the connection closed.
///
/// Also answers what is not HTTP, and closes a connection that is between requests when the server stops: a peer that
/// connected and says nothing would otherwise keep the process alive.
///
/// Belongs to one event loop, like every channel handler. Sits right behind the HTTP decoder. A request for a stream over
/// plain HTTP goes no further: its handler is put here, once everything asked before was answered.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// Nothing of a request has arrived yet, or only pieces of its head.
        case waiting
        case readingBody(bytes: Int)
        /// The request is complete; its answer is somebody else's business.
        case complete
        /// Refused: everything else is thrown away.
        case closing
        /// The connection is a stream's, and its client has nothing more to say.
        case streaming
    }

    private let settings: ServerSettings
    private let makeRequestID: @Sendable () -> String
    private let mayUpgrade: @Sendable (HTTPRequestHead, any Channel) -> Bool
    private let makeStream: @Sendable (HTTPRequestHead, any Channel) -> HTTPStreamHandler?
    private var state = State.waiting
    private var timer: Scheduled<Void>?
    /// Requests handed on that were not answered yet.
    private var unanswered = 0
    /// What takes the connection over behind them.
    private var stream: HTTPStreamHandler?

    /// - Parameters:
    ///   - mayUpgrade: whether a request may become a WebSocket.
    ///   - makeStream: the handler of a request that becomes a stream over plain HTTP.
    init(
        settings: ServerSettings, makeRequestID: @escaping @Sendable () -> String,
        mayUpgrade: @escaping @Sendable (HTTPRequestHead, any Channel) -> Bool,
        makeStream: @escaping @Sendable (HTTPRequestHead, any Channel) -> HTTPStreamHandler?
    ) {
        self.settings = settings
        self.makeRequestID = makeRequestID
        self.mayUpgrade = mayUpgrade
        self.makeStream = makeStream
    }

    func handlerAdded(context: ChannelHandlerContext) {
        startTimer(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .closing, .streaming: return
        case .waiting, .readingBody, .complete: break
        }
        // Behind a request for a stream comes nothing.
        if stream != nil, case .complete = state { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            if head.uri.utf8.count > settings.urlBytes {
                return refuse(context, .uriTooLong, "the address is longer than \(settings.urlBytes) bytes")
            }
            let headerBytes = head.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
            if headerBytes > settings.headerBytes {
                return refuse(context, .requestTooLarge, "the headers are larger than \(settings.headerBytes) bytes")
            }
            if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > settings.bodyBytes
            {
                return refuse(context, .requestTooLarge, "the body is larger than \(settings.bodyBytes) bytes")
            }
            state = .readingBody(bytes: 0)
            stream = makeStream(head, context.channel)
            if stream != nil { return }
            unanswered += 1
            if head.headers.contains(name: "upgrade"), !isUpgrade(head, context.channel) {
                // The upgrade handler behind this one loses the head of a request that it does not upgrade after all. Without
                // the header it is a request like any other, and the route says what is wrong with it.
                var plain = head
                plain.headers.remove(name: "upgrade")
                context.fireChannelRead(wrapInboundOut(.head(plain)))
                return
            }
        case .body(let part):
            guard case .readingBody(let before) = state else { break }
            let bytes = before + part.readableBytes
            if bytes > settings.bodyBytes {
                // The answer to the request may be on its way already: closing is all that is left to say.
                state = .closing
                context.close(promise: nil)
                return
            }
            state = .readingBody(bytes: bytes)
        case .end:
            state = .complete
            timer?.cancel()
            timer = nil
        }
        if stream != nil { return beginStream(context) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let isEnd = if case .end = unwrapOutboundIn(data) { true } else { false }
        context.write(data, promise: promise)
        guard isEnd else { return }
        unanswered -= 1
        beginStream(context)
    }

    /// Gives the connection to the stream that was asked for, once nothing else is to be sent before.
    private func beginStream(_ context: ChannelHandlerContext) {
        guard let stream, case .complete = state, unanswered <= 0 else { return }
        state = .streaming
        self.stream = nil
        let pipeline = context.pipeline.syncOperations
        // It would close a connection on which no request comes any more.
        if let idle = try? pipeline.context(handlerType: HTTPConnectionStateHandler.self) {
            pipeline.removeHandler(context: idle, promise: nil)
        }
        do {
            try pipeline.addHandler(stream, position: .after(self))
        } catch {
            context.close(promise: nil)
        }
    }

    private func isUpgrade(_ head: HTTPRequestHead, _ channel: any Channel) -> Bool {
        head.headers[canonicalForm: "upgrade"].contains { $0.lowercased() == "websocket" }
            && head.headers["sec-websocket-key"].count == 1 && head.headers["sec-websocket-version"] == ["13"]
            && mayUpgrade(head, channel)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            context.fireErrorCaught(error)
            return
        }
        switch state {
        case .closing, .streaming: return
        case .waiting, .readingBody, .complete: break
        }
        if error == .headerOverflow {
            refuse(context, .requestTooLarge, "the headers are larger than \(settings.headerBytes) bytes")
        } else {
            refuse(context, .badParameter, "this is not HTTP/1.1: \(error)")
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, case .waiting = state {
            context.close(promise: nil)
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Called by the line guard, which sits in front of the decoder.
    func refuseLongAddress(_ context: ChannelHandlerContext) {
        refuse(context, .uriTooLong, "the address is longer than \(settings.urlBytes) bytes")
    }

    private func startTimer(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: .nanoseconds(settings.requestNanoseconds)) {
            let (handler, context) = bound.value
            handler.timer = nil
            switch handler.state {
            case .waiting, .readingBody:
                var problem = Problem(.overloaded, "no complete request arrived within the time limit")
                problem.otherStatus = 408
                handler.refuse(context, problem)
            case .complete, .closing, .streaming: break
            }
        }
    }

    private func refuse(_ context: ChannelHandlerContext, _ code: ProblemCode, _ detail: String) {
        refuse(context, Problem(code, detail))
    }

    private func refuse(_ context: ChannelHandlerContext, _ problem: Problem) {
        let answersAnother = if case .complete = state { true } else { false }
        state = .closing
        timer?.cancel()
        timer = nil
        guard context.channel.isActive, !answersAnother else {
            context.close(promise: nil)
            return
        }
        let requestID = makeRequestID()
        var text = TextBuffer(capacity: 512)
        problem.write(to: &text, instance: "", requestID: requestID)
        let body = ByteBuffer(bytes: text.bytes)
        let headers: HTTPHeaders = [
            "Content-Type": "application/problem+json", "Content-Length": "\(body.readableBytes)",
            "Connection": "close", "X-Request-Id": requestID,
        ]
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: problem.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            // Half-closed first, so that the answer is not lost to a reset while the peer is still sending.
            bound.value.close(mode: .output, promise: nil)
            bound.value.eventLoop.scheduleTask(in: .milliseconds(500)) { bound.value.close(promise: nil) }
        }
    }
}

/// Sees a request line that does not end before the decoder has gathered all of it.
final class RequestLineGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let requestGuard: RequestGuard
    private let limit: Int
    private var bytes = 0
    private var isDone = false

    init(requestGuard: RequestGuard, limit: Int) {
        self.requestGuard = requestGuard
        // Method, blanks and version stand on the line too.
        self.limit = limit + 64
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Only the first request of a connection: later ones meet the decoder's own limit, which is not much larger.
        if !isDone {
            let buffer = unwrapInboundIn(data)
            if let end = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
                bytes += end - buffer.readerIndex
                isDone = true
            } else {
                bytes += buffer.readableBytes
            }
            if bytes > limit {
                isDone = true
                if let guardContext = try? context.pipeline.syncOperations.context(handler: requestGuard) {
                    requestGuard.refuseLongAddress(guardContext)
                }
                return
            }
        }
        context.fireChannelRead(data)
    }
}
