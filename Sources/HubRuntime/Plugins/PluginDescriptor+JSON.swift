import HubConfig
import HubModel

// Between the scanning child and its parent, and in the cache, a descriptor is a JSON object.
extension PluginDescriptor {
    var tree: SettingsTree {
        .map([
            ("id", .text(id)), ("kind", .text(kind.rawValue)), ("name", .text(name)), ("vendor", .text(vendor)),
            ("version", .text(version)), ("description", .text(description)), ("licence", .text(licence)),
            ("url", .text(url)), ("traits", .integer(Int64(traits.rawValue))), ("kinds", .integer(Int64(kinds))),
            ("max_lines", .integer(Int64(maximumLines))), ("finalize_after_ns", .integer(finalizeAfterNanoseconds)),
            ("stale_after_ns", .integer(staleAfterNanoseconds)), ("hosts", Self.list(hosts)),
            (
                "rates",
                .list(
                    rates.map {
                        .map([
                            ("name", .text($0.name)), ("requests", .integer(Int64($0.requests))),
                            ("window_ms", .integer(Int64($0.windowMilliseconds))),
                        ])
                    })
            ),
            ("queries", Self.list(queries)), ("schema", schema), ("catalogue", catalogue),
            ("required", Self.list(required)), ("optional", Self.list(optional)),
        ])
    }

    /// `nil` where the tree is not one that `tree` made.
    init?(_ tree: SettingsTree) {
        guard let id = tree["id"]?.textValue, let kind = tree["kind"]?.textValue.flatMap(PluginDescription.Kind.init),
            let traits = tree["traits"]?.integerValue.flatMap(UInt32.init(exactly:)),
            let kinds = tree["kinds"]?.integerValue.flatMap(UInt32.init(exactly:)),
            let lines = tree["max_lines"]?.integerValue, let finalize = tree["finalize_after_ns"]?.integerValue,
            let stale = tree["stale_after_ns"]?.integerValue, let rates = tree["rates"]?.listValue,
            let schema = tree["schema"], let catalogue = tree["catalogue"]
        else { return nil }
        func text(_ key: String) -> String { tree[key]?.textValue ?? "" }
        func texts(_ key: String) -> [String] { tree[key]?.listValue?.compactMap(\.textValue) ?? [] }
        self.init(
            id: id, kind: kind, name: text("name"), vendor: text("vendor"), version: text("version"),
            description: text("description"), licence: text("licence"), url: text("url"),
            traits: PluginDescription.Traits(rawValue: traits), kinds: kinds, maximumLines: Int(lines),
            finalizeAfterNanoseconds: finalize, staleAfterNanoseconds: stale, hosts: texts("hosts"),
            rates: rates.map {
                RateClass(
                    name: $0["name"]?.textValue ?? "",
                    requests: $0["requests"]?.integerValue.flatMap(UInt32.init(exactly:)) ?? 0,
                    windowMilliseconds: $0["window_ms"]?.integerValue.flatMap(UInt32.init(exactly:)) ?? 0)
            },
            queries: texts("queries"), schema: schema, catalogue: catalogue, required: texts("required"),
            optional: texts("optional"))
    }

    private static func list(_ texts: [String]) -> SettingsTree { .list(texts.map { .text($0) }) }
}
