/// One value of a YAML document, with its place.
struct YAMLNode: Sendable {
    enum Content: Sendable {
        case scalar(YAMLScalar)
        case list([YAMLNode])
        case map([YAMLEntry])
        /// Something that has been complained about already; nobody needs to look at it again.
        case invalid
    }

    var content: Content
    var span: SourceSpan
}

struct YAMLScalar: Sendable {
    enum Style: Sendable { case plain, singleQuoted, doubleQuoted, block }
    var text: String
    var style: Style

    /// Nothing at all, or a word that YAML takes for nothing.
    var isNull: Bool {
        style == .plain
            && (text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL")
    }
}

/// A key of a map with its value.
struct YAMLEntry: Sendable {
    var key: String
    var keySpan: SourceSpan
    var value: YAMLNode
}

extension YAMLNode {
    var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    var isNull: Bool { scalar?.isNull ?? false }

    /// The kind of value in words, for messages.
    var kindInWords: String {
        switch content {
        case .scalar(let scalar):
            if scalar.isNull { return "nothing" }
            guard scalar.style == .plain else { return "a text" }
            return switch CoreScalar(scalar.text) {
            case .bool: "a boolean"
            case .integer, .number: "a number"
            default: "a text"
            }
        case .list: return "a list"
        case .map: return "a map"
        case .invalid: return "something invalid"
        }
    }
}

/// What an unquoted scalar is by YAML 1.2's core schema.
enum CoreScalar: Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text

    init(_ text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .bool(true)
        case "false", "False", "FALSE": self = .bool(false)
        default:
            if let integer = CoreScalar.integer(text) {
                self = .integer(integer)
            } else if let number = CoreScalar.number(text) {
                self = .number(number)
            } else {
                self = .text
            }
        }
    }

    /// `-12`, `+3`, `0x1f`, `0o17`.
    static func integer(_ text: String) -> Int64? {
        if text.hasPrefix("0x") || text.hasPrefix("0o") {
            let digits = text.dropFirst(2)
            guard let first = digits.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "+")
            else { return nil }
            return Int64(digits, radix: text.hasPrefix("0x") ? 16 : 8)
        }
        return Int64(text)
    }

    /// A finite decimal number, whole or not.
    static func number(_ text: String) -> Double? {
        let allowed = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "+"),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                true
            default: false
            }
        }
        guard allowed,
            text.utf8.contains(where: { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else {
            return nil
        }
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }
}
