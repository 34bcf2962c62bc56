import Glibc
import HubConfig
import HubModel
import Testing

@testable import HubRuntime

@Suite("Secrets and their tokens")
struct SecretBookTests {
    private static func book(_ logins: LoginFile = LoginFile(path: nil, onProblem: { _ in })) -> SecretBook {
        SecretBook(
            settings: PluginSettings(
                [
                    "api_key": "k/1 ü", "api_secret": "s\"x", "access_token": "old", "mode": "full",
                    "rest_url": "http://127.0.0.1:9/v1",
                ], secrets: ["/api_key", "/api_secret", "/access_token"]),
            hosts: ["api.example.com"], logins: logins)
    }

    @Test("a plugin sees a token, and the secret stands in its place on the way out, escaped for where it stands")
    func splice() throws {
        let book = Self.book()
        let token = try #require(book.token(ofSetting: "/api_key"))
        #expect(token.hasPrefix("HUBSECRET") && token.count == 31)
        #expect(book.token(ofSetting: "/api_key") == token)
        #expect(book.token(ofSetting: "/mode") == nil)
        #expect(try book.splice("?k=\(token)&m=1", .url) == "?k=k%2F1%20%C3%BC&m=1")
        #expect(try book.splice("token \(token):\(token)", .header) == "token k/1 ü:k/1 ü")
        let other = try #require(book.token(ofSetting: "/api_secret"))
        #expect(try book.splice("{\"a\":\"\(other)\"}", .json) == #"{"a":"s\"x"}"#)
        #expect(try book.splice("HUBSECRETofnobodyatallxxxxxxxxx", .raw) == "HUBSECRETofnobodyatallxxxxxxxxx")
    }

    @Test("secrets go to the plugin's hosts and to those of the operator's settings, and nowhere else")
    func hosts() throws {
        let book = Self.book()
        let token = try #require(book.token(ofSetting: "/api_key"))
        for url in ["https://api.example.com/x", "wss://API.example.com:443", "http://127.0.0.1:77/login"] {
            #expect(try book.reveal(in: token, .raw, towards: url) == "k/1 ü")
        }
        for url in [
            "https://evil.example", "https://api.example.com.evil.example/", "https://api.example.com@evil.example/",
            "x",
        ] {
            #expect(throws: SecretBook.Refusal.self) { try book.reveal(in: token, .raw, towards: url) }
            #expect(try book.reveal(in: "nothing secret", .raw, towards: url) == "nothing secret")
        }
    }

    @Test("a derived token is worked out of secrets when it is put in place")
    func derive() throws {
        let book = Self.book()
        let key = try #require(book.token(ofSetting: "/access_token"))
        // SHA-256 of "abcold".
        let sum = book.derive(.sha256, ["abc", key])
        #expect(book.derive(.sha256, ["abc", key]) == sum)
        #expect(try book.splice(sum, .raw) == "54dfb5e4b568e13fd5beb1d3f18ab5c44c85f255cbdb891478f2dc5e31bc117b")
        #expect(try book.splice(book.derive(.basic, ["user", key]), .header) == "dXNlcjpvbGQ=")
    }

    @Test("what a login brought outlives the process, readable by its owner only, until the operator writes another")
    func logins() throws {
        let folder = try PluginFolder()
        let path = folder.file("logins/zerodha.json")
        let first = Self.book(LoginFile(path: path, onProblem: { Issue.record("\($0)") }))
        #expect(first.kept("access_token") == nil)
        let token = first.capture("access_token", "fresh", expiresNanoseconds: 77)
        #expect(try first.splice(token, .raw) == "fresh")
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let second = Self.book(LoginFile(path: path, onProblem: { Issue.record("\($0)") }))
        let kept = try #require(second.kept("access_token"))
        #expect(kept.expiresNanoseconds == 77 && kept.token != token)
        #expect(try second.splice(kept.token, .raw) == "fresh")
        let changed = SecretBook(
            settings: PluginSettings(["access_token": "newer"], secrets: ["/access_token"]), hosts: [],
            logins: LoginFile(path: path, onProblem: { _ in }))
        #expect(changed.kept("access_token") == nil)
        second.forget("access_token")
        #expect(second.kept("access_token") == nil)
        #expect(throws: SecretBook.Refusal.self) { try second.splice(kept.token, .raw) }
    }
}
