import Foundation
import NIOCore
import Synchronization
import Testing

@testable import HubNet

/// How fast small messages come in; for `HUB_MEASURE=1`, since figures of a debug build on a busy machine say nothing.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["HUB_MEASURE"] != nil))
struct ThroughputTests {
    private final class Counter: WebSocketReceiver {
        let count = Atomic(0)
        let end = Told()

        func opened(_ connection: WebSocketConnection, headers: [HTTPHeader], subprotocol: String?) {}
        func received(_ bytes: UnsafeRawBufferPointer, isText: Bool) { count.wrappingAdd(1, ordering: .relaxed) }
        func refused(_ refusal: WebSocketRefusal) {}
        func closed(_ end: WebSocketEnd) { self.end.set(end.code) }
    }

    @Test("messages of 149 bytes over the loopback", arguments: [false, true])
    func small(isText: Bool) async throws {
        let block = (0..<400).flatMap { _ in
            ServerFrame.bytes(isText ? 1 : 2, [UInt8](repeating: UInt8(ascii: "x"), count: 149))
        }
        let blocks = 5_000
        let server = try ScriptedServer { peer in
            guard let head = peer.takeHead() else { return }
            peer.write(switching(head))
            let buffer = peer.channel.allocator.buffer(bytes: block)
            @Sendable func write(_ left: Int) {
                if left == 0 {
                    peer.write(ServerFrame.close(1000, ""))
                } else {
                    peer.channel.writeAndFlush(buffer).whenSuccess { write(left - 1) }
                }
            }
            write(blocks)
        }
        let loop = NetworkLoop(environment: [:])
        let counter = Counter()
        let started = monotonicNanoseconds()
        _ = try loop.open(
            WebSocketRequest(url: "ws://127.0.0.1:\(server.port)", offersDeflate: false), receiver: counter)
        #expect(await counter.end.value() == 1000)
        let seconds = Double(monotonicNanoseconds() - started) / 1e9
        let count = counter.count.load(ordering: .relaxed)
        #expect(count == 400 * blocks)
        print("measured: \(Int(Double(count) / seconds)) messages/s of 149 bytes, text: \(isText)")
        loop.stop()
    }
}
