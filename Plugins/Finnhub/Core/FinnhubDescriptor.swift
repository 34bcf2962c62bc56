public import PluginKit

extension Finnhub {
    /// What the plugin says about itself.
    public static let descriptor = Descriptor(
        id: "finnhub",
        name: "Finnhub",
        vendor: "hub",
        version: "0.1.0",
        description: "Trades of US shares, currencies and coins as they happen, and quotes, candles, profiles, news, "
            + "sentiment and market hours on demand, from finnhub.io.",
        url: "https://finnhub.io/docs/api",
        kinds: [.trade, .tick, .bar],
        // Weekends and nights are silent; whether a market is open is the hub's business.
        staleAfterMilliseconds: 120_000,
        hosts: ["finnhub.io", "api.finnhub.io", "ws.finnhub.io"],
        rates: [RateClass(name: "default", requests: 55, windowMilliseconds: 60_000)],
        queries: ["quotes", "bars", "profile", "news", "sentiment", "search", "market_status", "calendar"],
        settingsSchema: schema,
        required: [
            "hub.host.emit/1", "hub.host.settings/1", "hub.host.websocket/1", "hub.host.http/1", "hub.host.timer/1",
        ],
        optional: [
            "hub.host.log/1", "hub.host.status/1", "hub.host.catalog/1", "hub.host.query/1", "hub.host.metric/1",
        ])

    private static let schema = #"""
        {"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,
        "required":["api_key"],"properties":{
        "api_key":{"type":"string","minLength":1,"x-secret":true,"description":"key of finnhub.io"},
        "symbols_per_connection":{"type":"integer","minimum":1,"maximum":10000,"default":50,
        "description":"symbols the plan lets one connection stream; 50 on the free plan"},
        "rest_url":{"type":"string","format":"uri","default":"https://finnhub.io/api/v1","description":"where requests go"},
        "websocket_url":{"type":"string","format":"uri","default":"wss://ws.finnhub.io","description":"where trades come from"}}}
        """#
}
