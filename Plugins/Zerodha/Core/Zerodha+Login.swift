import IndianMarkets
public import PluginKit

extension Zerodha {
    public func loginURL(redirect: String, state: String, now: Now) throws -> String {
        // The vendor sends the browser to the address registered for the app; what it brings back is what
        // redirect_params holds, escaped once more.
        let back = URLText.escaped(URLText.form([("state", state)]))
        let mark = settings.loginURL.contains("?") ? "&" : "?"
        return "\(settings.loginURL)\(mark)v=3&api_key=\(settings.apiKey)&redirect_params=\(back)"
    }

    public func exchange(_ fields: [(name: String, value: String)], redirect: String, now: Now) throws {
        guard !settings.apiSecret.isEmpty else {
            throw PluginError.setting("/api_secret", "a login needs the app's secret: set api_secret")
        }
        guard let token = fields.first(where: { $0.name == "request_token" })?.value, !token.isEmpty else {
            throw PluginError(
                .authentication, "Kite sent no request_token back: the login was not finished, start it again")
        }
        let checksum = try host.derive(.sha256, [settings.apiKey, token, settings.apiSecret])
        // Tokens of the host are letters and digits, so that they stand in the form as they are.
        let body = "api_key=\(settings.apiKey)&request_token=\(token)&checksum=\(checksum)"
        let expires = IndianTime.next(hour: 6, minute: 0, after: now.wallNanoseconds)
        try send(
            HTTPRequest(
                url: "\(settings.restURL)/session/token", method: "POST",
                headers: [
                    (name: "X-Kite-Version", value: "3"),
                    (name: "Content-Type", value: "application/x-www-form-urlencoded"),
                ],
                body: Array(body.utf8), rateClass: Rate.other,
                captures: [
                    .init(pointer: "/data/access_token", name: "access_token", expiresNanoseconds: expires)
                ]), .login)
    }

    func takeLogin(_ response: HTTPResponse, _ now: Now) {
        if let error = KiteError.of(response) {
            return host.loginDone(
                PluginError(error.status, "\(error.text). A request token works once and for a few minutes"))
        }
        guard host.kept("access_token") != nil else {
            return host.loginDone(PluginError(.protocolViolation, "Kite's answer to the login has no access token"))
        }
        host.loginDone()
        let wasNeeded = session == .needed
        beginSession(now)
        if !wasNeeded {
            // The old token died with the login: its connections are opened again.
            for index in lines.lines.indices where lines.lines[index].phase == .open {
                host.close(UInt32(index + 1), code: 1000, reason: "a new login")
            }
        }
    }
}
