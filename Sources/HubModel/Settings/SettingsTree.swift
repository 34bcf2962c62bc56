/// A tree of values: the settings of a plugin, a message of a client, any JSON document.
///
/// Maps keep the order of their keys, and a key stands in a map once. Two trees are equal when they have the same
/// shape; the order of keys counts, and `integer(1)` is not `number(1)` (`canonicalBytes` looks past both).
public indirect enum SettingsTree: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Never NaN or infinite.
    case number(Double)
    case text(String)
    case list([SettingsTree])
    case map([(String, SettingsTree)])

    /// An empty map.
    public static var empty: SettingsTree { .map([]) }

    /// The value under a key of a map; `nil` where this is no map or has no such key.
    public subscript(key: String) -> SettingsTree? {
        guard case .map(let entries) = self else { return nil }
        return entries.first { $0.0 == key }?.1
    }

    /// The value a JSON pointer (RFC 6901) names: `""` is the whole, `/files/0/path` a part. `nil` where there is none.
    public subscript(pointer pointer: String) -> SettingsTree? {
        if pointer.isEmpty { return self }
        guard pointer.utf8.first == UInt8(ascii: "/") else { return nil }
        var at = self
        for part in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            switch at {
            case .map:
                guard let next = at[JSONPointer.unescape(part)] else { return nil }
                at = next
            case .list(let items):
                let isIndex = part == "0" || part.utf8.first != UInt8(ascii: "0")
                guard isIndex, let index = Digits.read(part.utf8), index < items.count else { return nil }
                at = items[index]
            default: return nil
            }
        }
        return at
    }

    /// The text, if it is one.
    public var textValue: String? {
        if case .text(let value) = self { value } else { nil }
    }

    /// The boolean, if it is one.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The integer; also of a `number` that is whole and fits.
    public var integerValue: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// The number, whole or not.
    public var numberValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The items of a list.
    public var listValue: [SettingsTree]? {
        if case .list(let items) = self { items } else { nil }
    }

    /// The entries of a map, in their order.
    public var mapValue: [(String, SettingsTree)]? {
        if case .map(let entries) = self { entries } else { nil }
    }

    /// The kind of value in words, for messages: `a text`, `a list`.
    public var kindInWords: String {
        switch self {
        case .null: "nothing"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .text: "a text"
        case .list: "a list"
        case .map: "a map"
        }
    }
}

extension SettingsTree: Equatable {
    public static func == (left: SettingsTree, right: SettingsTree) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.text(let a), .text(let b)): a == b
        case (.list(let a), .list(let b)): a == b
        case (.map(let a), .map(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.0 == $1.0 && $0.1 == $1.1 }
        default: false
        }
    }
}

extension SettingsTree: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: SettingsTree...) { self = .list(elements) }
    public init(dictionaryLiteral elements: (String, SettingsTree)...) { self = .map(elements) }
    public init(nilLiteral: ()) { self = .null }
}

/// The parts of JSON pointers (RFC 6901).
public enum JSONPointer {
    /// A key as it stands in a pointer: `~` is `~0`, `/` is `~1`.
    public static func escape(_ key: some StringProtocol) -> String {
        var result = ""
        for character in key.unicodeScalars {
            switch character {
            case "~": result += "~0"
            case "/": result += "~1"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// The key that a part of a pointer stands for.
    public static func unescape(_ part: some StringProtocol) -> String {
        var result = String.UnicodeScalarView()
        var tilde = false
        for character in part.unicodeScalars {
            if tilde {
                tilde = false
                switch character {
                case "0": result.append("~")
                case "1": result.append("/")
                default: result.append(contentsOf: ["~", character])
                }
            } else if character == "~" {
                tilde = true
            } else {
                result.append(character)
            }
        }
        if tilde { result.append("~") }
        return String(result)
    }
}
