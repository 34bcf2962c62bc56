import NIOCore
import NIOHTTP1

/// The HTTP side of a stream: one answer without an end, of server-sent events or of lines.
///
/// It takes the connection over from the router, like the handler of a WebSocket: whatever stands behind it in the pipeline
/// hears of nothing more but the end, and its bytes pass by the encoder of responses.
final class HTTPStreamHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart

    /// How long a browser waits before it comes back, milliseconds.
    private static let retry: StaticString = "retry: 1000\n\n"

    private let fanOut: FanOut
    private let services: StreamServices
    private let start: HTTPStreamStart
    private let head: String
    private var connection: StreamConnection?

    /// - Parameter head: status line and header fields, the empty line included.
    init(fanOut: FanOut, services: StreamServices, start: HTTPStreamStart, head: String) {
        self.fanOut = fanOut
        self.services = services
        self.start = start
        self.head = head
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard let outlet = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self) else {
            context.close(promise: nil)
            return
        }
        // Not writable as long as anything is pending: that is how a free socket is told from one that is not.
        try? context.channel.syncOptions?.setOption(
            .writeBufferWaterMark, value: ChannelOptions.Types.WriteBufferWaterMark(low: 1, high: 1))
        let connection = StreamConnection(
            fanOut: fanOut, services: services, context: context, outlet: outlet, session: start.session,
            style: start.style, framing: start.framing)
        self.connection = connection
        fanOut.add(connection)
        var opening = ByteBuffer(string: head)
        if case .serverSentEvents = start.framing {
            _ = Self.retry.withUTF8Buffer {
                opening.writeImmutableBuffer(
                    fanOut.sealer.seal(UnsafeRawBufferPointer($0), start.framing, isText: true))
            }
        }
        connection.write(opening)
        connection.open(start.hello, start.answer)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
    }

    private func leave() {
        connection?.vanished()
        connection = nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { connection?.becameWritable() }
    }

    /// The client has said everything.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            connection?.end(.shutdown, closeCode: 1001, message: "the hub is stopping", retryAfterMilliseconds: 1000)
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: break
        }
    }
}
