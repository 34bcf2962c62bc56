import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A proxy on the loopback that knows `CONNECT` and basic authorization.
final class TestProxy: Sendable {
    private let log = Log()
    let port: Int

    private final class Log: Sendable {
        let asked = Mutex<[String]>([])
    }

    /// What it was asked to connect to, with the right password.
    var asked: [String] { log.asked.withLock { $0 } }

    /// - Parameter user: `user:password` that it wants.
    init(user: String) throws {
        let authorization = "Proxy-Authorization: Basic \(Data(user.utf8).base64EncodedString())"
        let log = log
        let listener = try ServerBootstrap(group: ScriptedServer.group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Front(authorization: authorization, log: log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        port = listener.localAddress!.port!
    }

    private final class Front: ChannelInboundHandler, @unchecked Sendable {
        typealias InboundIn = ByteBuffer

        private let authorization: String
        private let log: Log
        private var head = ""
        private var back: (any Channel)?

        init(authorization: String, log: Log) {
            self.authorization = authorization
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            if let back {
                back.writeAndFlush(buffer, promise: nil)
                return
            }
            head += String(buffer: buffer)
            guard head.hasSuffix("\r\n\r\n") else { return }
            let front = context.channel
            let lines = head.split(separator: "\r\n").map(String.init)
            guard lines.contains(authorization) else {
                let answer = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"
                front.writeAndFlush(front.allocator.buffer(string: answer), promise: nil)
                return
            }
            let target = lines[0].split(separator: " ")[1]
            log.asked.withLock { $0.append(String(target)) }
            let port = Int(target.split(separator: ":")[1])!
            ClientBootstrap(group: context.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Back(front: front))
                    }
                }
                .connect(host: "127.0.0.1", port: port)
                .whenSuccess { channel in
                    self.back = channel
                    front.writeAndFlush(front.allocator.buffer(string: "HTTP/1.1 200 Go\r\n\r\n"), promise: nil)
                }
        }

        func channelInactive(context: ChannelHandlerContext) { back?.close(promise: nil) }
    }

    private final class Back: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        private let front: any Channel

        init(front: any Channel) { self.front = front }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            front.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { front.close(promise: nil) }
    }
}
