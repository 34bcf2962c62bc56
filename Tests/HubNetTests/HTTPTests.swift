import CZlib
import Foundation
import HubNet
import Synchronization
import Testing

/// Requests against a server that says what it is told to.
@Suite struct HTTPTests {
    private let loop = NetworkLoop(environment: [:])

    private func fetch(_ request: HTTPRequest, counters: ProviderCounters? = nil) async -> HTTPResult {
        await withCheckedContinuation { continuation in
            loop.send(request, counters: counters) { continuation.resume(returning: $0) }
        }
    }

    private func request(_ server: ScriptedServer, _ path: String = "/", _ method: String = "GET") -> HTTPRequest {
        HTTPRequest(method, url: "http://127.0.0.1:\(server.port)\(path)", timeoutMilliseconds: 300_000)
    }

    private func failure(_ result: HTTPResult) -> NetworkFailure? {
        if case .failure(let failure) = result { failure } else { nil }
    }

    private static func answer(_ status: Int, _ headers: String = "", _ body: String = "") -> String {
        "HTTP/1.1 \(status) Words\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
    }

    @Test("status, headers and body arrive, and a second request goes over the same connection")
    func plain() async throws {
        let server = try ScriptedServer { peer in
            while let head = peer.takeHead() {
                #expect(head.hasPrefix("GET /a%20b?x=[1]|2 HTTP/1.1\r\n") && head.contains("\r\nX-Key: k\r\n"))
                peer.write(Self.answer(404, "X-One: a\r\nX-One: b\r\n", "no such thing"))
            }
        }
        var request = request(server, "/a%20b?x=[1]|2")
        request.headers = [HTTPHeader("X-Key", "k")]
        let counters = ProviderCounters()
        let responses = [
            try await fetch(request, counters: counters).get(), try await fetch(request, counters: counters).get(),
        ]
        for response in responses {
            #expect(response.status == 404 && response.version == 11)
            #expect(response.headers.filter { $0.name == "X-One" }.map(\.value) == ["a", "b"])
            #expect(String(decoding: response.body, as: UTF8.self) == "no such thing")
        }
        #expect(responses.map(\.reusedConnection) == [false, true])
        let reading = counters.read()
        #expect(reading.responses == [0, 0, 0, 2, 0] && reading.bytesIn == 26)
        #expect(reading.latency.reduce(0, +) == 2)
        loop.stop()
    }

    @Test("a body is sent with its length, and with no type that was not given", arguments: ["POST", "PUT", "DELETE"])
    func body(method: String) async throws {
        let server = try ScriptedServer { peer in
            guard peer.text.hasSuffix("a=1&b=2"), let head = peer.takeHead() else { return }
            #expect(head.hasPrefix("\(method) / HTTP/1.1\r\n") && head.contains("Content-Length: 7\r\n"))
            #expect(!head.contains("Content-Type") && !head.contains("Expect"))
            peer.write(Self.answer(200, "", "ok"))
        }
        var request = request(server, "/", method)
        request.body = Array("a=1&b=2".utf8)
        #expect(try await fetch(request).get().status == 200)
        loop.stop()
    }

    @Test("a packed body arrives unpacked, and the cap counts what it becomes")
    func gzip() async throws {
        let plain = [UInt8](repeating: UInt8(ascii: "a"), count: 100_000)
        let packed = gzipped(plain)
        let server = try ScriptedServer { peer in
            guard let head = peer.takeHead() else { return }
            #expect(head.contains("Accept-Encoding: gzip"))
            peer.write(
                Array("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(packed.count)\r\n\r\n".utf8)
                    + packed)
        }
        #expect(try await fetch(request(server)).get().body == plain)
        var small = request(server)
        small.maximumBodyBytes = 99_999
        #expect(failure(await fetch(small))?.kind == .tooLarge)
        loop.stop()
    }

    @Test("failures have a kind and words, and never the query")
    func failures() async throws {
        let mute = try ScriptedServer { _ in }
        let gone = try ScriptedServer { peer in peer.hangUp() }
        let garbage = try ScriptedServer { peer in peer.write("SSH-2.0-x\r\n\r\n\r\n\r\n") }
        let cut = try ScriptedServer { peer in
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            peer.hangUp()
        }
        var slow = request(mute, "/?secret")
        slow.timeoutMilliseconds = 100
        var badHeader = request(mute)
        badHeader.headers = [HTTPHeader("X", "secret\r\nY: z")]
        let cases: [(HTTPRequest, Set<NetworkFailure.Kind>)] = [
            (slow, [.timeout]), (request(gone, "/?secret"), [.connect]), (request(cut, "/?secret"), [.connect]),
            (request(garbage, "/?secret"), [.protocol]),
            (HTTPRequest(url: "http://127.0.0.1:1/?secret", timeoutMilliseconds: 300_000), [.connect]),
            (HTTPRequest(url: "http://name.invalid/?secret", timeoutMilliseconds: 300_000), [.dns, .timeout]),
            (HTTPRequest(url: "file:///etc/secret"), [.request]), (HTTPRequest(url: "secret"), [.request]),
            (badHeader, [.request]),
        ]
        for (request, kinds) in cases {
            let failure = failure(await fetch(request))
            #expect(failure.map { kinds.contains($0.kind) } == true, "\(request.url): \(String(describing: failure))")
            #expect(failure?.message.contains("secret") == false, "\(String(describing: failure))")
        }
        loop.stop()
    }

    @Test("a request can be cancelled, and stopping cancels all; each ends once")
    func cancelling() async throws {
        let server = try ScriptedServer { _ in }
        let ends = Ends()
        let calls = (0..<3).map { number in
            loop.send(request(server)) { result in
                if case .failure(let failure) = result { ends.add(number, failure.kind) }
            }
        }
        calls[1].cancel()
        calls[1].cancel()
        await ends.wait(for: 1)
        #expect(ends.all == [1: [.cancelled]])
        loop.stop()
        #expect(ends.all == [0: [.cancelled], 1: [.cancelled], 2: [.cancelled]])
        #expect(failure(await fetch(request(server)))?.kind == .cancelled)
    }

    @Test("redirects are left to the caller unless asked for")
    func redirectsOff() async throws {
        let server = try ScriptedServer { peer in
            if peer.takeHead() != nil { peer.write(Self.answer(302, "Location: /there\r\n")) }
        }
        let response = try await fetch(request(server)).get()
        #expect(response.status == 302 && response.headers.value(of: "location") == "/there")
        loop.stop()
    }

    @Test("a followed redirect keeps its headers on the same origin and loses them on another")
    func redirects() async throws {
        let other = try ScriptedServer { peer in
            guard let head = peer.takeHead() else { return }
            #expect(head.contains("Accept: text/csv") && !head.contains("secret"), "\(head)")
            peer.write(Self.answer(200, "", "there"))
        }
        let port = other.port
        let server = try ScriptedServer { peer in
            while let head = peer.takeHead() {
                #expect(head.contains("X-Token: secret"))
                if head.hasPrefix("GET /a/start") {
                    peer.write(Self.answer(302, "Location: ../next?x=1\r\n"))
                } else {
                    #expect(head.hasPrefix("GET /next?x=1 "))
                    peer.write(Self.answer(307, "Location: http://127.0.0.1:\(port)/end\r\n"))
                }
            }
        }
        var request = request(server, "/a/start")
        request.headers = [
            HTTPHeader("Authorization", "Bearer secret"), HTTPHeader("X-Token", "secret"),
            HTTPHeader("Accept", "text/csv"),
        ]
        request.followsRedirects = true
        let response = try await fetch(request).get()
        #expect(response.redirects == 2 && String(decoding: response.body, as: UTF8.self) == "there")
        loop.stop()
    }

    @Test("redirects in a circle end, and a body is not taken to another host")
    func badRedirects() async throws {
        let circle = try ScriptedServer { peer in
            while peer.takeHead() != nil { peer.write(Self.answer(301, "Location: /\r\n")) }
        }
        var request = request(circle)
        request.followsRedirects = true
        #expect(failure(await fetch(request))?.message.contains("redirects") == true)
        let away = try ScriptedServer { peer in
            if peer.text.hasSuffix("pin=1"), peer.takeHead() != nil {
                peer.write(Self.answer(308, "Location: http://localhost:1/\r\n"))
            }
        }
        var post = self.request(away, "/", "POST")
        post.body = Array("pin=1".utf8)
        post.followsRedirects = true
        #expect(try await fetch(post).get().status == 308)
        loop.stop()
    }

    @Test("many requests at once all come back")
    func many() async throws {
        let server = try ScriptedServer { peer in
            while let head = peer.takeHead() {
                let path = head.split(separator: " ")[1]
                peer.write(Self.answer(200, "", String(path)))
            }
        }
        let bodies = await withTaskGroup(of: String?.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let result = await fetch(request(server, "/\(number)"))
                    return try? String(decoding: result.get().body, as: UTF8.self)
                }
            }
            return await group.reduce(into: Set<String>()) { if let body = $1 { $0.insert(body) } }
        }
        #expect(bodies.count == 200)
        loop.stop()
    }
}

/// How requests ended.
private final class Ends: Sendable {
    private let kinds = Mutex<[Int: [NetworkFailure.Kind]]>([:])
    private let arrived = AsyncStream<Void>.makeStream()

    var all: [Int: [NetworkFailure.Kind]] { kinds.withLock { $0 } }

    func add(_ number: Int, _ kind: NetworkFailure.Kind) {
        kinds.withLock { $0[number, default: []].append(kind) }
        arrived.continuation.yield()
    }

    func wait(for number: Int) async {
        for await _ in arrived.stream where all[number] != nil { return }
    }
}

/// Packed as servers do it.
private func gzipped(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
        &stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var (input, output) = (bytes, [UInt8](repeating: 0, count: bytes.count + 100))
    input.withUnsafeMutableBufferPointer { input in
        output.withUnsafeMutableBufferPointer { output in
            stream.next_in = input.baseAddress
            stream.avail_in = uInt(input.count)
            stream.next_out = output.baseAddress
            stream.avail_out = uInt(output.count)
            _ = deflate(&stream, Z_FINISH)
        }
    }
    return Array(output[..<Int(stream.total_out)])
}
