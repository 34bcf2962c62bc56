public import HubModel

/// The settings of one instance of a plugin: checked, defaults filled in, texts as the operator wrote them.
///
/// Places in it are named by JSON pointers (`/files/0/path`). Paths are absolute already.
public struct PluginSettings: Sendable {
    /// All of them. Durations, sizes and intervals are texts here.
    public var tree: SettingsTree
    /// Durations in nanoseconds, sizes in bytes, intervals in seconds, by pointer; `Int64.max` for `forever` and `none`.
    public internal(set) var integers: [String: Int64]
    /// Pointers of settings that are secrets.
    public internal(set) var secrets: Set<String>
    /// Paths as they were written, by pointer.
    var writtenPaths: [String: String]
    /// Where each setting stands in a file.
    var spans: [String: SourceSpan]
    /// Where the settings as a whole stand.
    var span: SourceSpan?
    /// `providers.simulator.settings`
    var path: String
    var hidden: [SourceSpan]

    /// Settings that come from no file.
    public init(_ tree: SettingsTree, integers: [String: Int64] = [:], secrets: Set<String> = []) {
        self.init(
            tree: tree, integers: integers, secrets: secrets, writtenPaths: [:], spans: [:], span: nil,
            path: "settings",
            hidden: [])
    }

    init(
        tree: SettingsTree, integers: [String: Int64], secrets: Set<String>, writtenPaths: [String: String],
        spans: [String: SourceSpan], span: SourceSpan?, path: String, hidden: [SourceSpan]
    ) {
        self.tree = tree
        self.integers = integers
        self.secrets = secrets
        self.writtenPaths = writtenPaths
        self.spans = spans
        self.span = span
        self.path = path
        self.hidden = hidden
    }

    /// An integer, or the nanoseconds, bytes or seconds of a duration, size or interval; `nil` where there is none.
    public func integer(_ pointer: String) -> Int64? {
        integers[pointer] ?? tree[pointer: pointer]?.integerValue
    }

    public func text(_ pointer: String) -> String? { tree[pointer: pointer]?.textValue }

    /// A problem that the plugin itself found (`check_settings`), pointing at the place of its JSON pointer, or the nearest
    /// one above it that stands in the file.
    public func diagnostic(
        _ severity: Diagnostic.Severity = .error, pointer: String, message: String,
        file: String = "hub.yaml"
    ) -> Diagnostic {
        var at = pointer
        while spans[at] == nil, let slash = at.lastIndex(of: "/") { at = String(at[..<slash]) }
        let place =
            (spans[at] ?? span).map { Problems.place($0, hidden: hidden) } ?? Diagnostic.Place(file: file)
        return Diagnostic(
            severity, place: place, path: path + PathText.dotted(pointer, in: tree), message: message)
    }

    /// What a source's resume is bound to: another text here, and it starts anew. Secrets are not part of it.
    func digestTree(_ pointer: String, _ tree: SettingsTree, baseNamesOnly: Bool) -> SettingsTree? {
        if secrets.contains(pointer) { return nil }
        if let integer = integers[pointer] { return .integer(integer) }
        if let written = writtenPaths[pointer] {
            let name = written.split(separator: "/").last.map(String.init) ?? written
            return .text(baseNamesOnly ? name : written)
        }
        switch tree {
        case .list(let items):
            return .list(
                items.enumerated().compactMap {
                    digestTree("\(pointer)/\($0.offset)", $0.element, baseNamesOnly: baseNamesOnly)
                })
        case .map(let entries):
            return .map(
                entries.compactMap { key, value in
                    digestTree("\(pointer)/\(JSONPointer.escape(key))", value, baseNamesOnly: baseNamesOnly)
                        .map { (key, $0) }
                })
        default: return tree
        }
    }
}

/// Paths of keys as people read them: `providers.sim.settings.instruments["SIM:ALPHA"].price`, `pipelines.us.from[0]`.
enum PathText {
    static func key(_ path: String, _ key: String) -> String {
        let isPlain =
            !key.isEmpty
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        if isPlain { return path.isEmpty ? key : "\(path).\(key)" }
        return "\(path)[\"\(shortened(key))\"]"
    }

    static func index(_ path: String, _ index: Int) -> String { "\(path)[\(index)]" }

    /// A JSON pointer into a tree, in the same manner.
    static func dotted(_ pointer: String, in tree: SettingsTree) -> String {
        var text = ""
        var at: SettingsTree? = tree
        for part in pointer.split(separator: "/") {
            if case .list(let items)? = at, let number = Int(part) {
                text = index(text, number)
                at = items.indices.contains(number) ? items[number] : nil
            } else {
                let name = JSONPointer.unescape(part)
                let next = key(text, name)
                text = text.isEmpty && !next.hasPrefix("[") ? "." + next : next
                at = at?[name]
            }
        }
        return text
    }

    /// Printable, and not longer than a line bears.
    static func shortened(_ text: String, to limit: Int = 60) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(limit) {
            let isPrintable =
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
                    .unassigned:
                    false
                default: true
                }
            result.append(isPrintable ? scalar : "\u{fffd}")
        }
        return String(result) + (text.unicodeScalars.count > limit ? "…" : "")
    }
}
