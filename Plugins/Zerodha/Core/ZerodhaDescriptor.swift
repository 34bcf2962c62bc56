public import PluginKit

extension Zerodha {
    /// What the plugin says about itself.
    public static let descriptor = Descriptor(
        id: "zerodha",
        name: "Zerodha",
        vendor: "hub",
        version: "0.1.0",
        description:
            "Indian shares, indices, futures, options, currencies and commodities over Kite Connect 3: the binary "
            + "ticker, quotes, candles and the instrument list.",
        url: "https://kite.trade/docs/connect/v3/",
        kinds: [.tick, .quote, .book],
        maxLines: 32_768,
        finalizeAfterMilliseconds: 2000,
        staleAfterMilliseconds: 15_000,
        hosts: ["api.kite.trade", "ws.kite.trade", "kite.zerodha.com"],
        rates: [
            RateClass(name: Rate.quote, requests: 1, windowMilliseconds: 1050),
            RateClass(name: Rate.history, requests: 3, windowMilliseconds: 1050),
            RateClass(name: Rate.other, requests: 9, windowMilliseconds: 1000),
        ],
        queries: ["quotes", "bars"],
        settingsSchema: schema,
        required: ["hub.host.emit/1", "hub.host.settings/1", "hub.host.websocket/1", "hub.host.http/1"],
        optional: [
            "hub.host.log/1", "hub.host.status/1", "hub.host.timer/1", "hub.host.secret/1", "hub.host.catalog/1",
            "hub.host.query/1", "hub.host.metric/1",
        ])

    /// Names of the rate classes.
    enum Rate {
        static let quote = "quote"
        static let history = "history"
        static let other = "other"
    }

    private static let schema = #"""
        {"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,
        "required":["api_key"],
        "properties":{
        "api_key":{"type":"string","minLength":1,"x-secret":true,"description":"of the app, from developers.kite.trade"},
        "api_secret":{"type":"string","x-secret":true,"description":"of the app; for hub auth"},
        "access_token":{"type":"string","x-secret":true,"description":"of today; or log in with hub auth"},
        "mode":{"type":"string","enum":["ltp","quote","full"],"description":"of the ticker; else from the kinds that are wanted"},
        "connections":{"type":"integer","minimum":1,"maximum":10,"default":3,"description":"most connections, 3000 instruments each"},
        "rest_url":{"type":"string","format":"uri","default":"https://api.kite.trade"},
        "websocket_url":{"type":"string","format":"uri","default":"wss://ws.kite.trade"},
        "login_url":{"type":"string","format":"uri","default":"https://kite.zerodha.com/connect/login"}}}
        """#
}
