import HubConfig
import HubModel

/// With what a plugin was started, as the first frame of a session has it: enough to start it again without `hub.yaml`, and
/// nothing that is secret.
struct CaptureSetup {
    var plugin: String
    var version: String
    var provider: String
    var settings: PluginSettings
    /// Canonical symbols with the vendor's own names that the operator gave them.
    var vendorNames: [String: String]

    /// Stands where a secret stood.
    static let placeholder = SecretBook.prefix + String(repeating: "0", count: 22)

    init(_ provider: ProviderConfiguration) {
        plugin = provider.plugin.id
        version = provider.plugin.version
        self.provider = provider.name
        settings = provider.settings
        vendorNames = Dictionary(
            provider.symbols.map { ($0.symbol, $0.vendorName) }, uniquingKeysWith: { first, _ in first })
    }

    var text: String {
        var tree = settings.tree
        for pointer in settings.secrets where tree[pointer: pointer]?.textValue?.isEmpty == false {
            tree = tree.replacing(pointer, with: .text(Self.placeholder))
        }
        return SettingsTree.map([
            ("provider", .text(provider)), ("plugin", .text(plugin)), ("plugin_version", .text(version)),
            ("settings", Self.withoutPasswords(tree)),
            ("integers", .map(settings.integers.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })),
            ("secrets", .list(settings.secrets.sorted().map { .text($0) })),
            ("vendor_names", .map(vendorNames.sorted { $0.key < $1.key }.map { ($0.key, .text($0.value)) })),
        ]).jsonText
    }

    init?(_ text: String) {
        guard let tree = try? SettingsTree(json: text), let plugin = tree["plugin"]?.textValue,
            let version = tree["plugin_version"]?.textValue, let provider = tree["provider"]?.textValue,
            let settings = tree["settings"]
        else { return nil }
        self.plugin = plugin
        self.version = version
        self.provider = provider
        var integers: [String: Int64] = [:]
        for (pointer, value) in tree["integers"]?.mapValue ?? [] { integers[pointer] = value.integerValue }
        self.settings = PluginSettings(
            settings, integers: integers, secrets: Set((tree["secrets"]?.listValue ?? []).compactMap(\.textValue)))
        vendorNames = [:]
        for (symbol, name) in tree["vendor_names"]?.mapValue ?? [] { vendorNames[symbol] = name.textValue }
    }

    /// Addresses lose their user and password.
    private static func withoutPasswords(_ tree: SettingsTree) -> SettingsTree {
        switch tree {
        case .text(let text): .text(text.contains("://") && text.contains("@") ? CaptureMask.address(text) : text)
        case .list(let items): .list(items.map(withoutPasswords))
        case .map(let entries): .map(entries.map { ($0.0, withoutPasswords($0.1)) })
        default: tree
        }
    }
}
