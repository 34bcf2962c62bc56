public import PluginKit

extension Replay {
    /// What the plugin says about itself.
    public static let descriptor = Descriptor(
        id: "replay",
        name: "Replay",
        vendor: "hub",
        version: "0.1.0",
        description: "Plays recorded trades, quotes and bars from CSV files, gzip or plain, merged by time, as fast as "
            + "they happened, by any factor, or as fast as the hub takes them.",
        traits: [.recorded, .resumes],
        kinds: [.trade, .quote, .bar],
        settingsSchema: schema,
        required: ["hub.host.emit/1", "hub.host.settings/1"],
        optional: ["hub.host.log/1", "hub.host.status/1"])

    private static let schema = #"""
        {"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,
        "required":["files"],"properties":{
        "files":{"type":"array","minItems":1,"description":"merged by time; of equal times the file named first comes first",
        "items":{"type":"object","additionalProperties":false,"required":["path","symbol","kind"],"properties":{
        "path":{"type":"string","format":"path","description":"CSV with a header line, gzip or plain"},
        "symbol":{"type":"string","format":"symbol"},
        "kind":{"type":"string","pattern":"^(trade|quote|bar:(1s|5s|15s|30s|1m|3m|5m|15m|30m|1h|2h|4h|1d|1w|1M))$",
        "description":"trade, quote, or bar and its interval: bar:1m"}}}},
        "speed":{"anyOf":[{"type":"number","minimum":0.000001,"maximum":1000000000},{"type":"string","const":"max"}],
        "default":1,"description":"1 as it happened, any factor, or max: as fast as it is taken"},
        "loop":{"type":"boolean","default":false,"description":"begin again at the end, shifted by whole days"}}}
        """#
}
