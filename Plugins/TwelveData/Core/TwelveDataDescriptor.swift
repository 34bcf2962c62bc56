public import PluginKit

extension TwelveData {
    /// What the plugin says about itself.
    public static let descriptor = Descriptor(
        id: "twelvedata",
        name: "TwelveData",
        vendor: "hub",
        version: "0.1.0",
        description:
            "Prices of shares, currencies and coins as the vendor conflates them, and quotes, series, profiles, "
            + "press releases and market hours on demand, from twelvedata.com.",
        url: "https://twelvedata.com/docs",
        kinds: [.tick, .quote, .bar],
        staleAfterMilliseconds: 60_000,
        hosts: ["api.twelvedata.com", "ws.twelvedata.com"],
        // Credits, not requests: the plugin counts those of the plan itself, this is what the largest plan has.
        rates: [RateClass(name: "default", requests: 10_946, windowMilliseconds: 60_000)],
        queries: ["quotes", "bars", "profile", "news", "search", "market_status", "calendar"],
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
        "api_key":{"type":"string","minLength":1,"x-secret":true,"description":"key of twelvedata.com"},
        "plan":{"type":"string","enum":["basic","grow","pro","ultra"],
        "description":"credits a minute are its; left out, they are found out from answers"},
        "spare_credits":{"type":"integer","minimum":0,"maximum":10000,"default":1,
        "description":"credits of each minute that are left to others with the same key"},
        "rest_url":{"type":"string","format":"uri","default":"https://api.twelvedata.com","description":"where requests go"},
        "websocket_url":{"type":"string","format":"uri","default":"wss://ws.twelvedata.com/v1/quotes/price",
        "description":"where prices come from"}}}
        """#
}
