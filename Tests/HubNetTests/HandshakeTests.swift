import Foundation
import HubNet
import Testing

/// What servers answer to an upgrade instead of opening a WebSocket.
@Suite struct HandshakeTests {
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

    @Test(
        "an upgrade answered otherwise is a refusal with status, headers and body",
        arguments: [
            ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nno go", 401, "no go"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Why: html\r\n\r\nhi", 200, "hi"),
            ("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302, ""),
            ("HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", 403, "abcde"),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nX: y\r\n\r\n"
                    + "HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 1\r\n\r\nx",
                429,
                "x"
            ),
        ])
    func refused(answer: String, status: Int, body: String) async throws {
        let server = try ScriptedServer { peer in
            if peer.takeHead() != nil { peer.write(answer) }
        }
        let counters = ProviderCounters()
        let recorder = Recorder()
        _ = try open(server, recorder, counters: counters)
        #expect(await recorder.waitForEnd())
        #expect(recorder.refusal?.status == status, "\(recorder.all)")
        #expect(recorder.refusal.map { String(decoding: $0.body, as: UTF8.self) } == body)
        if status == 302 { #expect(recorder.refusal?.headers.value(of: "location") == "/x") }
        #expect(counters.read().refused == 1)
        loop.stop()
        #expect(recorder.ends == 1)
    }

    @Test("a refusal's body is cut at 64 KiB")
    func longRefusal() async throws {
        let server = try ScriptedServer { peer in
            guard peer.takeHead() != nil else { return }
            peer.write("HTTP/1.1 503 No\r\n\r\n" + String(repeating: "x", count: 200_000))
        }
        let recorder = Recorder()
        _ = try open(server, recorder)
        #expect(await recorder.waitForEnd())
        #expect(recorder.refusal?.body.count == 64 << 10)
        loop.stop()
    }

    @Test(
        "an answer that is none ends it in words",
        arguments: [
            ("SSH-2.0-OpenSSH\r\n", "not HTTP"), ("HTTP/1.1 abc\r\n\r\n", "first line"),
            ("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n", "key"),
            ("HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "other than WebSocket"),
            ("HTTP/1.1 101 S\r\n: x\r\n\r\n", "no name"),
            ("HTTP/1.1 101 S\r\nX: " + String(repeating: "x", count: 70_000), "65536"),
        ])
    func garbage(answer: String, words: String) async throws {
        let server = try ScriptedServer { peer in
            if peer.takeHead() != nil { peer.write(answer) }
        }
        let recorder = Recorder()
        _ = try open(server, recorder)
        #expect(await recorder.waitForEnd())
        #expect(recorder.end?.failure == .protocol && recorder.end?.wasOpen == false, "\(recorder.all)")
        #expect(recorder.end?.reason.contains(words) == true, "\(recorder.all)")
        #expect(recorder.end?.reason.contains("token") == false)
        loop.stop()
    }

    @Test("headers that come too slowly, a server that hangs up, and none at all: each in its words")
    func unreachable() async throws {
        let slow = try ScriptedServer { peer in if peer.takeHead() != nil { peer.write("HTTP/1.1 101 S\r\nUp") } }
        let gone = try ScriptedServer { peer in if peer.takeHead() != nil { peer.hangUp() } }
        let recorders = [Recorder(), Recorder(), Recorder()]
        _ = try open(slow, recorders[0]) { $0.connectTimeoutMilliseconds = 1_000 }
        _ = try open(gone, recorders[1])
        _ = try open(gone, recorders[2]) { $0.url = "ws://127.0.0.1:1/" }
        for recorder in recorders { #expect(await recorder.waitForEnd()) }
        #expect(recorders.map { $0.end?.failure } == [.timeout, .connect, .connect])
        #expect(recorders[0].end?.reason.contains("no answer to the upgrade within 1000 ms") == true)
        #expect(recorders[1].end?.reason.contains("hung up without answering") == true)
        #expect(recorders[2].end?.reason.contains("refused") == true, "\(recorders[2].all)")
        loop.stop()
    }

    @Test("headers that would change the handshake or hold line ends are refused")
    func badHeaders() throws {
        let server = try ScriptedServer { _ in }
        for header in [
            HTTPHeader("Sec-WebSocket-Key", "x"), HTTPHeader("Host", "x"), HTTPHeader("X", "a\r\nY: secret"),
            HTTPHeader("X Y", "z"), HTTPHeader("", "z"),
        ] {
            let failure = #expect(throws: NetworkFailure.self) {
                _ = try open(server, Recorder()) { $0.headers = [header] }
            }
            #expect(failure?.kind == .request && failure?.message.contains("secret") == false)
        }
    }
}
