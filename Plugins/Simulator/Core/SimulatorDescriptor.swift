public import PluginKit

extension Simulator {
    /// What the plugin says about itself.
    public static let descriptor = Descriptor(
        id: "simulator",
        name: "Simulator",
        vendor: "hub",
        version: "0.1.0",
        description: "Makes trades, quotes and books of instruments whose prices follow geometric Brownian motion, "
            + "Merton's jump diffusion or GARCH(1,1) volatility; the same byte for byte for the same seed.",
        traits: [.simulated, .resumes],
        kinds: [.trade, .quote, .book, .bar],
        settingsSchema: schema,
        required: ["hub.host.emit/1", "hub.host.settings/1"],
        optional: ["hub.host.log/1", "hub.host.status/1"])

    private static let schema = #"""
        {"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,
        "properties":{
        "seed":{"type":"integer","default":1,"description":"start of all randomness"},
        "rate":{"anyOf":[{"type":"number","minimum":0.001,"maximum":10000000},{"type":"string","const":"max"}],"default":10,
        "description":"events a second in all, or max: as fast as they are taken"},
        "model":{"type":"string","enum":["gbm","jump","garch"],"default":"gbm","description":"how prices move, where an instrument does not say"},
        "kinds":{"type":"array","items":{"type":"string","enum":["trade","quote","book"]},"minItems":1,"uniqueItems":true,
        "default":["trade","quote"],"description":"kinds of events"},
        "levels":{"type":"integer","minimum":1,"maximum":50,"default":5,"description":"levels of a book, each side"},
        "history":{"type":"string","format":"duration","default":"5d","description":"1-minute bars made at the first start; 0 = none"},
        "correlation":{"type":"number","minimum":0,"maximum":1,"default":0,"description":"of the returns of any two instruments"},
        "calendar":{"type":"string","enum":["always","us-equities","nse"],"default":"always","description":"when events are made (weekdays and regular hours; no holidays)"},
        "instruments":{"type":"object","default":{},"propertyNames":{"format":"symbol"},"description":"symbol to its settings; other symbols get the defaults",
        "additionalProperties":{"type":"object","additionalProperties":false,"properties":{
        "price":{"type":"number","exclusiveMinimum":0,"default":100,"description":"when the simulator first starts"},
        "drift":{"type":"number","minimum":-10,"maximum":10,"default":0.05,"x-unit":"a year"},
        "volatility":{"type":"number","minimum":0,"maximum":10,"default":0.2,"x-unit":"a year"},
        "tick_size":{"type":"number","exclusiveMinimum":0,"default":0.01},
        "lot":{"type":"number","exclusiveMinimum":0,"default":1},
        "spread":{"type":"number","minimum":0,"default":0.02,"description":"between bid and ask; at least one tick"},
        "currency":{"type":"string","default":"USD"},
        "type":{"type":"string","enum":["equity","etf","fund","index","future","option","bond","fx","crypto","commodity","simulated"],"default":"simulated"},
        "model":{"type":"string","enum":["gbm","jump","garch"],"description":"default: of the whole simulator"},
        "jump":{"type":"object","additionalProperties":false,"properties":{
        "per_year":{"type":"number","minimum":0,"maximum":1000000,"default":20},
        "mean":{"type":"number","minimum":-1,"maximum":1,"default":0},
        "deviation":{"type":"number","minimum":0,"maximum":1,"default":0.03}}},
        "garch":{"type":"object","additionalProperties":false,"properties":{
        "alpha":{"type":"number","minimum":0,"maximum":1,"default":0.08},
        "beta":{"type":"number","minimum":0,"maximum":1,"default":0.9}}}}}}}}
        """#
}
