import IndianMarkets
public import PluginKit

extension Upstox {
    public func loginURL(redirect: String, state: String, now: Now) throws -> String {
        guard !settings.apiKey.isEmpty else {
            throw PluginError.setting("/api_key", "a login needs the app's key: set api_key")
        }
        return "\(settings.restURL)/v2/login/authorization/dialog?response_type=code&client_id=\(settings.apiKey)&"
            + URLText.form([("redirect_uri", redirect), ("state", state)])
    }

    public func exchange(_ fields: [(name: String, value: String)], redirect: String, now: Now) throws {
        guard !settings.apiKey.isEmpty, !settings.apiSecret.isEmpty else {
            throw PluginError.setting(
                settings.apiKey.isEmpty ? "/api_key" : "/api_secret",
                "a login needs the app's key and secret: set api_key and api_secret")
        }
        guard let code = fields.first(where: { $0.name == "code" })?.value, !code.isEmpty else {
            throw PluginError(.authentication, "Upstox sent no code back: the login was not finished, start it again")
        }
        // Tokens of the host are letters and digits, so that they stand in the form as they are.
        let body =
            "code=\(code)&client_id=\(settings.apiKey)&client_secret=\(settings.apiSecret)&"
            + URLText.form([("redirect_uri", redirect), ("grant_type", "authorization_code")])
        let expires = IndianTime.next(hour: 3, minute: 30, after: now.wallNanoseconds)
        try send(
            HTTPRequest(
                url: "\(settings.restURL)/v2/login/authorization/token", method: "POST",
                headers: [
                    (name: "Accept", value: "application/json"),
                    (name: "Content-Type", value: "application/x-www-form-urlencoded"),
                ],
                body: Array(body.utf8), rateClass: Rate.second,
                captures: [.init(pointer: "/access_token", name: "access_token", expiresNanoseconds: expires)]), .login)
    }

    func takeLogin(_ response: HTTPResponse, _ now: Now) {
        if let error = UpstoxError.of(response) {
            return host.loginDone(PluginError(error.status, "\(error.text). A code works once"))
        }
        guard host.kept("access_token") != nil else {
            return host.loginDone(PluginError(.protocolViolation, "Upstox's answer to the login has no access token"))
        }
        host.loginDone()
        beginSession(now)
    }
}
