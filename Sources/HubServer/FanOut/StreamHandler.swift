import EventFormat
import NIOCore
import NIOWebSocket

/// The WebSocket side of a stream: puts fragments together, answers pings and closes, and refuses what RFC 6455 forbids.
final class StreamHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private let fanOut: FanOut
    private let services: StreamServices
    private let settings: StreamSettings
    private let style: TimeStyle
    private let framing: Framing
    private let request: SubscribeRequest?
    private var connection: StreamConnection?

    /// A message of which not all fragments have come.
    private struct Partial {
        var isText: Bool
        var isDeflated: Bool
        var bytes: [UInt8] = []
    }
    private var partial: Partial?

    /// - Parameters:
    ///   - framing: what the request and the upgrade came to.
    ///   - request: the short form's subscription.
    init(
        fanOut: FanOut, services: StreamServices, settings: StreamSettings, style: TimeStyle, framing: Framing,
        request: SubscribeRequest?
    ) {
        self.fanOut = fanOut
        self.services = services
        self.settings = settings
        self.style = style
        self.framing = framing
        self.request = request
    }

    private var mayDeflate: Bool {
        if case .webSocket(_, let bits) = framing { bits > 0 } else { false }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard let outlet = try? context.pipeline.syncOperations.context(handlerType: WebSocketFrameEncoder.self) else {
            context.close(promise: nil)
            return
        }
        // Not writable as long as anything is pending: that is how a free socket is told from one that is not.
        try? context.channel.syncOptions?.setOption(
            .writeBufferWaterMark, value: ChannelOptions.Types.WriteBufferWaterMark(low: 1, high: 1))
        let connection = StreamConnection(
            fanOut: fanOut, services: services, context: context, outlet: outlet,
            session: StreamSession(settings: settings), style: style, framing: framing)
        self.connection = connection
        fanOut.add(connection)
        connection.open(request)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection?.vanished()
        connection = nil
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connection?.vanished()
        connection = nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { connection?.becameWritable() }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let connection, !connection.isEnded else {
            // After `bye` only the peer's own close is of interest.
            if unwrapInboundIn(data).opcode == .connectionClose { context.close(promise: nil) }
            return
        }
        let frame = unwrapInboundIn(data)
        // RSV1 marks the first frame of a compressed message, and nothing else.
        let mayBeDeflated = mayDeflate && (frame.opcode == .text || frame.opcode == .binary)
        guard frame.maskKey != nil, !frame.rsv1 || mayBeDeflated, !frame.rsv2, !frame.rsv3 else {
            return refuse("frames of a client are masked and have no reserved bits but those agreed on")
        }
        switch frame.opcode {
        case .text, .binary:
            guard partial == nil else { return refuse("a new message began before the last one ended") }
            take(frame, Partial(isText: frame.opcode == .text, isDeflated: frame.rsv1))
        case .continuation:
            guard let partial else { return refuse("a continuation of nothing") }
            self.partial = nil
            take(frame, partial)
        case .ping:
            var payload = frame.unmaskedData
            let bytes = payload.readBytes(length: payload.readableBytes) ?? []
            // A peer that pings without reading gets no queue of pongs.
            if connection.isWritable {
                bytes.withUnsafeBytes { connection.write(WebSocketText.frame($0, opcode: 0xA)) }
            }
        case .pong: break
        case .connectionClose: connection.close(1000)
        default: refuse("an opcode that does not exist")
        }
    }

    private func take(_ frame: WebSocketFrame, _ before: Partial) {
        guard let connection else { return }
        let data = frame.unmaskedData
        guard before.bytes.count + data.readableBytes <= settings.limits.messageBytes else {
            return connection.receiveTooLarge()
        }
        var message = before
        message.bytes += data.readableBytesView
        guard frame.fin else {
            partial = message
            return
        }
        if message.isDeflated {
            do throws(Inflater.Failure) {
                message.bytes = try fanOut.inflate(message.bytes, limit: settings.limits.messageBytes)
            } catch {
                switch error {
                case .tooLarge: return connection.receiveTooLarge()
                case .notDeflate:
                    return connection.end(
                        .badMessage, closeCode: 1007, message: "a message that says it is compressed is not")
                }
            }
        }
        if message.isText { connection.receive(message.bytes) } else { connection.receiveBinary() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error as? NIOWebSocketError {
        case .invalidFrameLength?: connection?.receiveTooLarge()
        case .some(let error): refuse("not a WebSocket frame: \(error)")
        case nil: context.close(promise: nil)
        }
    }

    private func refuse(_ reason: String) {
        connection?.end(.badMessage, closeCode: 1002, message: reason)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            connection?.end(.shutdown, closeCode: 1001, message: "the hub is stopping", retryAfterMilliseconds: 1000)
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }
}
