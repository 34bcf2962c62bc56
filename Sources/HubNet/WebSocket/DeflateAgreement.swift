/// What client and server agreed on about permessage-deflate: RFC 7692, section 7.1.
struct DeflateAgreement: Hashable, Sendable {
    /// What the client offers: it takes anything the server chooses.
    static let offer = "permessage-deflate; client_max_window_bits"

    /// Whether the server goes on with its context from one message to the next.
    var serverKeepsContext = true
    var clientKeepsContext = true
    /// 8 to 15; zlib cannot pack with 8, so then nothing is packed.
    var clientWindowBits = 15

    /// What the server answered in `Sec-WebSocket-Extensions`; `nil` = nothing is compressed.
    ///
    /// - Throws: for anything that was not offered: the connection cannot go on.
    static func read(_ values: [String]) throws(Violation) -> DeflateAgreement? {
        let extensions = values.flatMap { $0.split(separator: ",") }.map(\.trimmed).filter { !$0.isEmpty }
        guard let first = extensions.first else { return nil }
        guard extensions.count == 1 else { throw mismatch("the server chose more than one extension") }
        let parts = first.split(separator: ";", omittingEmptySubsequences: false).map(\.trimmed)
        guard parts[0].lowercased() == "permessage-deflate" else {
            throw mismatch("the server chose an extension that was not offered")
        }
        var agreement = DeflateAgreement()
        var seen = Set<String>()
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
            let name = pair[0].lowercased()
            guard seen.insert(name).inserted else { throw mismatch("a parameter of permessage-deflate is given twice") }
            let value = pair.count > 1 ? unquoted(pair[1]) : nil
            switch (name, value) {
            case ("server_no_context_takeover", nil): agreement.serverKeepsContext = false
            case ("client_no_context_takeover", nil): agreement.clientKeepsContext = false
            case ("server_max_window_bits", let value?) where bits(value) != nil: break
            case ("client_max_window_bits", let value?):
                guard let bits = bits(value) else { fallthrough }
                agreement.clientWindowBits = bits
            default: throw mismatch("the server answered permessage-deflate with a parameter that is none")
            }
        }
        return agreement
    }

    private static func mismatch(_ reason: String) -> Violation { Violation(code: 1010, reason: reason) }

    private static func bits(_ text: Substring) -> Int? {
        guard let bits = Int(text), text == "\(bits)", (8...15).contains(bits) else { return nil }
        return bits
    }

    private static func unquoted(_ text: Substring) -> Substring {
        text.count >= 2 && text.first == "\"" && text.last == "\"" ? text.dropFirst().dropLast() : text
    }
}
