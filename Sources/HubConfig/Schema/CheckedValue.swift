internal import HubModel

/// A value that fits its schema, of the schema's type, expanded, with defaults filled in.
struct CheckedValue {
    indirect enum Content {
        /// Something is wrong with it and was reported, or its text is not to be had: nobody complains about it again.
        case unknown
        case null
        case bool(Bool)
        case integer(Int64)
        case number(Double)
        case text(String)
        case list([CheckedValue])
        case map([CheckedEntry])
    }

    var content: Content
    var span: SourceSpan
    /// Nanoseconds of a duration, bytes of a size, seconds of an interval.
    var amount: Int64?
    /// A path as it was written.
    var writtenPath: String?
    var isSecret = false
    /// Its text may be shown in messages: it stands in the file as it is, and is no secret.
    var isShowable = true
    /// It was not written, but filled in.
    var isDefault = false
}

struct CheckedEntry {
    var key: String
    var keySpan: SourceSpan
    var value: CheckedValue
}

extension CheckedValue {
    var isUnknown: Bool { if case .unknown = content { true } else { false } }
    var text: String? { if case .text(let text) = content { text } else { nil } }
    var bool: Bool? { if case .bool(let value) = content { value } else { nil } }
    var list: [CheckedValue] { if case .list(let items) = content { items } else { [] } }
    var entries: [CheckedEntry] { if case .map(let entries) = content { entries } else { [] } }
    var isMap: Bool { if case .map = content { true } else { false } }

    var integer: Int64? {
        if let amount { return amount }
        if case .integer(let value) = content { return value }
        return nil
    }

    subscript(key: String) -> CheckedValue? { entry(key)?.value }

    func entry(_ key: String) -> CheckedEntry? { entries.first { $0.key == key } }

    /// A text for a message, or what stands for one that may not be shown.
    var shown: String { isShowable ? "'\(PathText.shortened(text ?? ""))'" : "its value" }
}

/// Takes checked values apart into what plugins are given.
struct SettingsBuilder {
    private(set) var integers: [String: Int64] = [:]
    private(set) var secrets: Set<String> = []
    private(set) var writtenPaths: [String: String] = [:]
    private(set) var spans: [String: SourceSpan] = [:]
    private(set) var hidden: [SourceSpan] = []

    mutating func build(_ value: CheckedValue, _ pointer: String = "") -> SettingsTree {
        if !value.isDefault { spans[pointer] = value.span }
        if let amount = value.amount { integers[pointer] = amount }
        if let path = value.writtenPath { writtenPaths[pointer] = path }
        if value.isSecret {
            secrets.insert(pointer)
            hidden.append(value.span)
        }
        switch value.content {
        case .unknown, .null: return .null
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .number(let value): return .number(value)
        case .text(let value): return .text(value)
        case .list(let items):
            var list: [SettingsTree] = []
            for (index, item) in items.enumerated() { list.append(build(item, "\(pointer)/\(index)")) }
            return .list(list)
        case .map(let entries):
            var map: [(String, SettingsTree)] = []
            for entry in entries {
                map.append((entry.key, build(entry.value, "\(pointer)/\(JSONPointer.escape(entry.key))")))
            }
            return .map(map)
        }
    }
}

extension YAMLNode {
    /// A default as if it had been written, with the place of what it is a part of.
    init(_ tree: SettingsTree, at span: SourceSpan) {
        self.span = span
        switch tree {
        case .null: content = .scalar(YAMLScalar(text: "", style: .plain))
        case .bool(let value):
            content = .scalar(YAMLScalar(text: value ? "true" : "false", style: .plain))
        case .integer, .number: content = .scalar(YAMLScalar(text: tree.jsonText, style: .plain))
        case .text(let value): content = .scalar(YAMLScalar(text: value, style: .singleQuoted))
        case .list(let items): content = .list(items.map { YAMLNode($0, at: span) })
        case .map(let entries):
            content = .map(
                entries.map { YAMLEntry(key: $0.0, keySpan: span, value: YAMLNode($0.1, at: span)) })
        }
    }
}
