/// A symbol or a glob over symbols: `*` stands for any run of characters (none too), `?` for one.
public struct SymbolPattern: Hashable, Sendable, CustomStringConvertible {
    /// As it was written.
    public let text: String
    private let bytes: [UInt8]

    /// Whether it names exactly one symbol.
    public let isExact: Bool

    /// Checks a pattern: a symbol, or 1 to 77 characters that could match one.
    ///
    /// - Throws: `SymbolError` where it is neither a symbol nor a glob that any symbol could match.
    public init(_ text: String) throws(SymbolError) {
        let bytes = Array(text.utf8)
        let isGlob = bytes.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
        if isGlob {
            guard bytes.count <= 77 else { throw SymbolError(text, .badLength) }
            let allowed = bytes.allSatisfy {
                Symbol.isNameByte($0) || $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?")
            }
            guard allowed else { throw SymbolError(text, .badCharacter) }
        } else {
            _ = try Symbol(text)
        }
        self.text = text
        self.bytes = bytes
        isExact = !isGlob
    }

    /// The pattern of one symbol.
    public init(_ symbol: Symbol) {
        text = symbol.text
        bytes = Array(symbol.text.utf8)
        isExact = true
    }

    /// The symbol it names, if it is exact.
    public var symbol: Symbol? { isExact ? try? Symbol(text) : nil }

    public var description: String { text }

    /// Whether the whole symbol matches. Linear in the two lengths but for patterns with several `*`, where it is at
    /// most their product.
    public func matches(_ symbol: Symbol) -> Bool { matches(symbol.text) }

    /// As `matches(_:)` for text that is known to be a symbol.
    public func matches(_ symbol: String) -> Bool {
        var symbol = symbol
        return symbol.withUTF8 { matches(utf8: $0) }
    }

    func matches(utf8 symbol: UnsafeBufferPointer<UInt8>) -> Bool {
        var at = 0
        var pattern = 0
        // Where to go on from when a character does not fit: after the newest `*`, which takes one character more.
        var star = -1
        var starAt = 0
        while at < symbol.count {
            if pattern < bytes.count, bytes[pattern] == UInt8(ascii: "*") {
                star = pattern
                starAt = at
                pattern += 1
            } else if pattern < bytes.count,
                bytes[pattern] == symbol[at] || bytes[pattern] == UInt8(ascii: "?")
            {
                pattern += 1
                at += 1
            } else if star >= 0 {
                starAt += 1
                at = starAt
                pattern = star + 1
            } else {
                return false
            }
        }
        while pattern < bytes.count, bytes[pattern] == UInt8(ascii: "*") { pattern += 1 }
        return pattern == bytes.count
    }
}
