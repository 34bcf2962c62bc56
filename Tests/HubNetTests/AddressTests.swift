import Testing

@testable import HubNet

@Suite struct AddressTests {
    @Test("path and query stay as they were written")
    func target() throws {
        let address = try WebAddress("wss://Feed.Example:9443/a%20b?token=x%2By&x=[1]|2#part")
        #expect(address.host == "feed.example" && address.port == 9443 && address.isSecure)
        #expect(address.target == "/a%20b?token=x%2By&x=[1]|2")
        #expect(try WebAddress("ws://h?q=1").target == "/?q=1")
        #expect(try WebAddress("ws://[::1]:80/").authority == "[::1]")
    }

    @Test(
        "addresses that are none are refused without repeating them",
        arguments: [
            "", "feed.example", "ftp://h/secret", "ws:///secret", "ws://u:secret@h/", "ws://h:0/secret",
            "ws://h:99999/secret", "ws://h:x/secret", "ws://h/secret secret", "ws://[::1/secret", "ws://::1/secret",
            "ws://h/secret\r\nX: y",
        ])
    func none(url: String) {
        let failure = #expect(throws: NetworkFailure.self) { _ = try WebAddress(url) }
        #expect(failure?.kind == .request && failure?.message.contains("secret") == false)
    }
}

@Suite struct ProxyTests {
    private let environment = [
        "https_proxy": "http://me:p%40ss@proxy.example:8080", "http_proxy": "plain.example",
        "no_proxy": "localhost, .inside.example,10.0.0.0/8,feed.example:9000",
        "HTTP_PROXY": "http://evil.example",
    ]

    private func proxy(_ url: String, _ settings: ProxySettings = .environment) throws -> Proxy? {
        try settings.proxy(for: WebAddress(url), environment: environment)
    }

    @Test("the environment names the proxy by the scheme, and the hosts that need none")
    func environmentNames() throws {
        let secure = try #require(try proxy("wss://feed.example/"))
        #expect(secure.host == "proxy.example" && secure.port == 8080 && secure.user == "me")
        #expect(secure.authorization == "Basic bWU6cEBzcw==")
        #expect(try proxy("ws://feed.example/")?.host == "plain.example")
        for bypassed in [
            "ws://localhost/", "wss://a.inside.example/", "wss://inside.example", "https://10.2.3.4/",
            "wss://feed.example:9000",
        ] {
            #expect(try proxy(bypassed) == nil, "\(bypassed)")
        }
        #expect(try proxy("https://11.2.3.4/") != nil)
        #expect(try proxy("https://notinside.example/") != nil)
        #expect(try proxy("wss://feed.example/", .direct) == nil)
        #expect(try proxy("ws://localhost/", .url("http://given.example:1"))?.host == "given.example")
        #expect(try ProxySettings.environment.proxy(for: WebAddress("ws://h"), environment: ["HTTP_PROXY": "x"]) == nil)
        #expect(
            try ProxySettings.environment.proxy(
                for: WebAddress("ws://h"), environment: ["no_proxy": "*", "http_proxy": "x"]) == nil)
    }

    @Test("a proxy of another kind is refused in words")
    func otherKind() {
        #expect(throws: NetworkFailure.self) { _ = try proxy("ws://h/", .url("socks5://h:1")) }
    }

    @Test("Base64 is as the RFC's examples")
    func base64() {
        let examples = ["": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE="]
        for (plain, text) in examples { #expect(Base64.encode(Array(plain.utf8)) == text) }
    }
}
