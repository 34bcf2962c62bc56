public import PluginKit

extension Upstox {
    /// What the plugin says about itself.
    public static let descriptor = Descriptor(
        id: "upstox",
        name: "Upstox",
        vendor: "hub",
        version: "0.1.0",
        description:
            "Indian shares, indices, futures, options, currencies and commodities over Upstox: the market data feed "
            + "V3, quotes, option greeks, candles, market status, holidays and the instrument list.",
        url: "https://upstox.com/developer/api-documentation/",
        kinds: [.tick, .quote, .book, .greeks, .tradingStatus],
        maxLines: 32_768,
        finalizeAfterMilliseconds: 2000,
        staleAfterMilliseconds: 30_000,
        hosts: ["api.upstox.com", "wsfeeder-api.upstox.com", "assets.upstox.com"],
        rates: [
            // All three windows bind; the longest one is what long downloads meet.
            RateClass(name: Rate.second, requests: 25, windowMilliseconds: 1000),
            RateClass(name: Rate.history, requests: 1900, windowMilliseconds: 1_800_000),
        ],
        queries: ["quotes", "bars", "market_status", "calendar"],
        settingsSchema: schema,
        required: ["hub.host.emit/1", "hub.host.settings/1", "hub.host.websocket/1", "hub.host.http/1"],
        optional: [
            "hub.host.log/1", "hub.host.status/1", "hub.host.timer/1", "hub.host.secret/1", "hub.host.catalog/1",
            "hub.host.query/1", "hub.host.metric/1",
        ])

    /// Names of the rate classes.
    enum Rate {
        static let second = "standard"
        static let history = "history"
    }

    private static let schema = #"""
        {"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,
        "properties":{
        "access_token":{"type":"string","x-secret":true,"description":"of today, or an analytics token of a year; or log in with hub auth"},
        "api_key":{"type":"string","x-secret":true,"description":"of the app; for hub auth"},
        "api_secret":{"type":"string","x-secret":true,"description":"of the app; for hub auth"},
        "mode":{"type":"string","enum":["ltpc","option_greeks","full","full_d30"],"description":"of the feed; else from the kinds that are wanted"},
        "plan":{"type":"string","enum":["normal","plus"],"default":"normal","description":"what the account has: two connections, or five"},
        "rest_url":{"type":"string","format":"uri","default":"https://api.upstox.com"},
        "websocket_url":{"type":"string","format":"uri","description":"where the one-time address of the feed may be, beside the vendor's hosts"},
        "assets_url":{"type":"string","format":"uri","description":"where the instrument list is; else the vendor's, or rest_url"}}}
        """#
}
