import EventFormat
import HubModel
import TableFormat

/// Columns of events in CSV and Arrow: the fields of `objects.md`, section 2, in their order.
enum EventColumns {
    private static let head: [TableColumn] = [
        .init("type", .text), .init("seq", .integer), .init("symbol", .text), .init("time", .time),
        .init("received", .time), .init("source", .text), .init("simulated", .flag), .init("flags", .text),
    ]

    /// Of one kind of event.
    static func columns(of kind: Int) -> [TableColumn] { head + own(Words.kind(kind) ?? "") }

    private static func own(_ word: String) -> [TableColumn] {
        switch word {
        case "trade":
            numbers("price", "size") + texts("side", "trade_id", "venue", "conditions")
        case "tick":
            numbers("last", "last_size") + [.init("last_time", .time)]
                + numbers(
                    "average", "volume", "open", "high", "low", "previous_close", "open_interest", "total_buy",
                    "total_sell")
        case "quote":
            numbers("bid", "bid_size", "ask", "ask_size") + texts("venue")
        case "book":
            texts("bids", "asks")
        case "bar":
            texts("interval") + [.init("end", .time), .init("date", .date)]
                + numbers("open", "high", "low", "close", "volume") + integers("count")
                + numbers("notional", "vwap", "open_interest") + texts("state") + integers("revision")
                + texts("built_from") + integers("first_seq", "last_seq")
        case "value":
            texts("name", "interval", "values", "state") + integers("revision")
                + [.init("ready", .flag), .init("stable", .flag)] + integers("cause")
        case "greeks":
            numbers("delta", "gamma", "theta", "vega", "rho", "implied_volatility")
        case "signal":
            texts("kind", "name", "direction") + numbers("strength") + texts("interval", "text")
        case "status":
            texts("venue", "phase") + [.init("halted", .flag)] + texts("reason")
                + numbers("lower_limit", "upper_limit") + texts("next_phase") + [.init("next_time", .time)]
        case "control":
            texts("what", "state", "previous", "pipeline", "from", "to") + integers("last_seq")
                + texts("reason", "digest", "data")
        case "gap":
            texts("gap_id", "state", "reason", "symbols", "types")
                + [.init("from", .time), .init("to", .time)] + texts("repair")
        case "define":
            texts("what") + integers("stream", "definition")
                + texts("venue", "instrument_type", "currency", "calendar") + numbers("tick_size", "lot_size")
                + texts("name", "interval", "outputs")
        default: []
        }
    }

    private static func texts(_ names: String...) -> [TableColumn] { names.map { .init($0, .text) } }
    private static func numbers(_ names: String...) -> [TableColumn] { names.map { .init($0, .number) } }
    private static func integers(_ names: String...) -> [TableColumn] { names.map { .init($0, .integer) } }

    /// The columns for what a selector selects.
    ///
    /// - Throws: `bad_parameter` where it may be events of several kinds: their fields are not the same.
    static func columns(of selector: EventSelector, shape: TableShape) throws(Problem) -> [TableColumn] {
        guard shape == .csv || shape == .arrow else { return [] }
        let kinds = Words.kinds.filter { selector.mayMatch(kind: UInt8($0.kind)) }
        guard kinds.count == 1 else {
            throw Problem(
                .badParameter,
                "types: a table of \(shape.rawValue) has the columns of one type; name one, such as types=trade, or take "
                    + "format=ndjson, which holds them all",
                faults: [.init("types", "expected one type for \(shape.rawValue), found \(kinds.count)")],
                candidates: kinds.map(\.word))
        }
        return columns(of: kinds[0].kind)
    }

    /// Of rows of `/v1/quotes`.
    static let quote: [TableColumn] =
        texts("symbol", "name", "instrument_type", "currency") + numbers("last", "last_size")
        + [.init("last_time", .time)]
        + numbers(
            "change", "change_percent", "open", "high", "low", "previous_close", "volume", "average", "open_interest",
            "bid", "bid_size", "ask", "ask_size")
        + texts("phase") + [.init("time", .time), .init("received", .time)] + integers("age_ms")
        + [.init("stale", .flag)] + texts("source", "origin") + [.init("simulated", .flag)] + integers("seq")

    /// Of rows of `/v1/instruments`.
    static let instrument: [TableColumn] =
        texts("symbol", "name", "venue", "type", "currency", "timezone", "calendar")
        + numbers("tick_size", "lot_size", "multiplier") + texts("isin", "underlying", "expiry") + numbers("strike")
        + texts("right", "sector") + [.init("streaming", .flag)] + texts("pipeline", "types", "intervals")
        + [.init("first", .time), .init("last", .time)] + texts("identifiers")
}
