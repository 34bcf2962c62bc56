import Foundation
import HubNet
import NIOSSL
import Testing

/// Whom the network believes, and the way through a proxy.
@Suite struct TLSTests {
    private let loop = NetworkLoop(environment: [:])

    private func run(
        _ url: String, trust: Trust, proxy: ProxySettings = .direct, loop other: NetworkLoop? = nil
    ) async throws -> Recorder {
        let recorder = Recorder(onOpen: { $0.send(text: "hello") }, onMessage: { connection, _ in connection.close() })
        _ = try (other ?? loop).open(
            WebSocketRequest(url: url, connectTimeoutMilliseconds: 300_000, proxy: proxy, trust: trust),
            receiver: recorder)
        #expect(await recorder.waitForEnd())
        return recorder
    }

    private func fetch(_ url: String, trust: Trust, proxy: ProxySettings = .direct) async -> HTTPResult {
        await withCheckedContinuation { continuation in
            let request = HTTPRequest(url: url, timeoutMilliseconds: 300_000, proxy: proxy, trust: trust)
            loop.send(request) { continuation.resume(returning: $0) }
        }
    }

    private func echo(_ files: TestAuthority.Files?) throws -> ScriptedServer {
        try webSocketServer(tls: files.map(TestAuthority.server)) { peer, frames in
            for frame in frames { peer.write(ServerFrame.bytes(frame.first & 0x0F, frame.payload)) }
        }
    }

    @Test("with the authority's file a WebSocket over TLS works, by name and by address")
    func trusted() async throws {
        let files = try TestAuthority.localhost.get()
        let server = try echo(files)
        for host in ["localhost", "127.0.0.1"] {
            let recorder = try await run(
                "wss://\(host):\(server.port)/", trust: Trust(certificateFile: files.authority))
            #expect(recorder.texts == ["hello"] && recorder.end?.code == 1000, "\(recorder.all)")
        }
        loop.stop()
    }

    @Test("an authority that nobody knows is refused in words")
    func unknown() async throws {
        let server = try echo(TestAuthority.localhost.get())
        let recorder = try await run("wss://localhost:\(server.port)/?secret", trust: .system)
        #expect(recorder.end?.failure == .tls && recorder.end?.wasOpen == false, "\(recorder.all)")
        #expect(recorder.end?.reason.contains("no authority that is trusted") == true)
        #expect(recorder.end?.reason.contains("CA file") == true)
        guard case .failure(let failure) = await fetch("https://localhost:\(server.port)/?secret", trust: .system)
        else {
            Issue.record("it was believed")
            return
        }
        #expect(failure.kind == .tls && failure.message.contains("certificate") && !failure.message.contains("secret"))
        loop.stop()
    }

    @Test("a certificate for another host is refused in words")
    func anotherHost() async throws {
        let files = try TestAuthority.elsewhere.get()
        let server = try echo(files)
        let trust = Trust(certificateFile: files.authority)
        let recorder = try await run("wss://localhost:\(server.port)/", trust: trust)
        #expect(recorder.end?.failure == .tls, "\(recorder.all)")
        #expect(recorder.end?.reason.contains("another host") == true, "\(recorder.all)")
        guard case .failure(let failure) = await fetch("https://localhost:\(server.port)/", trust: trust) else {
            Issue.record("it was believed")
            return
        }
        #expect(failure.kind == .tls)
        loop.stop()
    }

    @Test("a server that does not speak TLS, and a file that holds no certificates, are named")
    func noTLS() async throws {
        let server = try ScriptedServer { peer in peer.write("HTTP/1.1 400 Bad\r\n\r\n") }
        let recorder = try await run("wss://localhost:\(server.port)/", trust: .system)
        #expect(recorder.end?.failure == .tls, "\(recorder.all)")
        for file in ["/nowhere/ca.pem", "/dev/null"] {
            let failure = #expect(throws: NetworkFailure.self) {
                _ = try loop.open(
                    WebSocketRequest(url: "wss://localhost/", trust: Trust(certificateFile: file)),
                    receiver: Recorder())
            }
            #expect(failure?.kind == .tls && failure?.message.contains(file) == true, "\(String(describing: failure))")
        }
        loop.stop()
    }

    @Test("HTTPS works with the authority's file, and over a proxy")
    func https() async throws {
        let files = try TestAuthority.localhost.get()
        let server = try ScriptedServer(tls: TestAuthority.server(files)) { peer in
            while peer.takeHead() != nil { peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") }
        }
        let proxy = try TestProxy(user: "me:p@ss")
        let trust = Trust(certificateFile: files.authority)
        // First: libcurl would go on with a connection that the right password opened.
        guard
            case .failure(let failure) = await fetch(
                "https://localhost:\(server.port)/", trust: trust, proxy: .url("http://127.0.0.1:\(proxy.port)"))
        else {
            Issue.record("the proxy let it through without a password")
            return
        }
        #expect(failure.kind == .proxy, "\(failure)")
        for way in [.direct, .url("http://me:p%40ss@127.0.0.1:\(proxy.port)")] as [ProxySettings] {
            let response = try await fetch("https://localhost:\(server.port)/", trust: trust, proxy: way).get()
            #expect(response.status == 200 && response.body == Array("ok".utf8))
        }
        #expect(proxy.asked == ["localhost:\(server.port)"])
        loop.stop()
    }

    @Test("a WebSocket goes through a proxy by CONNECT, with TLS and without, given or from the environment")
    func proxy() async throws {
        let files = try TestAuthority.localhost.get()
        let (secure, plain) = (try echo(files), try echo(nil))
        let proxy = try TestProxy(user: "me:p@ss")
        let url = "http://me:p%40ss@127.0.0.1:\(proxy.port)"
        let trust = Trust(certificateFile: files.authority)
        let first = try await run("wss://localhost:\(secure.port)/", trust: trust, proxy: .url(url))
        #expect(first.texts == ["hello"] && first.end?.code == 1000, "\(first.all)")
        let other = NetworkLoop(environment: ["http_proxy": url])
        let second = try await run(
            "ws://127.0.0.1:\(plain.port)/", trust: .system, proxy: .environment, loop: other)
        #expect(second.texts == ["hello"], "\(second.all)")
        #expect(proxy.asked == ["localhost:\(secure.port)", "127.0.0.1:\(plain.port)"])
        other.stop()
        loop.stop()
    }

    @Test("a proxy that refuses, or is not there, is named as the culprit")
    func proxyRefuses() async throws {
        let proxy = try TestProxy(user: "me:other")
        let refused = try await run(
            "ws://127.0.0.1:9/", trust: .system, proxy: .url("http://me:secret@127.0.0.1:\(proxy.port)"))
        #expect(refused.end?.failure == .proxy && refused.end?.reason.contains("407") == true, "\(refused.all)")
        #expect(refused.end?.reason.contains("secret") == false)
        let gone = try await run("ws://127.0.0.1:9/", trust: .system, proxy: .url("http://127.0.0.1:1"))
        #expect(gone.end?.failure == .proxy && gone.end?.reason.contains("proxy") == true, "\(gone.all)")
        loop.stop()
    }
}
