import IndianMarkets
import JSONReading
import PluginKit

/// One entry of a reply with quotes, last prices or option greeks; NaN = it is not there.
///
/// The reply's keys are made of trading symbols; what was asked for stands in `instrument_token`.
struct UpstoxQuote {
    var key = ""
    var prices = BrokerQuote()
    /// What the day moved, from which the previous close is told where the reply has none.
    var netChange = Double.nan
    var delta = Double.nan
    var gamma = Double.nan
    var theta = Double.nan
    var vega = Double.nan
    var impliedVolatility = Double.nan

    /// Calls `body` with each entry of `data`, in the order of the reply.
    static func read(_ bytes: UnsafeRawBufferPointer, _ body: (UpstoxQuote) -> Void) throws {
        try BrokerQuote.read(bytes, of: "Upstox") { (_, reader) throws(JSONError) in
            var quote = UpstoxQuote()
            try quote.read(&reader)
            body(quote)
        }
    }

    private mutating func read(_ reader: inout JSONReader) throws(JSONError) {
        while let field = try reader.nextKey() {
            switch field {
            case "instrument_token": key = try reader.textIfAny()?.string ?? ""
            case "last_trade_time":
                prices.lastTradeTime = UpstoxFeed.nanoseconds(try reader.integerIfAny() ?? 0)
            case "ltq", "last_traded_quantity": prices.lastSize = try reader.numberOrNaN()
            case "total_buy_quantity": prices.totalBuy = try reader.numberOrNaN()
            case "total_sell_quantity": prices.totalSell = try reader.numberOrNaN()
            case "cp", "previous_close": prices.previousClose = try BrokerQuote.price(&reader)
            // Its close is the last price.
            case "ohlc", "live_ohlc": _ = try prices.readDay(&reader)
            case "net_change": netChange = try reader.numberOrNaN()
            case "delta": delta = try reader.numberOrNaN()
            case "gamma": gamma = try reader.numberOrNaN()
            case "theta": theta = try reader.numberOrNaN()
            case "vega": vega = try reader.numberOrNaN()
            case "iv": impliedVolatility = try reader.numberOrNaN()
            default: if try !prices.read(field, &reader) { try reader.skip() }
            }
        }
    }

    /// Takes the dust of binary fractions off all prices: they stand on the instrument's price steps.
    mutating func round(to step: Double?) {
        guard let step, step > 0 else { return }
        func rounded(_ price: Double) -> Double {
            guard price.isFinite else { return price }
            let steps = (price / step).rounded()
            // Multiplying by the step would bring new dust; whole hundredths and ten-thousandths divide exactly.
            let places = step >= 0.01 ? 100.0 : 10_000.0
            return abs(price - steps * step) < step * 0.01 ? (steps * step * places).rounded() / places : price
        }
        prices.last = rounded(prices.last)
        prices.open = rounded(prices.open)
        prices.high = rounded(prices.high)
        prices.low = rounded(prices.low)
        prices.previousClose = rounded(prices.previousClose)
        for index in prices.bids.indices { prices.bids[index].price = rounded(prices.bids[index].price) }
        for index in prices.asks.indices { prices.asks[index].price = rounded(prices.asks[index].price) }
    }

    /// Puts the greeks into an answer.
    func emitGreeks(_ stream: UInt32, timeNanoseconds: Int64, into output: Output) {
        output.greeks(
            stream, timeNanoseconds: timeNanoseconds, delta: delta, gamma: gamma, theta: theta, vega: vega,
            impliedVolatility: impliedVolatility)
    }
}
