import JSONReading
import PluginKit

/// Errors of Kite's REST calls.
enum KiteError {
    /// What an answer says went wrong; nil = it is a success with a body of the kind that was asked for.
    static func of(_ response: HTTPResponse, expecting type: String = "json") -> PluginError? {
        guard response.status != 0 else {
            // The host puts its reason in the place of a body.
            let reason = String(decoding: response.body.prefix(200), as: UTF8.self)
            return PluginError(
                response.failure ?? .network, "no answer from Kite" + (reason.isEmpty ? "" : ": \(reason)"))
        }
        // The list of instruments may come as any kind of text; a page or an error is what it must not be.
        let said = response.header("content-type")?.lowercased() ?? type
        let isRight = type == "json" ? said.contains(type) : !said.contains("html") && !said.contains("json")
        if response.status == 200, isRight { return nil }
        return error(status: response.status, body: response.body, isExpectedType: isRight)
    }

    /// The error that an HTTP status and a body stand for.
    static func error(status: Int, body: UnsafeRawBufferPointer, isExpectedType: Bool = true) -> PluginError {
        let (type, message) = envelope(body)
        let said = message.isEmpty ? "HTTP status \(status)" : message
        if status == 429 {
            return PluginError(.rateLimit, "Kite refuses more requests for now: \(said)", retryAfterMilliseconds: 1000)
        }
        // Whatever the body says: who answers does not know us.
        if status == 401 { return PluginError(.authentication, "Kite refuses: \(said). Log in again") }
        switch type {
        case "TokenException":
            return PluginError(.authentication, "Kite does not take the access token: \(said). Log in again")
        case "TwoFAException", "UserException":
            return PluginError(.authentication, "Kite wants something of the account's owner: \(said)")
        case "PermissionException":
            return PluginError(.entitlement, "this Kite app has no right to it: \(said)")
        case "InputException":
            return PluginError(.unsupported, "Kite does not take the request: \(said)")
        case "NetworkException", "DataException", "GeneralException":
            return PluginError(.network, "Kite has a fault: \(said)", retryAfterMilliseconds: 1000)
        default: break
        }
        switch status {
        case 403: return PluginError(.authentication, "Kite refuses: \(said). Log in again")
        case 404, 405, 410: return PluginError(.notFound, "Kite does not know this: \(said)")
        case 400..<500: return PluginError(.unsupported, "Kite does not take the request: \(said)")
        case 200 where !isExpectedType:
            return PluginError(.network, "what answered is not Kite: its answer is of another type than asked for")
        default: return PluginError(.network, "Kite has a fault: \(said)", retryAfterMilliseconds: 1000)
        }
    }

    /// Type and message of an error's body; empty where it has none.
    static func envelope(_ body: UnsafeRawBufferPointer) -> (type: String, message: String) {
        var type = ""
        var message = ""
        // The reader does not keep its scratch memory alive.
        let scratch = JSONScratch()
        defer { withExtendedLifetime(scratch) {} }
        var reader = JSONReader(body, scratch: scratch)
        do throws(JSONError) {
            try reader.enterObject()
            while let key = try reader.nextKey() {
                switch key {
                case "error_type": type = try reader.textIfAny()?.string ?? ""
                case "message": message = String(try reader.textIfAny()?.string.prefix(200) ?? "")
                default: try reader.skip()
                }
            }
        } catch {
            // Not JSON: a proxy's page, say. The status has to do.
        }
        return (type, message)
    }
}
