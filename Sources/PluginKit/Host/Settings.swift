import PluginABI

/// Typed access to an instance's settings, checked against the plugin's schema and with its defaults filled in.
///
/// A path is a JSON pointer such as `/files/0/path`; build one with ``path(_:)`` when a key comes from the operator.
/// nil = not there, or of another type. Durations are integers in nanoseconds where the schema says
/// `"format": "duration"`, sizes integers in bytes where it says `"format": "size"`.
public struct Settings: @unchecked Sendable {
    private let host: UnsafePointer<hub_host>
    private let table: UnsafePointer<hub_host_settings_1>?

    init(host: UnsafePointer<hub_host>, table: UnsafePointer<hub_host_settings_1>?) {
        self.host = host
        self.table = table
    }

    /// The text at a path.
    public func text(_ path: String) -> String? {
        guard let table else { return nil }
        var value = hub_text()
        guard path.withHubText({ table.pointee.text(host, $0, &value) }) == 1 else { return nil }
        return String(value)
    }

    /// The integer at a path.
    public func integer(_ path: String) -> Int64? {
        guard let table else { return nil }
        var value: Int64 = 0
        return path.withHubText { table.pointee.integer(host, $0, &value) } == 1 ? value : nil
    }

    /// The number at a path, whole or not.
    public func number(_ path: String) -> Double? {
        guard let table else { return nil }
        var value: Double = 0
        if path.withHubText({ table.pointee.number(host, $0, &value) }) == 1 { return value }
        return integer(path).map(Double.init)
    }

    /// The boolean at a path.
    public func boolean(_ path: String) -> Bool? {
        guard let table else { return nil }
        var value: Int32 = 0
        return path.withHubText { table.pointee.boolean(host, $0, &value) } == 1 ? value != 0 : nil
    }

    /// Elements of the list, or keys of the map, at a path; nil = neither.
    public func count(_ path: String) -> Int? {
        guard let table else { return nil }
        let count = path.withHubText { table.pointee.count(host, $0) }
        return count < 0 ? nil : Int(count)
    }

    /// Keys of the map at a path, in the order of the file; nil = not a map.
    public func keys(_ path: String) -> [String]? {
        guard let table, let count = count(path) else { return nil }
        var keys: [String] = []
        for index in 0..<count {
            var key = hub_text()
            guard path.withHubText({ table.pointee.key(host, $0, UInt64(index), &key) }) == 1 else { return nil }
            keys.append(String(key))
        }
        return keys
    }

    /// The texts of the list at a path; nil = not a list of texts.
    public func texts(_ path: String) -> [String]? {
        guard let count = count(path) else { return nil }
        var texts: [String] = []
        for index in 0..<count {
            guard let text = text("\(path)/\(index)") else { return nil }
            texts.append(text)
        }
        return texts
    }

    /// A JSON pointer (RFC 6901) of keys and indices: `~` becomes `~0`, `/` becomes `~1`.
    public static func path(_ parts: String...) -> String {
        var path = ""
        for part in parts {
            path.append("/")
            for character in part {
                switch character {
                case "~": path.append("~0")
                case "/": path.append("~1")
                default: path.append(character)
                }
            }
        }
        return path
    }
}
