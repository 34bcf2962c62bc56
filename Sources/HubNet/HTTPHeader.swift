/// A field of an HTTP message. Values may be credentials: they are never logged.
public struct HTTPHeader: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Whether it can stand in a message: a token, and a value without line ends or other control characters.
    var isValid: Bool {
        !name.isEmpty && name.utf8.allSatisfy(Self.isTokenByte)
            && value.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
    }

    func isNamed(_ other: String) -> Bool { name.count == other.count && name.lowercased() == other }

    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

extension Sequence where Element == HTTPHeader {
    /// The first value of a header.
    ///
    /// - Parameter name: in small letters.
    public func value(of name: String) -> String? { first { $0.isNamed(name) }?.value }

    /// The values of a header that is a list, taken apart at commas, in small letters.
    func tokens(of name: String) -> [String] {
        filter { $0.isNamed(name) }.flatMap { header in
            header.value.split(separator: ",").map { $0.trimmed.lowercased() }.filter { !$0.isEmpty }
        }
    }
}

extension StringProtocol {
    /// Without spaces and tabs at either end.
    var trimmed: SubSequence {
        guard let start = firstIndex(where: { $0 != " " && $0 != "\t" }),
            let end = lastIndex(where: { $0 != " " && $0 != "\t" })
        else { return self[startIndex..<startIndex] }
        return self[start...end]
    }
}

extension StringProtocol where SubSequence == Substring {
    /// Where a text first stands in this one.
    func firstRange(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
