import PluginABI

/// Which members an event object has, and where they stand in its record. What `EventEncoder` writes is read here.
struct EventFields {
    /// A number at a place of the record.
    struct Number {
        let name: String
        let offset: Int
        var isRequired = false
        /// Must be there, and may be `null`.
        var isNullable = false
        var isSize = false
    }

    let lines: Int
    let numbers: [Number]
    /// Members that are read by hand, or that are only repeated from others.
    let others: [String]

    /// Members of every event.
    static let head = ["type", "seq", "symbol", "time", "received", "source", "simulated", "flags"]

    /// `nil` for kinds that nobody but the hub makes.
    static func of(_ kind: Int) -> EventFields? {
        switch kind {
        case HUB_TRADE: trade
        case HUB_QUOTE: quote
        case HUB_TICK: tick
        case HUB_BOOK: book
        case HUB_BAR: bar
        case HUB_GREEKS: greeks
        default: nil
        }
    }

    private static let trade = EventFields(
        lines: 1,
        numbers: [
            .init(name: "price", offset: offset(\hub_trade.price), isRequired: true),
            .init(name: "size", offset: offset(\hub_trade.size), isRequired: true, isSize: true),
        ], others: ["side", "trade_id", "venue", "conditions"])

    private static let quote = EventFields(
        lines: 1,
        numbers: [
            .init(name: "bid", offset: offset(\hub_quote.bid), isRequired: true, isNullable: true),
            .init(name: "bid_size", offset: offset(\hub_quote.bid_size), isSize: true),
            .init(name: "ask", offset: offset(\hub_quote.ask), isRequired: true, isNullable: true),
            .init(name: "ask_size", offset: offset(\hub_quote.ask_size), isSize: true),
        ], others: ["venue"])

    private static let tick = EventFields(
        lines: 2,
        numbers: [
            .init(name: "last", offset: offset(\hub_tick.last), isRequired: true),
            .init(name: "last_size", offset: offset(\hub_tick.last_size)),
            .init(name: "average", offset: offset(\hub_tick.average)),
            .init(name: "volume", offset: offset(\hub_tick.volume)),
            .init(name: "open", offset: offset(\hub_tick.open)),
            .init(name: "high", offset: offset(\hub_tick.high)),
            .init(name: "low", offset: offset(\hub_tick.low)),
            .init(name: "previous_close", offset: offset(\hub_tick.previous_close)),
            .init(name: "open_interest", offset: offset(\hub_tick.open_interest)),
            .init(name: "total_buy", offset: offset(\hub_tick.total_buy)),
            .init(name: "total_sell", offset: offset(\hub_tick.total_sell)),
        ], others: ["last_time"])

    private static let book = EventFields(lines: 1, numbers: [], others: ["bids", "asks"])

    private static let bar = EventFields(
        lines: 2,
        numbers: [
            .init(name: "open", offset: offset(\hub_bar.open), isRequired: true),
            .init(name: "high", offset: offset(\hub_bar.high), isRequired: true),
            .init(name: "low", offset: offset(\hub_bar.low), isRequired: true),
            .init(name: "close", offset: offset(\hub_bar.close), isRequired: true),
            .init(name: "volume", offset: offset(\hub_bar.volume), isRequired: true, isSize: true),
            .init(name: "notional", offset: offset(\hub_bar.notional)),
            .init(name: "open_interest", offset: offset(\hub_bar.open_interest)),
        ],
        others: [
            "interval", "end", "date", "count", "vwap", "state", "revision", "built_from", "first_seq", "last_seq",
        ])

    private static let greeks = EventFields(
        lines: 2,
        numbers: [
            .init(name: "delta", offset: offset(\hub_greeks.delta)),
            .init(name: "gamma", offset: offset(\hub_greeks.gamma)),
            .init(name: "theta", offset: offset(\hub_greeks.theta)),
            .init(name: "vega", offset: offset(\hub_greeks.vega)),
            .init(name: "rho", offset: offset(\hub_greeks.rho)),
            .init(name: "implied_volatility", offset: offset(\hub_greeks.implied_volatility)),
        ], others: [])

    private static func offset<Record>(_ path: PartialKeyPath<Record>) -> Int {
        guard let offset = MemoryLayout<Record>.offset(of: path) else {
            preconditionFailure("a record of C has stored members only")
        }
        return offset
    }
}
