import HubModel
import HubRuntime

/// Plugins as people and machines read them.
enum PluginText {
    /// One line of `hub plugin list`.
    static func line(_ entry: PluginRegistry.Entry) -> String {
        let descriptor = entry.descriptor
        var traits: [String] = []
        if descriptor.traits.contains(.recorded) { traits.append("recorded") }
        if descriptor.traits.contains(.simulated) { traits.append("simulated") }
        if descriptor.traits.contains(.resumes) { traits.append("resumes") }
        if descriptor.traits.contains(.plainSecret) { traits.append("NEEDS PLAIN SECRETS") }
        let place = entry.library.isBundled ? "bundled" : entry.library.file
        return [
            pad(descriptor.id, 16), pad(descriptor.kind.rawValue, 10), pad(descriptor.version, 8), pad(place, 8),
            descriptor.description, traits.isEmpty ? "" : "(\(traits.joined(separator: ", ")))",
        ].joined(separator: " ")
    }

    /// `hub plugin show`.
    static func page(_ entry: PluginRegistry.Entry) -> String {
        let descriptor = entry.descriptor
        var lines = [
            "\(descriptor.id) - \(descriptor.name) \(descriptor.version) (\(descriptor.kind.rawValue))",
            descriptor.description,
            "file: \(entry.library.file)",
            "sha256: \(entry.library.sha256)",
        ]
        if !descriptor.url.isEmpty { lines.append("see: \(descriptor.url)") }
        if !descriptor.hosts.isEmpty { lines.append("talks to: \(descriptor.hosts.joined(separator: ", "))") }
        lines.append("")
        lines.append("settings:")
        lines += settings(descriptor.schema, indent: 2)
        return lines.joined(separator: "\n")
    }

    private static func settings(_ schema: SettingsTree, indent: Int) -> [String] {
        let required = (schema["required"]?.listValue ?? []).compactMap(\.textValue)
        var lines: [String] = []
        for (key, property) in schema["properties"]?.mapValue ?? [] {
            var facts: [String] = [property["format"]?.textValue ?? property["type"]?.textValue ?? "any"]
            if let words = property["enum"]?.listValue { facts = [words.map(\.jsonText).joined(separator: " | ")] }
            if required.contains(key) { facts.append("required") }
            if let value = property["default"] { facts.append("default \(value.jsonText)") }
            if let unit = property["x-unit"]?.textValue { facts.append(unit) }
            let text = property["description"]?.textValue.map { "  \($0)" } ?? ""
            lines.append(String(repeating: " ", count: indent) + "\(key): \(facts.joined(separator: ", "))\(text)")
            lines += settings(property, indent: indent + 2)
            if let items = property["items"] { lines += settings(items, indent: indent + 2) }
            if let values = property["additionalProperties"], values.mapValue != nil {
                lines += settings(values, indent: indent + 2)
            }
        }
        return lines
    }

    static func json(_ registry: PluginRegistry) -> String {
        SettingsTree.map([
            ("plugins", .list(registry.entries.map(json))), ("problems", .list(registry.problems.map { .text($0) })),
        ]).jsonText
    }

    static func json(_ entry: PluginRegistry.Entry) -> SettingsTree {
        let descriptor = entry.descriptor
        return .map([
            ("id", .text(descriptor.id)), ("kind", .text(descriptor.kind.rawValue)), ("name", .text(descriptor.name)),
            ("vendor", .text(descriptor.vendor)), ("version", .text(descriptor.version)),
            ("description", .text(descriptor.description)), ("file", .text(entry.library.file)),
            ("sha256", .text(entry.library.sha256)), ("bundled", .bool(entry.library.isBundled)),
            ("hosts", .list(descriptor.hosts.map { .text($0) })), ("settings_schema", descriptor.schema),
        ])
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
