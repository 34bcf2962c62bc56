import Foundation
import Testing

@Suite("Fan-out: what clients must not do")
struct FanOutProtocolTests {
    @Test("messages that cannot be read are answered, and end the connection when they go on")
    func garbage() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            let stream = try TestStream(server)
            _ = try stream.next("hello")
            try stream.send("hello")
            #expect(try stream.next("error").word("code") == "bad_message")
            try stream.send("{\"op\":\"dance\",\"id\":7}")
            let unknown = try stream.next("error")
            #expect(unknown.word("code") == "unknown_op")
            #expect(unknown.number("id") == 7)
            for _ in 0..<20 { try? stream.send("]") }
            #expect(try stream.next("bye").number("close_code") == 4002)
            while try stream.object() != nil {}
            #expect(stream.closeCode == 4002)
        }
    }

    @Test("a message that is too large is refused with 1009, in one frame or in pieces")
    func tooLarge() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            let large = [UInt8](repeating: 32, count: 70_000)
            let whole = try TestStream(server)
            _ = try whole.next("hello")
            try? whole.send(opcode: 1, large)
            #expect(try whole.next("bye").word("code") == "message_too_large")
            while try whole.object() != nil {}
            #expect(whole.closeCode == 1009)
            let pieces = try TestStream(server)
            _ = try pieces.next("hello")
            try pieces.send(opcode: 1, Array(large[..<40_000]), isFinal: false)
            try pieces.send(opcode: 0, Array(large[..<40_000]))
            #expect(try pieces.next("bye").number("close_code") == 1009)
        }
    }

    @Test("a message may come in pieces, with a ping in between")
    func fragments() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            let stream = try TestStream(server)
            _ = try stream.next("hello")
            let text = Array("{\"op\":\"ping\",\"id\":\"x\"}".utf8)
            try stream.send(opcode: 1, Array(text[..<5]), isFinal: false)
            try stream.send(opcode: 9, [1])
            try stream.send(opcode: 0, Array(text[5..<9]), isFinal: false)
            try stream.send(opcode: 0, Array(text[9...]))
            #expect(try stream.next("pong").word("id") == "x")
        }
    }

    @Test("frames that RFC 6455 forbids end the connection with 1002")
    func forbidden() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            let unmasked = try TestStream(server)
            _ = try unmasked.next("hello")
            try unmasked.send(opcode: 1, Array("{}".utf8), isMasked: false)
            while try unmasked.object() != nil {}
            #expect(unmasked.closeCode == 1002)
            let lone = try TestStream(server)
            _ = try lone.next("hello")
            try lone.send(opcode: 0, [1, 2])
            while try lone.object() != nil {}
            #expect(lone.closeCode == 1002)
            let interleaved = try TestStream(server)
            _ = try interleaved.next("hello")
            try interleaved.send(opcode: 1, [1], isFinal: false)
            try interleaved.send(opcode: 1, [1])
            while try interleaved.object() != nil {}
            #expect(interleaved.closeCode == 1002)
        }
    }

    @Test("a client's close is answered with a close")
    func close() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            let stream = try TestStream(server)
            _ = try stream.next("hello")
            try stream.send(opcode: 8, [3, 232])
            while try stream.object() != nil {}
            #expect(stream.closeCode == 1000)
            #expect(stream.socket.isClosed(within: 5))
        }
    }

    @Test("too many operations are refused and told when to come back")
    func operations() async throws {
        let engine = try FakeEngine(hub: ["limits": "{ ops_per_second: 5 }"])
        try await withServer(engine) { server in
            let stream = try TestStream(server)
            _ = try stream.next("hello")
            for _ in 0..<10 { try stream.send("{\"op\":\"ping\"}") }
            let error = try stream.next("error")
            #expect(error.word("code") == "rate_limited")
            #expect(error.number("retry_after_ms") ?? 0 > 0)
        }
    }

    @Test("more streams than allowed are refused before the upgrade")
    func connections() async throws {
        let engine = try FakeEngine(hub: ["limits": "{ connections: 2 }"])
        try await withServer(engine) { server in
            let first = try TestStream(server)
            let second = try TestStream(server)
            _ = try first.next("hello")
            _ = try second.next("hello")
            let third = try TestStream(server)
            #expect(third.response.status == 503)
            #expect(third.response.json["code"] == .text("overloaded"))
            first.socket.hangUp()
            var status = 0
            for _ in 0..<100 where status != 101 { status = try TestStream(server).response.status }
            #expect(status == 101)
        }
    }

    @Test("a stream asked for over plain HTTP is told how, and what is wrong with its parameters")
    func plain() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            let plain = try server.get("/v1/stream")
            #expect(plain.status == 426)
            #expect(plain.headers["upgrade"] == "websocket")
            #expect(try server.get("/v1/stream?symbols=A&speed=-9").json["code"] == .text("bad_parameter"))
            let nothing = try TestStream(server, "/v1/stream?symbols=SIM:NOBODY")
            #expect(try nothing.next("error").word("code") == "nothing_matched")
        }
    }
}
