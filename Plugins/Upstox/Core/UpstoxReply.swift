import JSONReading
import PluginKit

/// Small replies.
enum UpstoxReply {
    /// The one-time address in the answer to an authorisation.
    static func address(_ bytes: UnsafeRawBufferPointer) throws -> String {
        var address = ""
        var older = ""
        var reader = JSONReader(bytes, scratch: JSONScratch())
        do throws(JSONError) {
            try reader.enterObject()
            while let key = try reader.nextKey() {
                guard key == "data", try reader.kind() == .object else {
                    try reader.skip()
                    continue
                }
                try reader.enterObject()
                while let key = try reader.nextKey() {
                    switch key {
                    case "authorized_redirect_uri": address = try reader.textIfAny()?.string ?? ""
                    case "authorizedRedirectUri": older = try reader.textIfAny()?.string ?? ""
                    default: try reader.skip()
                    }
                }
            }
        } catch {
            throw PluginError(
                .protocolViolation, "Upstox's answer to the authorisation of a feed cannot be read: \(error)")
        }
        if address.isEmpty { address = older }
        guard address.hasPrefix("ws://") || address.hasPrefix("wss://") else {
            throw PluginError(
                .protocolViolation, "Upstox's answer to the authorisation of a feed has no ws or wss address",
                retryAfterMilliseconds: 5000)
        }
        return address
    }

    /// A text within JSON.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<" ": result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
