import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOWebSocket
import Synchronization

/// A connection of the server: HTTP for the router, or a WebSocket whose handler does the rest.
///
/// The streaming path never goes through the router: once upgraded, only the frame decoder, the frame encoder and the
/// stream's own handler are left in the pipeline. A stream over plain HTTP is taken out before the router too.
struct HubChannel: HTTPChannelHandler {
    /// What became of a connection after its first request.
    enum Outcome: Sendable {
        case stream
        case http(NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>)
    }

    struct Value: ServerChildChannelValue {
        let outcome: EventLoopFuture<Outcome>
        let channel: any Channel
    }

    let responder: HTTPChannelHandler.Responder
    let settings: ServerSettings
    let registry: ConnectionRegistry
    let makeRequestID: @Sendable () -> String
    /// Whether a request may become a stream.
    let mayUpgrade: @Sendable (HTTPRequestHead, any Channel) -> Bool
    /// What the answer to an upgrade says beside the rest: the extension that was agreed on.
    let upgradeFields: @Sendable (HTTPRequestHead) -> HTTPHeaders
    /// The handler of a request that becomes a stream over plain HTTP.
    let makeStream: @Sendable (HTTPRequestHead, any Channel) -> HTTPStreamHandler?
    /// Puts the stream's handler behind the frame decoder.
    let installStream: @Sendable (any Channel, HTTPRequestHead) throws -> Void

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            registry.add(channel)
            if channel.remoteAddress?.ipAddress != nil {
                try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
            }
            let requestGuard = RequestGuard(
                settings: settings, makeRequestID: makeRequestID, mayUpgrade: mayUpgrade, makeStream: makeStream)
            let lineGuard = RequestLineGuard(requestGuard: requestGuard, limit: settings.urlBytes)
            let encoder = HTTPResponseEncoder()
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = max(settings.urlBytes, settings.headerBytes) + 1024
            limits.maxHeaderListSize = settings.urlBytes + settings.headerBytes + 1024
            let decoder = ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits))
            let upgrader = NIOTypedHTTPServerUpgradeHandler<Outcome>(
                httpEncoder: encoder, extraHTTPHandlers: [lineGuard, decoder, requestGuard],
                upgradeConfiguration: upgradeConfiguration(logger))
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(encoder)
            try pipeline.addHandler(lineGuard)
            try pipeline.addHandler(decoder)
            try pipeline.addHandler(requestGuard)
            try pipeline.addHandler(upgrader)
            return Value(outcome: upgrader.upgradeResultFuture, channel: channel)
        }
    }

    private func upgradeConfiguration(_ logger: Logger) -> NIOTypedHTTPServerUpgradeConfiguration<Outcome> {
        let installStream = installStream
        let upgradeFields = upgradeFields
        let idleNanoseconds = settings.requestNanoseconds
        // The decoder's own error handling would close without a `bye`.
        let webSocket = NIOTypedWebSocketServerUpgrader<Outcome>(
            maxFrameSize: settings.messageBytes, enableAutomaticErrorHandling: false,
            // The request guard has let through only what may be upgraded.
            shouldUpgrade: { channel, head in channel.eventLoop.makeSucceededFuture(upgradeFields(head)) },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    try installStream(channel, head)
                    return .stream
                }
            })
        return NIOTypedHTTPServerUpgradeConfiguration(
            upgraders: [webSocket],
            notUpgradingCompletionHandler: { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
                    try pipeline.addHandler(
                        HTTPConnectionStateHandler(idleTimeout: .nanoseconds(idleNanoseconds), logger: logger))
                    return .http(
                        try NIOAsyncChannel(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(isOutboundHalfClosureEnabled: true)))
                }
            })
    }

    func handle(value: Value, logger: Logger) async {
        do {
            switch try await value.outcome.get() {
            case .http(let channel): await handleHTTP(asyncChannel: channel, logger: logger)
            case .stream: try await value.channel.closeFuture.get()
            }
        } catch {
            logger.trace("a connection ended before its first request was understood: \(error)")
            try? await value.channel.close()
        }
    }
}
