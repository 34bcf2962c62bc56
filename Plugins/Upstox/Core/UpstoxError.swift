import JSONReading
import PluginKit

/// Errors of Upstox's REST calls.
enum UpstoxError {
    /// What an answer says went wrong; nil = it is a success. A partial success is one: what is missing is missing.
    static func of(_ response: HTTPResponse) -> PluginError? {
        guard response.status != 0 else {
            // The host puts its reason in the place of a body.
            let reason = String(decoding: response.body.prefix(200), as: UTF8.self)
            return PluginError(
                response.failure ?? .network, "no answer from Upstox" + (reason.isEmpty ? "" : ": \(reason)"))
        }
        // One user saw the code of a spent budget under a status of success, so the code is looked at first.
        if (200..<300).contains(response.status), code(response.body).code.isEmpty {
            let type = response.header("content-type")?.lowercased() ?? ""
            guard type.contains("html") else { return nil }
            return PluginError(.network, "what answered is not Upstox: it sent a web page")
        }
        return error(status: response.status, body: response.body)
    }

    /// The error that an HTTP status and a body stand for.
    static func error(status: Int, body: UnsafeRawBufferPointer) -> PluginError {
        let (code, message) = code(body)
        let said = code.isEmpty ? "HTTP status \(status)" : "\(message) (\(code))"
        switch code {
        case "UDAPI100050", "UDAPI100016", "UDAPI100073":
            return PluginError(.authentication, "Upstox does not take the credentials: \(said). Log in again")
        case "UDAPI1017", "UDAPI1018", "UDAPI1023", "UDAPI1024":
            return PluginError(.authentication, "Upstox does not take the login: \(said). Log in again")
        case "UDAPI100067", "UDAPI1149", "UDAPI1154":
            return PluginError(.entitlement, "this Upstox token or plan has no right to it: \(said)")
        case "UDAPI10005":
            return PluginError(
                .rateLimit, "Upstox refuses more requests for now: \(said)", retryAfterMilliseconds: 2000)
        case "UDAPI100072", "UDAPI100074":
            return PluginError(.network, "Upstox is out of service hours: \(said)", retryAfterMilliseconds: 300_000)
        case "UDAPI100011", "UDAPI1087", "UDAPI1009", "UDAPI1011", "UDAPI1021":
            return PluginError(.notFound, "Upstox does not know the instrument: \(said)")
        case "UDAPI100500": return PluginError(.network, "Upstox has a fault: \(said)", retryAfterMilliseconds: 1000)
        default: break
        }
        switch status {
        case 401: return PluginError(.authentication, "Upstox refuses: \(said). Log in again")
        case 403 where code.isEmpty:
            return PluginError(
                .network, "something before Upstox refuses the request (403)", retryAfterMilliseconds: 5000)
        case 403: return PluginError(.entitlement, "Upstox refuses: \(said)")
        case 404, 410: return PluginError(.notFound, "Upstox does not know this: \(said)")
        case 423: return PluginError(.network, "Upstox is out of service hours", retryAfterMilliseconds: 300_000)
        case 429:
            return PluginError(.rateLimit, "Upstox refuses more requests for now", retryAfterMilliseconds: 2000)
        case 400..<500: return PluginError(.unsupported, "Upstox does not take the request: \(said)")
        default: return PluginError(.network, "Upstox has a fault: \(said)", retryAfterMilliseconds: 1000)
        }
    }

    /// Code and message of the first error of a body; empty where it has none.
    static func code(_ body: UnsafeRawBufferPointer) -> (code: String, message: String) {
        // Errors are short, and stand alone.
        guard body.count < 65_536 else { return ("", "") }
        var code = ""
        var older = ""
        var message = ""
        var reader = JSONReader(body, scratch: JSONScratch())
        do throws(JSONError) {
            guard try reader.enterObjectIfAny() else { return ("", "") }
            while let key = try reader.nextKey() {
                guard key == "errors", try reader.kind() == .array else {
                    try reader.skip()
                    continue
                }
                try reader.enterArray()
                while try reader.nextElement() {
                    guard code.isEmpty, older.isEmpty, try reader.kind() == .object else {
                        try reader.skip()
                        continue
                    }
                    try reader.enterObject()
                    while let key = try reader.nextKey() {
                        switch key {
                        case "error_code": code = try reader.textIfAny()?.string ?? ""
                        case "errorCode": older = try reader.textIfAny()?.string ?? ""
                        case "message": message = String(try reader.textIfAny()?.string.prefix(200) ?? "")
                        default: try reader.skip()
                        }
                    }
                }
            }
        } catch {
            // Not JSON: a page of something in between, say. The status has to do.
        }
        return (code.isEmpty ? older : code, message)
    }
}
