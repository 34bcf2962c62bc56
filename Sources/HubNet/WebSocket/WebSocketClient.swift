import Crypto
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// One WebSocket on the event loop: connects, agrees, and then hands messages over.
///
/// Everything but `start` happens on the event loop, which is why it may be handed to it from other threads.
final class WebSocketClient: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        case connecting
        /// `CONNECT` is on its way.
        case proxy
        case tls
        /// The upgrade is on its way.
        case upgrade
        case refusing(ResponseHead, RefusalBody)
        case open
        /// This side sent its close frame and waits for the other's.
        case closing(WebSocketEnd)
        /// The receiver knows of the end; what still comes is thrown away.
        case ended
    }

    let loop: any EventLoop
    let upgrade: Upgrade
    let proxy: Proxy?
    let tls: NIOSSLContext?
    let receiver: any WebSocketReceiver
    let connection: WebSocketConnection
    let counters: ProviderCounters?
    let onEnd: @Sendable (WebSocketClient) -> Void

    var phase = Phase.connecting
    var context: ChannelHandlerContext?
    /// Of an answer whose head is not complete.
    private var head: [UInt8] = []
    /// Received and not yet taken apart.
    var pending = ByteBuffer()
    var decoder: MessageDecoder?
    var deflater: MessageDeflater?
    var isPaused = false
    var isProcessing = false
    /// The connection is gone, but the receiver paused before it had everything.
    var inputEnd: WebSocketEnd?
    /// What went wrong below, for the words of the end.
    private var lostBecause: String?
    var lastReceived = NIODeadline.now()
    var pings = PingCount()
    var timers: [Timer: Scheduled<Void>] = [:]

    /// What is waited for.
    enum Timer {
        case handshake, idle, ping, pong, close
    }

    struct PingCount {
        var sent: UInt64 = 0
        var answered: UInt64 = 0
    }

    init(
        loop: any EventLoop, upgrade: Upgrade, proxy: Proxy?, tls: NIOSSLContext?, receiver: any WebSocketReceiver,
        connection: WebSocketConnection, counters: ProviderCounters?,
        onEnd: @escaping @Sendable (WebSocketClient) -> Void
    ) {
        self.loop = loop
        self.upgrade = upgrade
        self.proxy = proxy
        self.tls = tls
        self.receiver = receiver
        self.connection = connection
        self.counters = counters
        self.onEnd = onEnd
    }

    var request: WebSocketRequest { upgrade.request }

    /// Any thread.
    func start() { loop.execute { self.connect() } }

    private func connect() {
        guard case .connecting = phase else { return }
        let timeout = TimeAmount.milliseconds(Int64(max(request.connectTimeoutMilliseconds, 1)))
        wait(.handshake, timeout) { $0.handshakeTimedOut() }
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(timeout + .seconds(1))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(self) }
            }
        bootstrap.connect(host: proxy?.host ?? upgrade.address.host, port: proxy?.port ?? upgrade.address.port)
            .whenFailure { self.fail(self.connectFailure($0)) }
    }

    func wait(_ timer: Timer, _ time: TimeAmount, _ body: @escaping @Sendable (WebSocketClient) -> Void) {
        timers[timer]?.cancel()
        timers[timer] = loop.scheduleTask(in: time) { [weak self] in
            guard let self else { return }
            body(self)
        }
    }

    // MARK: - channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        guard case .connecting = phase else {
            context.close(promise: nil)
            return
        }
        if let proxy {
            phase = .proxy
            write(upgrade.connectHead(proxy))
        } else {
            beginTransport()
        }
        context.read()
    }

    private func beginTransport() {
        guard let tls, let context else {
            beginUpgrade()
            return
        }
        phase = .tls
        do {
            // An address has no name to be indicated; its certificate is then checked against the address.
            let isAddress = (try? SocketAddress(ipAddress: upgrade.address.host, port: 0)) != nil
            let handler = try NIOSSLClientHandler(
                context: tls, serverHostname: isAddress ? nil : upgrade.address.host)
            try context.pipeline.syncOperations.addHandler(handler, position: .first)
        } catch {
            fail(NetworkFailure(.tls, TLSWords.describe(error, host: upgrade.address.host)))
        }
    }

    private func beginUpgrade() {
        phase = .upgrade
        write(upgrade.head)
    }

    private func write(_ text: String) {
        guard let context else { return }
        count(out: text.utf8.count)
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: text)), promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .tls = phase, let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            beginUpgrade()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        lastReceived = .now()
        if let counters { ProviderCounters.add(buffer.readableBytes, to: counters.bytesIn) }
        switch phase {
        case .proxy, .upgrade:
            head.append(contentsOf: buffer.readableBytesView)
            readHead()
        case .refusing(let head, var body):
            body.take(Array(buffer.readableBytesView)[...])
            phase = .refusing(head, body)
            if body.isComplete { refuse(head, body) }
        case .open, .closing:
            if pending.readableBytes == 0 {
                pending = buffer
            } else {
                pending.discardReadBytes()
                pending.writeBuffer(&buffer)
            }
            process()
        case .connecting, .tls, .ended: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isPaused { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        lost()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch phase {
        case .tls: fail(NetworkFailure(.tls, TLSWords.describe(error, host: upgrade.address.host)))
        case .proxy where TLSWords.isHandshakeError(error), .upgrade where TLSWords.isHandshakeError(error):
            // With TLS 1.3 a server's refusal may come when this side thinks the handshake is done.
            fail(NetworkFailure(.tls, TLSWords.describe(error, host: upgrade.address.host)))
        default:
            if let error = error as? NIOSSLError, case .uncleanShutdown = error { break }
            lostBecause = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(type(of: error))"
        }
        context.close(promise: nil)
    }

    // MARK: - handshake

    private func readHead() {
        do throws(Violation) {
            var rest: [UInt8] = []
            var found: ResponseHead?
            // An interim answer says nothing: the real one follows.
            repeat {
                guard let (answer, size) = try ResponseHead.read(head[...]) else { return }
                rest = Array(head[size...])
                head = rest
                found = answer
            } while found.map { $0.status < 200 && $0.status != 101 } == true
            guard let answer = found else { return }
            head = []
            if case .proxy = phase {
                try proxyAnswered(answer, rest)
                return
            }
            if answer.status == 101 {
                try open(answer, rest)
            } else {
                var body = RefusalBody(answer)
                body.take(rest[...])
                phase = .refusing(answer, body)
                if body.isComplete { refuse(answer, body) }
            }
        } catch {
            fail(NetworkFailure(.protocol, "\(place): \(error.reason)"))
        }
    }

    private func proxyAnswered(_ answer: ResponseHead, _ rest: [UInt8]) throws(Violation) {
        guard (200..<300).contains(answer.status) else {
            let cure = answer.status == 407 ? ": give it a user and a password" : ""
            fail(NetworkFailure(.proxy, "\(place) answered CONNECT with \(answer.status)\(cure)"))
            return
        }
        guard rest.isEmpty else { throw .broken("bytes follow the answer to CONNECT unasked") }
        beginTransport()
    }

    private func open(_ answer: ResponseHead, _ rest: [UInt8]) throws(Violation) {
        let (subprotocol, deflate) = try upgrade.check(answer)
        var inflater: MessageInflater?
        if let deflate {
            inflater = MessageInflater(keepsContext: deflate.serverKeepsContext, limit: request.maximumMessageBytes)
            if deflate.clientWindowBits >= 9 {
                deflater = MessageDeflater(
                    keepsContext: deflate.clientKeepsContext, windowBits: deflate.clientWindowBits)
            }
        }
        decoder = MessageDecoder(limit: request.maximumMessageBytes, inflater: inflater)
        timers.removeValue(forKey: .handshake)?.cancel()
        phase = .open
        connection.setOpen(true)
        if let counters { ProviderCounters.add(1, to: counters.connects) }
        watchIdle()
        schedulePing()
        pending.writeBytes(rest)
        // What the server sent with its answer waits until the receiver knows of the opening.
        isProcessing = true
        receiver.opened(connection, headers: answer.headers, subprotocol: subprotocol)
        isProcessing = false
        process()
    }

    private func refuse(_ head: ResponseHead, _ body: RefusalBody) {
        guard beginEnd(wasOpen: false) else { return }
        if let counters { ProviderCounters.add(1, to: counters.refused) }
        receiver.refused(WebSocketRefusal(status: head.status, headers: head.headers, body: body.bytes))
        context?.close(promise: nil)
    }

    private func handshakeTimedOut() {
        let milliseconds = request.connectTimeoutMilliseconds
        switch phase {
        case .refusing(let head, let body): refuse(head, body)
        case .connecting: fail(NetworkFailure(.timeout, "\(place): no connection within \(milliseconds) ms"))
        case .proxy: fail(NetworkFailure(.timeout, "\(place) did not answer CONNECT within \(milliseconds) ms"))
        case .tls: fail(NetworkFailure(.timeout, "\(place): no TLS handshake within \(milliseconds) ms"))
        case .upgrade: fail(NetworkFailure(.timeout, "\(place): no answer to the upgrade within \(milliseconds) ms"))
        case .open, .closing, .ended: break
        }
    }

    /// Who this side is talking to, for words.
    private var place: String {
        if let proxy {
            switch phase {
            case .connecting, .proxy: return "the proxy \(proxy.host):\(proxy.port)"
            default: break
            }
        }
        return upgrade.address.authority
    }

    private func connectFailure(_ error: any Error) -> NetworkFailure {
        switch error {
        case let error as NIOConnectionError where error.connectionErrors.isEmpty:
            return NetworkFailure(proxy == nil ? .dns : .proxy, "\(place): the name has no address")
        case let error as NIOConnectionError:
            let code = error.connectionErrors.lazy.compactMap { ($0.error as? IOError)?.errnoCode }.first
            let words = code.map { String(cString: strerror($0)) } ?? "no connection"
            return NetworkFailure(proxy == nil ? .connect : .proxy, "\(place): \(words)")
        case let error as IOError:
            return NetworkFailure(
                proxy == nil ? .connect : .proxy, "\(place): \(String(cString: strerror(error.errnoCode)))")
        default: return NetworkFailure(.connect, "\(place): no connection")
        }
    }

    // MARK: - end

    /// The connection is gone.
    private func lost() {
        let words = lostBecause.map { ": \($0)" } ?? ""
        switch phase {
        case .ended: return
        case .connecting, .proxy: fail(NetworkFailure(proxy == nil ? .connect : .proxy, "\(place) hung up\(words)"))
        case .tls: fail(NetworkFailure(.tls, "\(place) hung up in the TLS handshake\(words)"))
        case .upgrade: fail(NetworkFailure(.connect, "\(place) hung up without answering the upgrade\(words)"))
        case .refusing(let head, let body): refuse(head, body)
        case .closing(let end): finish(end)
        case .open:
            let isCut = pending.readableBytes > 0 || decoder?.isWithinMessage == true
            let how = isCut && !isPaused ? " in the middle of a message" : " without a close frame"
            let end = WebSocketEnd(
                code: 1006, reason: "the server hung up\(how)\(words)", failure: .connect, wasOpen: true)
            if isPaused, pending.readableBytes > 0 { inputEnd = end } else { finish(end) }
        }
    }

    /// It never came about.
    func fail(_ failure: NetworkFailure) {
        guard beginEnd(wasOpen: false) else { return }
        if let counters { ProviderCounters.add(1, to: counters.connectFailures) }
        receiver.closed(
            WebSocketEnd(code: 1006, reason: failure.message, failure: failure.kind, wasOpen: false))
        context?.close(promise: nil)
    }

    /// It was open.
    func finish(_ end: WebSocketEnd) {
        guard beginEnd(wasOpen: true) else { return }
        if let counters { ProviderCounters.add(1, to: counters.closes) }
        receiver.closed(end)
    }

    /// - Returns: whether the receiver is to be told: it is once.
    private func beginEnd(wasOpen: Bool) -> Bool {
        if case .ended = phase { return false }
        phase = .ended
        for timer in timers.values { timer.cancel() }
        timers.removeAll()
        connection.detach()
        onEnd(self)
        return true
    }

    func count(out bytes: Int) {
        if let counters { ProviderCounters.add(bytes, to: counters.bytesOut) }
    }
}
