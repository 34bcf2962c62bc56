/// Gathers what an answer is made of into a short tag.
///
/// A quick mixing hash of 64 bits: it tells states of one hub apart, and is no protection against anybody.
struct ContentTag {
    private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

    mutating func add(_ number: UInt64) {
        let (high, low) = (state ^ number).multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
        state = high ^ low &+ 0x2545_f491_4f6c_dd1d
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var at = 0
        while at + 8 <= bytes.count {
            add(bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            at += 8
        }
        var rest: UInt64 = 0
        while at < bytes.count {
            rest = rest << 8 | UInt64(bytes[at])
            at += 1
        }
        add(rest)
        add(UInt64(bytes.count))
    }

    mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    }

    /// Weak, since `as_of` in the answer moves on while the data stay the same.
    var weak: String { "W/\"\(digits)\"" }

    var number: UInt64 { state }

    private var digits: String {
        let text = String(state, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    /// Whether a tag is among those of `If-None-Match`, by weak comparison (RFC 9110, section 8.8.3.2).
    static func matches(_ field: String?, _ tag: String) -> Bool {
        guard let field else { return false }
        let plain = opaque(tag[...])
        return field.split(separator: ",").contains { element in
            let element = Negotiation.trimmed(element)
            return element == "*" || opaque(element) == plain
        }
    }

    private static func opaque(_ tag: Substring) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag }
}
