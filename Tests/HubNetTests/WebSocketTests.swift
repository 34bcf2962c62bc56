import Foundation
import HubNet
import NIOCore
import Testing

/// WebSockets against a server that says what it is told to.
@Suite struct WebSocketTests {
    private let loop = NetworkLoop(environment: [:])

    private func open(
        _ server: ScriptedServer, _ recorder: Recorder, counters: ProviderCounters? = nil,
        _ change: (inout WebSocketRequest) -> Void = { _ in }
    ) throws -> WebSocketConnection {
        var request = WebSocketRequest(
            url: "ws://127.0.0.1:\(server.port)/feed?token=a%2Bb", headers: [HTTPHeader("Authorization", "Bearer x")],
            connectTimeoutMilliseconds: 300_000)
        change(&request)
        return try loop.open(request, counters: counters, receiver: recorder)
    }

    @Test("a message goes out and comes back, and both sides close in order")
    func echo() async throws {
        let server = try webSocketServer { peer, frames in
            for frame in frames { peer.write(ServerFrame.bytes(frame.first & 0x0F, frame.payload)) }
        }
        let counters = ProviderCounters()
        let recorder = Recorder(
            onOpen: { connection in
                connection.send(text: "héllo")
                connection.send(binary: [UInt8](repeating: 7, count: 70_000))
            },
            onMessage: { connection, count in if count == 2 { connection.close(code: 1000, reason: "bye") } })
        _ = try open(server, recorder, counters: counters)
        #expect(await recorder.waitForEnd())
        #expect(recorder.texts == ["héllo"])
        #expect(recorder.messages == 2)
        #expect(recorder.end == WebSocketEnd(code: 1000, reason: "bye", failure: nil, wasOpen: true))
        let reading = counters.read()
        #expect(reading.connects == 1 && reading.closes == 1 && reading.messagesIn == 2 && reading.messagesOut == 2)
        #expect(reading.bytesIn > 70_000 && reading.bytesOut > 70_000)
        loop.stop()
    }

    @Test("query and headers reach the server as they were given")
    func untouched() async throws {
        let server = try ScriptedServer { peer in
            guard let head = peer.takeHead() else { return }
            #expect(head.hasPrefix("GET /feed?token=a%2Bb HTTP/1.1\r\n"))
            #expect(head.contains("\r\nAuthorization: Bearer x\r\n"))
            #expect(head.contains("\r\nSec-WebSocket-Protocol: one, two\r\n"))
            #expect(head.contains("\r\nHost: 127.0.0.1:"))
            peer.write(switching(head).replacing("\r\n\r\n", with: "\r\nSec-WebSocket-Protocol: two\r\n\r\n"))
        }
        let recorder = Recorder()
        let connection = try open(server, recorder) { $0.subprotocols = ["one", "two"] }
        #expect(await recorder.wait { !$0.all.isEmpty })
        guard case .opened(_, "two") = recorder.all.first else {
            Issue.record("not opened with the subprotocol: \(recorder.all)")
            return
        }
        connection.close()
        loop.stop()
        #expect(recorder.ends == 1)
    }

    @Test("what comes with the answer, in pieces of any size, is the same messages")
    func pieces() async throws {
        let seed = testSeed()
        var random = SeededRandom(seed: seed)
        var stream: [UInt8] = []
        stream += ServerFrame.text("one")
        stream += ServerFrame.text("tw", final: false)
        stream += ServerFrame.bytes(9, [1, 2])
        stream += ServerFrame.bytes(0, Array("o".utf8))
        stream += ServerFrame.bytes(1, Array(repeating: UInt8(ascii: "x"), count: 300))
        stream += ServerFrame.text("")
        stream += ServerFrame.close(4001, "enough")
        for _ in 0..<5 {
            var cuts = (0..<6).map { _ in Int.random(in: 0...stream.count, using: &random) }.sorted()
            cuts.append(stream.count)
            let (all, ends) = (stream, cuts)
            let server = try ScriptedServer { peer in
                guard let head = peer.takeHead() else { return }
                peer.write(Array(switching(head).utf8) + all[..<ends[0]])
                for (start, end) in zip(ends, ends.dropFirst()) { peer.write(Array(all[start..<end])) }
            }
            let recorder = Recorder()
            _ = try open(server, recorder)
            #expect(await recorder.waitForEnd())
            #expect(
                recorder.texts == ["one", "two", String(repeating: "x", count: 300), ""], "HUB_SEED=\(seed)")
            #expect(recorder.end == WebSocketEnd(code: 4001, reason: "enough", failure: nil, wasOpen: true))
            #expect(recorder.ends == 1)
        }
        loop.stop()
    }

    @Test("the server's pings are answered with their own bytes")
    func pong() async throws {
        let server = try webSocketServer(greeting: ServerFrame.bytes(9, [1, 2, 3])) { peer, frames in
            if frames.contains(where: { $0.first == 0x8A && $0.payload == [1, 2, 3] }) {
                peer.write(ServerFrame.close(1000, "pong"))
            }
        }
        let recorder = Recorder()
        _ = try open(server, recorder)
        #expect(await recorder.waitForEnd())
        #expect(recorder.end?.reason == "pong")
        loop.stop()
    }

    @Test(
        "a server that breaks the rules is told which, and so is the receiver",
        arguments: [
            ([0x81, 0x80, 0, 0, 0, 0], 1002, "masked"), ([0x91, 0x00], 1002, "reserved"),
            ([0xC1, 0x00], 1002, "reserved"), ([0x83, 0x00], 1002, "opcode"), ([0x09, 0x00], 1002, "fragmented"),
            ([0x89, 126, 0, 126], 1002, "125"), ([0x80, 0x00], 1002, "continuation"),
            ([0x01, 0x00, 0x81, 0x00], 1002, "begins before"), ([0x81, 0x02, 0xC3, 0x28], 1007, "UTF-8"),
            ([0x88, 0x01, 0x03], 1002, "half"), ([0x88, 0x02, 0x03, 0xED], 1002, "1005"),
            ([0x88, 0x03, 0x03, 0xE8, 0xFF], 1007, "UTF-8"), ([0x82, 126, 0, 5], 1002, "too long"),
            ([0x82, 127, 0, 0, 0, 0, 2, 0, 0, 0], 1009, "longer than"),
            ([0x82, 127, 0xFF, 0, 0, 0, 0, 0, 0, 0], 1002, "negative"),
        ] as [([UInt8], UInt16, String)])
    func broken(bytes: [UInt8], code: UInt16, words: String) async throws {
        let told = Told()
        let server = try webSocketServer(greeting: bytes) { peer, frames in
            for frame in frames where frame.first == 0x88 {
                told.set(UInt16(frame.payload[0]) << 8 | UInt16(frame.payload[1]))
                peer.hangUp()
            }
        }
        let recorder = Recorder()
        _ = try open(server, recorder) { $0.offersDeflate = false }
        #expect(await recorder.waitForEnd())
        #expect(recorder.end?.code == code && recorder.end?.reason.contains(words) == true, "\(recorder.all)")
        #expect(recorder.end?.failure == (code == 1009 ? .tooLarge : .protocol))
        #expect(await told.value() == code)
        loop.stop()
        #expect(recorder.ends == 1)
    }

    @Test("a message as long as may be is taken whole, one byte more is not, also in parts")
    func big() async throws {
        let limit = 1 << 20
        for (parts, isTaken) in [
            ([limit], true), ([limit + 1], false), ([limit / 2, limit / 2], true), ([limit, 1], false),
        ] {
            let frames = parts.enumerated().flatMap { index, count in
                ServerFrame.bytes(
                    index == 0 ? 2 : 0, [UInt8](repeating: 9, count: count), final: index == parts.count - 1)
            }
            let server = try webSocketServer(greeting: frames + ServerFrame.close(1000, ""))
            let recorder = Recorder()
            _ = try open(server, recorder) { $0.maximumMessageBytes = limit }
            #expect(await recorder.waitForEnd())
            #expect(recorder.messages == (isTaken ? 1 : 0))
            #expect(recorder.end?.code == (isTaken ? 1000 : 1009))
            if !isTaken { #expect(recorder.end?.reason.contains("\(limit)") == true) }
        }
        loop.stop()
    }

    @Test("a connection cut in the middle of a message is an end with 1006 that says so")
    func cut() async throws {
        let server = try ScriptedServer { peer in
            guard let head = peer.takeHead() else { return }
            peer.write(Array(switching(head).utf8) + ServerFrame.text("whole") + [0x81, 50, 1, 2, 3])
            peer.channel.flush()
            peer.hangUp()
        }
        let recorder = Recorder()
        _ = try open(server, recorder)
        #expect(await recorder.waitForEnd())
        #expect(recorder.texts == ["whole"])
        #expect(recorder.end?.code == 1006 && recorder.end?.reason.contains("middle of a message") == true)
        loop.stop()
    }

    @Test("a mute server is given up: by the watchdog, and by pings without pongs")
    func mute() async throws {
        let server = try webSocketServer()
        for change in [
            { $0.idleMilliseconds = 50 },
            { $0.pings = .every(milliseconds: 20, pongWithin: 30) },
        ] as [(inout WebSocketRequest) -> Void] {
            let recorder = Recorder()
            _ = try open(server, recorder, change)
            #expect(await recorder.waitForEnd())
            #expect(recorder.end?.code == 1006 && recorder.end?.failure == .timeout)
            #expect(recorder.end?.reason.contains("50 ms") == true || recorder.end?.reason.contains("pong") == true)
        }
        loop.stop()
    }

    @Test("a server that does not answer pings is kept where pongs are not waited for")
    func deafToPings() async throws {
        let server = try webSocketServer { peer, frames in
            for frame in frames where frame.first == 0x89 && frame.payload.last == 5 {
                peer.write(ServerFrame.close(1000, "enough pings"))
            }
        }
        let recorder = Recorder()
        _ = try open(server, recorder) { $0.pings = .every(milliseconds: 10, pongWithin: 0) }
        #expect(await recorder.waitForEnd())
        #expect(recorder.end?.reason == "enough pings")
        loop.stop()
    }

    @Test("a server that answers pings is kept")
    func alive() async throws {
        let server = try webSocketServer { peer, frames in
            for frame in frames where frame.first == 0x89 {
                peer.write(ServerFrame.bytes(10, frame.payload))
                if frame.payload.last == 5 {
                    peer.write(ServerFrame.close(1000, "enough pings"))
                }
            }
        }
        let recorder = Recorder()
        _ = try open(server, recorder) { $0.pings = .every(milliseconds: 10, pongWithin: 30_000) }
        #expect(await recorder.waitForEnd())
        #expect(recorder.end?.reason == "enough pings")
        loop.stop()
    }

    @Test("what waits to be sent is bounded, and is told when it is too much")
    func overload() async throws {
        let server = try webSocketServer { peer, _ in
            // It reads no more.
            peer.channel.setOption(.autoRead, value: false).whenComplete { _ in }
        }
        let recorder = Recorder(onOpen: { connection in
            #expect(connection.send(binary: [UInt8](repeating: 0, count: 2_000)) == .overload)
            #expect(connection.send(binary: [UInt8](repeating: 0, count: 800)) == .queued)
        })
        let connection = try open(server, recorder) { $0.maximumQueuedBytes = 1_000 }
        #expect(await recorder.wait { !$0.all.isEmpty })
        loop.stop()
        #expect(connection.send(text: "x") == .notOpen)
        #expect(recorder.end?.code == 1001)
    }

    @Test("a receiver that pauses gets nothing more until it resumes, and then everything")
    func pausing() async throws {
        var greeting: [UInt8] = []
        for number in 0..<1_000 { greeting += ServerFrame.text("\(number)") }
        let server = try webSocketServer(greeting: greeting + ServerFrame.close(1000, ""))
        let recorder = Recorder(onMessage: { connection, count in if count % 100 == 50 { connection.pause() } })
        let connection = try open(server, recorder)
        for stop in stride(from: 50, to: 1_000, by: 100) {
            #expect(await recorder.wait { $0.messages >= stop })
            #expect(recorder.messages == stop)
            connection.resume()
        }
        #expect(await recorder.waitForEnd())
        #expect(recorder.texts == (0..<1_000).map { "\($0)" })
        #expect(recorder.end?.code == 1000)
        loop.stop()
    }

    @Test("what came before the server hung up is delivered to a receiver that had paused")
    func pausedAtTheEnd() async throws {
        let server = try ScriptedServer { peer in
            guard let head = peer.takeHead() else { return }
            peer.write(Array(switching(head).utf8) + (0..<10).flatMap { ServerFrame.text("\($0)") })
            peer.hangUp()
        }
        let recorder = Recorder(onMessage: { connection, count in if count == 3 { connection.pause() } })
        let connection = try open(server, recorder)
        #expect(await recorder.wait { $0.messages == 3 })
        connection.resume()
        #expect(await recorder.waitForEnd())
        #expect(recorder.messages == 10 && recorder.end?.code == 1006)
        loop.stop()
    }

    @Test("giving up before it is open, and stopping, each end it once")
    func givingUp() async throws {
        let server = try ScriptedServer { _ in }
        let (first, second) = (Recorder(), Recorder())
        try open(server, first).close()
        _ = try open(server, second)
        #expect(await first.waitForEnd())
        #expect(first.end?.failure == .cancelled)
        loop.stop()
        #expect(second.end?.failure == .cancelled && second.ends == 1)
        #expect(throws: NetworkFailure.self) { _ = try open(server, second) }
    }

}

/// A number that one thread finds out and another waits for.
final class Told: Sendable {
    private let stream = AsyncStream<UInt16>.makeStream()

    func set(_ value: UInt16) { stream.continuation.yield(value) }

    /// The first, within half a minute.
    func value() async -> UInt16? {
        let deadline = Task {
            guard (try? await Task.sleep(for: .seconds(30))) != nil else { return }
            stream.continuation.finish()
        }
        defer { deadline.cancel() }
        for await value in stream.stream { return value }
        return nil
    }
}
