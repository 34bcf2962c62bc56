import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

/// A server on the loopback that says exactly what a test tells it to, byte for byte.
final class ScriptedServer: Sendable {
    /// One connection of a client. Any thread may write to it.
    final class Peer: ChannelInboundHandler, @unchecked Sendable {
        typealias InboundIn = ByteBuffer

        let channel: any Channel
        private let received = Mutex<[UInt8]>([])
        private let script: @Sendable (Peer) -> Void

        init(channel: any Channel, script: @escaping @Sendable (Peer) -> Void) {
            self.channel = channel
            self.script = script
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(unwrapInboundIn(data).readableBytesView)
            received.withLock { $0 += bytes }
            script(self)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        /// All that came so far.
        var bytes: [UInt8] { received.withLock { $0 } }
        var text: String { String(decoding: bytes, as: UTF8.self) }

        /// The head of the request once it is there, taken out of `bytes`.
        func takeHead() -> String? {
            received.withLock { bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                guard let end = text.range(of: "\r\n\r\n") else { return nil }
                let head = String(text[..<end.upperBound])
                bytes.removeFirst(head.utf8.count)
                return head
            }
        }

        /// The client's frames that are complete, unmasked, taken out of `bytes`: opcode with the first bits, payload.
        func takeFrames() -> [(first: UInt8, payload: [UInt8])] {
            received.withLock { bytes in
                var frames: [(UInt8, [UInt8])] = []
                while bytes.count >= 6 {
                    var (length, at) = (Int(bytes[1] & 0x7F), 2)
                    guard bytes[1] & 0x80 != 0 else {
                        Issue.record("a frame of the client is not masked")
                        return frames
                    }
                    if length == 126 { (length, at) = (Int(bytes[2]) << 8 | Int(bytes[3]), 4) }
                    if length == 127 { (length, at) = (bytes[2..<10].reduce(0) { $0 << 8 | Int($1) }, 10) }
                    guard bytes.count >= at + 4 + length else { break }
                    let mask = Array(bytes[at..<at + 4])
                    let payload = bytes[(at + 4)..<(at + 4 + length)].enumerated().map { $1 ^ mask[$0 % 4] }
                    frames.append((bytes[0], payload))
                    bytes.removeFirst(at + 4 + length)
                }
                return frames
            }
        }

        func write(_ bytes: [UInt8]) {
            channel.writeAndFlush(channel.allocator.buffer(bytes: bytes), promise: nil)
        }

        func write(_ text: String) { write(Array(text.utf8)) }

        func hangUp() { channel.close(promise: nil) }
    }

    /// Of all servers of all tests: it ends with the process, and so do the listeners, whoever still refers to them.
    static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)

    let port: Int

    /// - Parameter script: called on each read of each connection.
    init(tls: NIOSSLContext? = nil, script: @escaping @Sendable (Peer) -> Void) throws {
        let listener = try ServerBootstrap(group: Self.group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.addHandler(Peer(channel: channel, script: script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        port = listener.localAddress!.port!
    }
}

/// Frames as a server writes them: not masked.
enum ServerFrame {
    static func bytes(_ opcode: UInt8, _ payload: [UInt8], final: Bool = true, reserved: UInt8 = 0) -> [UInt8] {
        var bytes: [UInt8] = [(final ? 0x80 : 0) | reserved | opcode]
        switch payload.count {
        case ...125: bytes.append(UInt8(payload.count))
        case ...65_535: bytes += [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default: bytes += [127] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        return bytes + payload
    }

    static func text(_ text: String, final: Bool = true) -> [UInt8] { bytes(1, Array(text.utf8), final: final) }
    static func close(_ code: UInt16, _ reason: String) -> [UInt8] {
        bytes(8, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
    }
}

/// A WebSocket server that does the handshake and then what a test says.
func webSocketServer(
    tls: NIOSSLContext? = nil, extensions: String? = nil, greeting: [UInt8] = [],
    answer: @escaping @Sendable (ScriptedServer.Peer, [(first: UInt8, payload: [UInt8])]) -> Void = { _, _ in }
) throws -> ScriptedServer {
    try ScriptedServer(tls: tls) { peer in
        if peer.text.hasPrefix("GET ") {
            guard let head = peer.takeHead() else { return }
            peer.write(Array(switching(head, extensions: extensions).utf8) + greeting)
        }
        let frames = peer.takeFrames()
        if !frames.isEmpty { answer(peer, frames) }
    }
}

/// The answer to a client's upgrade.
func switching(_ head: String, extensions: String? = nil) -> String {
    let key = head.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }!.dropFirst(19)
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: \(acceptKey(String(key)))\r\n"
        + (extensions.map { "Sec-WebSocket-Extensions: \($0)\r\n" } ?? "") + "\r\n"
}
