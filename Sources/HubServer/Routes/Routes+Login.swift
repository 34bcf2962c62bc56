import EventFormat
import HTTPTypes
import HubModel
import HubRuntime
import HummingbirdCore
import NIOCore

/// Logging in to vendors whose credential a person has to fetch in a browser.
///
/// `GET /auth/{provider}` leads to the vendor's page, which comes back to `/auth/{provider}/callback`;
/// `POST /auth/{provider}` with `{"token": "…"}` takes one that was got elsewhere. Credentials stay in the hub.
extension Routes {
    func addLogin(to table: inout RouteTable) {
        table.get("/auth/{provider}") { call in try await beginLogin(call) }
        table.get("/auth/{provider}/callback") { call in try await endLogin(call) }
        table.post("/auth/{provider}") { call in try await takeToken(call) }
    }

    /// Where others reach the hub.
    private func redirect(_ provider: String) -> String { "\(settings.publicURL)/auth/\(provider)/callback" }

    private func beginLogin(_ call: Call) async throws -> Response {
        let provider = try call.part("provider")
        var reader = parameters(call)
        let asText = reader.text("format") == "json"
        try reader.finish()
        let url = try await blocking {
            try login { () throws(LoginError) in
                try engine.loginURL(of: provider, redirect: redirect(provider))
            }
        }
        if asText {
            var text = TextBuffer(capacity: 512)
            text.beginObject()
            text.member("provider", provider)
            text.member("login_url", url)
            text.endObject()
            return Reply.json(text)
        }
        return Response(status: .found, headers: [.location: url, .cacheControl: "no-store"])
    }

    private func endLogin(_ call: Call) async throws -> Response {
        let provider = try call.part("provider")
        let fields = call.query.pairs
        try await blocking {
            try login { () throws(LoginError) in
                try engine.finishLogin(of: provider, fields: fields)
            }
        }
        var text = TextBuffer(capacity: 512)
        text.append("<!doctype html><meta charset=utf-8><title>hub</title><p>Logged in to ")
        text.append(text: provider)
        text.append(". You can close this page.")
        return Reply.text(text, type: "text/html; charset=utf-8")
    }

    private func takeToken(_ call: Call) async throws -> Response {
        let provider = try call.part("provider")
        let body = try await call.request.body.collect(upTo: 16 << 10)
        let tree = try? SettingsTree(json: Array(body.readableBytesView))
        guard let token = tree?["token"]?.textValue, !token.isEmpty else {
            throw Problem(.badParameter, "expected a JSON object {\"token\": \"…\"}")
        }
        try await blocking { try login { () throws(LoginError) in try engine.takeToken(token, of: provider) } }
        var text = TextBuffer(capacity: 128)
        text.beginObject()
        text.member("provider", provider)
        text.member("state", "accepted")
        text.endObject()
        return Reply.json(text)
    }

    private func login<Value>(_ body: () throws(LoginError) -> Value) throws(Problem) -> Value {
        do throws(LoginError) {
            return try body()
        } catch let error {
            switch error.kind {
            case .notFound: throw Problem(.notFound, error.description)
            case .unexpected: throw Problem(.badParameter, error.description)
            case .refused: throw Problem(.providerFailed, error.description)
            case .timeout: throw Problem(.providerTimeout, error.description)
            }
        }
    }
}
