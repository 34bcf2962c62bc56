import JSONReading
import PluginKit

/// What Finnhub's refusals mean.
enum FinnhubErrors {
    /// The `error` of a body that is an object with one; refusals come under status 200 too.
    static func text(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) -> String? {
        var reader = JSONReader(bytes, scratch: scratch)
        do {
            guard try reader.kind() == .object else { return nil }
            try reader.enterObject()
            while let key = try reader.nextKey() {
                if key == "error" { return try reader.textIfAny()?.string }
                try reader.skip()
            }
        } catch {
            return nil
        }
        return nil
    }

    /// Why an answer is none; `nil` = it is one.
    ///
    /// - Parameter what: the call, for people.
    static func of(
        _ response: HTTPResponse, _ scratch: JSONScratch, what: String, now: Now
    ) -> PluginError? {
        if response.status == 0 {
            return PluginError(response.failure ?? .network, "Finnhub did not answer \(what)")
        }
        // Only unknown paths lead to the front page; any other address is not Finnhub's answer.
        if (300..<400).contains(response.status), let place = response.header("location"), place != "/" {
            return PluginError(.network, "what answered \(what) is not Finnhub: it sent elsewhere")
        }
        let asked = response.header("retry-after").flatMap { Int64($0) }
            .map { now.wallNanoseconds / 1_000_000_000 + min(max($0, 0), 3600) + 1 }
        let wait = asked ?? response.header("x-ratelimit-reset").flatMap { Int64($0) }
        return of(
            status: response.status, text: text(response.body, scratch), what: what, resetSeconds: wait, now: now)
    }

    static func of(status: Int, text: String?, what: String, resetSeconds: Int64?, now: Now) -> PluginError? {
        let told = text.map { ": \($0)" } ?? ""
        switch status {
        case 200..<300:
            guard let text else { return nil }
            return ofText(text, what, resetSeconds, now)
        case 401: return PluginError(.authentication, "Finnhub refuses the key for \(what)\(told)")
        case 403: return PluginError(.entitlement, "Finnhub's plan does not include \(what)\(told)")
        case 404: return PluginError(.notFound, "Finnhub has nothing for \(what)\(told)")
        case 422: return PluginError(.internal, "Finnhub does not accept the parameters of \(what)\(told)")
        case 429: return limit(what, told, resetSeconds, now)
        // Paths that it does not know are answered with a redirect to its front page.
        case 300..<400: return PluginError(.notFound, "Finnhub has no \(what)")
        case 500...: return PluginError(.network, "Finnhub failed (\(status)) at \(what)\(told)")
        default: return PluginError(.protocolViolation, "Finnhub answered \(status) to \(what)\(told)")
        }
    }

    /// A refusal under status 200, told by its text.
    private static func ofText(_ text: String, _ what: String, _ reset: Int64?, _ now: Now) -> PluginError {
        let small = text.lowercased()
        if small.contains("limit reached") { return limit(what, ": \(text)", reset, now) }
        if small.contains("have access") {
            return PluginError(.entitlement, "Finnhub's plan does not include \(what): \(text)")
        }
        if small.contains("api key") || small.contains("token") {
            return PluginError(.authentication, "Finnhub refuses the key for \(what): \(text)")
        }
        return PluginError(.protocolViolation, "Finnhub refused \(what): \(text)")
    }

    private static func limit(_ what: String, _ told: String, _ reset: Int64?, _ now: Now) -> PluginError {
        var wait: Int64 = 60_000
        if let reset {
            let until = reset * 1000 - now.wallNanoseconds / 1_000_000
            if until > 0, until <= 3_600_000 { wait = until }
        }
        return PluginError(
            .rateLimit, "Finnhub's limit of calls is reached at \(what)\(told)", retryAfterMilliseconds: Int32(wait))
    }
}
