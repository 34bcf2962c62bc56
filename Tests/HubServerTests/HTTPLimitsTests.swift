import Foundation
import Testing

@Suite("HTTP: limits, origins and the end")
struct HTTPLimitsTests {
    @Test("what is too long or too large is refused with its code")
    func sizes() async throws {
        let engine = try FakeEngine(hub: ["limits": "{ url_size: 4KiB, header_size: 8KiB, body_size: 16KiB }"])
        try await withServer(engine) { server in
            for length in [4 * 1024, 100 * 1024, 1 << 20] {
                let long = try server.get("/v1/events?symbols=" + String(repeating: "A", count: length))
                #expect(long.status == 414)
                #expect(long.json["code"] == .text("uri_too_long"))
            }
            let header = try server.request("/healthz", headers: ["X-Large": String(repeating: "a", count: 9 * 1024)])
            #expect(header.status == 413)
            #expect(header.json["code"] == .text("request_too_large"))
            let body = try server.request("/healthz", headers: ["Content-Length": "20000"])
            #expect(body.status == 413)
            #expect(try server.get("/healthz").status == 200)
        }
    }

    @Test("what is not HTTP is answered once and the connection closed")
    func garbage() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            for text in ["\u{0}\u{1}\u{2}\r\n\r\n", "GET /healthz HTTP/9.9\r\n\r\n", "hello\r\n\r\n"] {
                let socket = try TestSocket(server)
                try socket.send(text)
                let answer = try TestResponse(from: socket)
                #expect(answer.status == 400)
                #expect(answer.json["code"] == .text("bad_parameter"))
                #expect(socket.isClosed(within: 5))
            }
        }
    }

    @Test("a client that never finishes its request is told so in time")
    func silent() async throws {
        let engine = try FakeEngine(hub: ["limits": "{ request_time: 300ms }"])
        try await withServer(engine) { server in
            let socket = try TestSocket(server)
            try socket.send("GET /healthz HTTP/1.1\r\nHost: \(server.host)\r\n")
            #expect(try TestResponse(from: socket).status == 408)
            #expect(socket.isClosed(within: 5))
        }
    }

    @Test("requests of one connection are answered in their order")
    func keepAlive() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            let socket = try TestSocket(server)
            var text = ""
            for number in 0..<20 {
                text += "GET /v1/nowhere\(number) HTTP/1.1\r\nHost: \(server.host)\r\n\r\n"
            }
            try socket.send(text)
            for number in 0..<20 {
                #expect(try TestResponse(from: socket).json["instance"] == .text("/v1/nowhere\(number)"))
            }
        }
    }

    @Test("pages of foreign origins are refused, over HTTP and before an upgrade")
    func foreign() async throws {
        let engine = try FakeEngine(hub: ["cors": "{ origins: [\"https://app.example.in\"] }"])
        try await withServer(engine) { server in
            let foreign = ["Origin": "https://evil.example"]
            let refused = try server.request("/v1/status", headers: foreign)
            #expect(refused.status == 403)
            #expect(refused.json["code"] == .text("foreign_origin"))
            #expect(refused.headers["access-control-allow-origin"] == nil)
            #expect(try TestStream(server, headers: foreign).response.status == 403)
            let allowed = try server.request("/v1/status", headers: ["Origin": "https://app.example.in"])
            #expect(allowed.status == 200)
            #expect(allowed.headers["access-control-allow-origin"] == "https://app.example.in")
            #expect(try TestStream(server, headers: ["Origin": "https://app.example.in"]).response.status == 101)
            #expect(try server.request("/v1/status", headers: ["Origin": "http://\(server.host)"]).status == 200)
            #expect(try server.request("/v1/status", headers: ["Origin": "null"]).status == 403)
            let preflight = try server.request(
                "/v1/status", method: "OPTIONS",
                headers: ["Origin": "https://app.example.in", "Access-Control-Request-Method": "GET"])
            #expect(preflight.status == 204)
            #expect(preflight.headers["access-control-allow-methods"] == "GET, HEAD")
        }
    }

    @Test("a name that a foreign page could have pointed here is not answered for")
    func rebinding() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            let answer = try server.request("/v1/status", host: "evil.example:8080")
            #expect(answer.status == 403)
            #expect(answer.json["code"] == .text("foreign_origin"))
            for host in ["localhost:1", "[::1]:1", "127.0.0.1", "hub.localhost"] {
                #expect(try server.request("/healthz", host: host).status == 200, "\(host)")
            }
        }
    }

    @Test("a hub behind a proxy answers under its public name, and under no other")
    func publicName() async throws {
        let engine = try FakeEngine(hub: ["public_url": "https://hub.example.in/prices"])
        try await withServer(engine) { server in
            let answer = try server.request("/healthz", host: "hub.example.in")
            #expect(answer.status == 200)
            for host in ["hub.example.in.evil.example", "example.in", "prices"] {
                #expect(try server.request("/healthz", host: host).status == 403, "\(host)")
            }
        }
    }

    @Test("an address that is taken is reported in words, and nothing is left running")
    func taken() async throws {
        let first = try FakeEngine()
        try await withServer(first) { server in
            guard case .port(let port) = server.kind else { return }
            let second = try FakeEngine(listen: "127.0.0.1:\(port)")
            let done = DispatchSemaphore(value: 0)
            let found = Found()
            Task {
                do {
                    try await withServer(second) { _ in }
                } catch {
                    found.text = "\(error)"
                }
                done.signal()
            }
            done.wait()
            #expect(found.text.contains("cannot listen on 127.0.0.1:\(port): something else listens there"))
            second.trade(second.stream("SIM:A"), price: 1, time: 1_700_000_000_000_000_000)
        }
    }

    private final class Found: @unchecked Sendable {
        var text = ""
    }

    @Test("the server listens on a socket file too")
    func socketFile() async throws {
        let path = NSTemporaryDirectory() + "hub-\(UInt32.random(in: 0...UInt32.max)).sock"
        let engine = try FakeEngine(listen: "unix:\(path)")
        let stream = engine.stream("SIM:A")
        engine.trade(stream, price: 1, time: 1_700_000_000_000_000_000)
        try await withServer(engine) { server in
            #expect(try server.request("/v1/quotes/SIM:A", host: "whatever").status == 200)
            let live = try TestStream(server, "/v1/stream?symbols=SIM:A")
            _ = try live.next("live")
            engine.trade(stream, price: 2, time: 1_700_000_001_000_000_000)
            #expect(try live.next("trade").contains("\"price\":2"))
        }
    }

    // The time allowed for stopping is longer than the test may take: whoever waits for it fails.
    @Test("stopping says goodbye to streams and waits for nobody", .timeLimit(.minutes(5)))
    func shutdown() async throws {
        let engine = try FakeEngine(hub: ["shutdown": "10m"])
        engine.trade(engine.stream("SIM:A"), price: 1, time: 1_700_000_000_000_000_000)
        let said = Said()
        try await withServer(engine) { server in
            // One that says nothing, one between requests, one that streams.
            said.silent = try TestSocket(server)
            let idle = try TestSocket(server)
            try idle.send("GET /healthz HTTP/1.1\r\nHost: \(server.host)\r\n\r\n")
            _ = try TestResponse(from: idle)
            said.idle = idle
            let stream = try TestStream(server, "/v1/stream?symbols=SIM:*")
            _ = try stream.next("live")
            said.stream = stream
        }
        let stream = try #require(said.stream)
        let bye = try stream.next("bye")
        #expect(bye.word("code") == "shutdown")
        #expect(bye.word("cursor") == "\(engine.journal.epoch).\(engine.journal.head)")
        while try stream.object() != nil {}
        #expect(stream.closeCode == 1001)
        #expect(said.silent?.isClosed(within: 1) == true)
        #expect(said.idle?.isClosed(within: 1) == true)
    }

    /// What outlives the server in the test above.
    private final class Said: @unchecked Sendable {
        var silent: TestSocket?
        var idle: TestSocket?
        var stream: TestStream?
    }
}
