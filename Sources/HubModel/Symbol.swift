/// The name of an instrument, `VENUE:NAME`, as the whole hub writes it.
///
/// `VENUE` is `[A-Z][A-Z0-9]{0,11}`; `NAME` is 1 to 64 printable ASCII characters without `, * ? " \ /`, and neither
/// begins nor ends with a blank. A value of this type is always well-formed. Symbols are ordered by their bytes.
public struct Symbol: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The whole, `NSE:NIFTY 50`.
    public let text: String
    private let colon: Int

    /// Checks a symbol.
    ///
    /// - Throws: `SymbolError`, which says what is wrong with the text.
    public init(_ text: String) throws(SymbolError) {
        let bytes = Array(text.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            throw SymbolError(text, .noVenue)
        }
        guard Symbol.isVenue(bytes[..<colon]) else { throw SymbolError(text, .badVenue) }
        let name = bytes[(colon + 1)...]
        guard (1...64).contains(name.count) else { throw SymbolError(text, .badLength) }
        guard name.allSatisfy(Symbol.isNameByte) else { throw SymbolError(text, .badCharacter) }
        guard name.first != UInt8(ascii: " "), name.last != UInt8(ascii: " ") else {
            throw SymbolError(text, .badCharacter)
        }
        self.text = text
        self.colon = colon
    }

    /// What stands before the colon, `NSE`.
    public var venue: String { String(text.utf8.prefix(colon)) ?? "" }

    /// What stands after the colon, `NIFTY 50`.
    public var name: String { String(text.utf8.dropFirst(colon + 1)) ?? "" }

    public var description: String { text }

    public static func < (left: Symbol, right: Symbol) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    static func isVenue(_ bytes: some Collection<UInt8>) -> Bool {
        guard let first = bytes.first, (1...12).contains(bytes.count) else { return false }
        let capital = UInt8(ascii: "A")...UInt8(ascii: "Z")
        let digit = UInt8(ascii: "0")...UInt8(ascii: "9")
        return capital.contains(first)
            && bytes.allSatisfy { capital.contains($0) || digit.contains($0) }
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        guard (0x20...0x7e).contains(byte) else { return false }
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "\""),
            UInt8(ascii: "\\"),
            UInt8(ascii: "/"):
            return false
        default: return true
        }
    }
}

/// A text that is not a symbol, and why.
public struct SymbolError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with it.
    public enum Fault: Hashable, Sendable {
        case noVenue, badVenue, badLength, badCharacter
    }

    /// What was found.
    public let text: String
    public let fault: Fault

    init(_ text: String, _ fault: Fault) {
        self.text = text
        self.fault = fault
    }

    public var description: String {
        let reason =
            switch fault {
            case .noVenue: "there is no venue before the name"
            case .badVenue: "the venue is 1 to 12 capital letters and digits, beginning with a letter"
            case .badLength: "the name is 1 to 64 characters"
            case .badCharacter:
                "the name is printable ASCII without , * ? \" \\ / and without blanks at its ends"
            }
        return "'\(text)' is not a symbol: expected VENUE:NAME such as NSE:RELIANCE; \(reason)"
    }
}
