/// What a client and the hub agree on about permessage-deflate, RFC 7692, section 7.1.
///
/// The hub never goes on with its context from one message to the next, so that a message is compressed once for all
/// clients of a group, and asks the same of clients, so that a connection costs no memory for it.
struct DeflateOffer: Hashable, Sendable {
    /// Logarithm of the window that the client can take, 9 to 15.
    var windowBits: Int
    /// Whether the client said how large the window may be: then it is told.
    private var isBounded: Bool

    /// The first offer of `Sec-WebSocket-Extensions` that the hub can take; `nil` where there is none.
    init?(extensions fields: [String]) {
        for field in fields {
            for offer in Self.split(field, at: ",") {
                if let taken = Self.take(offer) {
                    self = taken
                    return
                }
            }
        }
        return nil
    }

    private init(windowBits: Int, isBounded: Bool) {
        self.windowBits = windowBits
        self.isBounded = isBounded
    }

    /// The header's value in the answer.
    var answer: String {
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            + (isBounded ? "; server_max_window_bits=\(windowBits)" : "")
    }

    /// One offer; what is unknown, said twice or out of range makes all of it void.
    private static func take(_ offer: Substring) -> DeflateOffer? {
        let parts = split(offer, at: ";")
        guard parts.first?.lowercased() == "permessage-deflate" else { return nil }
        var taken = DeflateOffer(windowBits: 15, isBounded: false)
        var seen = Set<String>()
        for part in parts.dropFirst() {
            let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(trimmed)
            let name = pieces[0].lowercased()
            guard seen.insert(name).inserted else { return nil }
            let value = pieces.count > 1 ? unquoted(pieces[1]) : nil
            switch name {
            case "server_no_context_takeover", "client_no_context_takeover":
                guard value == nil else { return nil }
            case "client_max_window_bits":
                // A hint that the hub may make it smaller, which it has no need to.
                if let value, bits(value) == nil { return nil }
            case "server_max_window_bits":
                // zlib has no window of 8 bits for this: such an offer cannot be met.
                guard let value, let bits = bits(value), bits >= 9 else { return nil }
                taken = DeflateOffer(windowBits: bits, isBounded: true)
            default: return nil
            }
        }
        return taken
    }

    private static func bits(_ text: Substring) -> Int? {
        guard text.first != "0", text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let bits = Int(text) else {
            return nil
        }
        return (8...15).contains(bits) ? bits : nil
    }

    private static func split(_ text: some StringProtocol, at separator: Character) -> [Substring] {
        Substring(text).split(separator: separator).map(trimmed)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }

    private static func unquoted(_ text: Substring) -> Substring {
        text.count >= 2 && text.first == "\"" && text.last == "\"" ? text.dropFirst().dropLast() : text
    }
}
