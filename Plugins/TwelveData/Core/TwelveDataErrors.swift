import JSONReading
import PluginKit

/// What TwelveData's refusals mean. Most come in the body, under status 200 too.
enum TwelveDataErrors {
    /// The error that a body is; `nil` = it is an answer.
    static func body(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) -> (code: Int, message: String)? {
        var reader = JSONReader(bytes, scratch: scratch)
        do {
            guard try reader.kind() == .object else { return nil }
            return try object(&reader)
        } catch {
            return nil
        }
    }

    /// The same for an object inside an answer: an item of a batch.
    static func object(_ reader: inout JSONReader) throws(JSONError) -> (code: Int, message: String)? {
        var code: Int?
        var message: String?
        var isError = false
        try reader.enterObject()
        while let key = try reader.nextKey() {
            switch key {
            case "code":
                if try reader.kind() == .number { code = Int(exactly: try reader.number()) } else { try reader.skip() }
            case "message": message = try reader.textIfAny()?.string
            case "status": if let status = try reader.textIfAny() { isError = status == "error" }
            default: try reader.skip()
            }
        }
        // The answers of a batch have a code of their own: 200.
        guard isError || (code ?? 200) >= 400 && message != nil else { return nil }
        return (code ?? 0, message ?? "no reason was given")
    }

    /// Why an answer is none; `nil` = it is one.
    static func of(_ response: HTTPResponse, _ scratch: JSONScratch, what: String, now: Now) -> PluginError? {
        if response.status == 0 {
            return PluginError(response.failure ?? .network, "TwelveData did not answer \(what)")
        }
        var error: PluginError?
        if let (code, message) = body(response.body, scratch) {
            error = of(code: code == 0 ? response.status : code, message, what: what, now: now)
        } else if response.status >= 300 {
            error = of(code: response.status, "", what: what, now: now)
        }
        // Where somebody says how long, that is how long.
        if error?.status == .rateLimit, let wait = response.header("retry-after").flatMap({ Int32($0) }) {
            error?.retryAfterMilliseconds = min(max(wait, 0), 86_400) * 1000
        }
        return error
    }

    static func of(code: Int, _ message: String, what: String, now: Now) -> PluginError {
        let told = message.isEmpty ? "" : ": \(message)"
        let small = message.lowercased().replacing("*", with: "")
        switch code {
        case 400 where small.hasPrefix("no data is available"):
            return PluginError(.notFound, empty)
        case 400 where small.contains("not found"), 404:
            return PluginError(.notFound, "TwelveData has nothing for \(what)\(told)")
        case 400, 414: return PluginError(.internal, "TwelveData does not accept \(what)\(told)")
        case 401: return PluginError(.authentication, "TwelveData refuses the key\(told)")
        case 403: return PluginError(.entitlement, "TwelveData's plan does not include \(what)\(told)")
        case 429:
            let minute: Int64 = 60_000_000_000
            let day = 1440 * minute
            // A day's credits come back at midnight UTC, a minute's with the next one of the clock.
            let window = small.contains("for the day") || small.contains("daily") ? day : minute
            let wait = window - now.wallNanoseconds % window
            return PluginError(
                .rateLimit, "TwelveData's credits are spent\(told)",
                retryAfterMilliseconds: Int32(clamping: (wait + 999_999) / 1_000_000))
        case 500...: return PluginError(.network, "TwelveData failed (\(code)) at \(what)\(told)")
        default: return PluginError(.protocolViolation, "TwelveData answered \(code) to \(what)\(told)")
        }
    }

    /// The text that says that dates without data were asked for: an empty answer, not a fault.
    static let empty = "TwelveData has no data for these dates"
}
