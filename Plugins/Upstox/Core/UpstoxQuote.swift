import IndianMarkets
import JSONReading
import PluginABI
import PluginKit

/// One entry of a reply with quotes, last prices or option greeks; NaN = it is not there.
///
/// The reply's keys are made of trading symbols; what was asked for stands in `instrument_token`.
struct UpstoxQuote {
    var key = ""
    var time: Int64 = 0
    var lastTradeTime: Int64 = 0
    var last = Double.nan
    var lastSize = Double.nan
    var average = Double.nan
    var volume = Double.nan
    var openInterest = Double.nan
    var totalBuy = Double.nan
    var totalSell = Double.nan
    var open = Double.nan
    var high = Double.nan
    var low = Double.nan
    var previousClose = Double.nan
    /// What the day moved, from which the previous close is told where the reply has none.
    var netChange = Double.nan
    var delta = Double.nan
    var gamma = Double.nan
    var theta = Double.nan
    var vega = Double.nan
    var impliedVolatility = Double.nan
    var bids: [hub_level] = []
    var asks: [hub_level] = []
    var hasDepth = false

    /// Calls `body` with each entry of `data`, in the order of the reply.
    static func read(_ bytes: UnsafeRawBufferPointer, _ body: (UpstoxQuote) -> Void) throws {
        var reader = JSONReader(bytes, scratch: JSONScratch())
        do throws(JSONError) {
            try reader.enterObject()
            while let key = try reader.nextKey() {
                guard key == "data", try reader.kind() == .object else {
                    try reader.skip()
                    continue
                }
                try reader.enterObject()
                while try reader.nextKey() != nil {
                    var quote = UpstoxQuote()
                    guard try reader.enterObjectIfAny() else { continue }
                    try quote.read(&reader)
                    body(quote)
                }
            }
        } catch {
            throw PluginError(.protocolViolation, "a reply of Upstox with quotes cannot be read: \(error)")
        }
    }

    private mutating func read(_ reader: inout JSONReader) throws(JSONError) {
        while let field = try reader.nextKey() {
            switch field {
            case "instrument_token": key = try reader.textIfAny()?.string ?? ""
            case "timestamp":
                time = try reader.textIfAny().flatMap { IndianTime.nanoseconds($0.bytes) } ?? 0
            case "last_trade_time": lastTradeTime = UpstoxFeed.nanoseconds(try reader.integerIfAny() ?? 0)
            case "last_price": last = try reader.numberOrNaN()
            case "ltq", "last_traded_quantity": lastSize = try reader.numberOrNaN()
            case "average_price": average = try UpstoxQuote.price(&reader)
            case "volume": volume = try reader.numberOrNaN()
            case "oi": openInterest = try reader.numberOrNaN()
            case "total_buy_quantity": totalBuy = try reader.numberOrNaN()
            case "total_sell_quantity": totalSell = try reader.numberOrNaN()
            case "cp", "previous_close": previousClose = try UpstoxQuote.price(&reader)
            case "net_change": netChange = try reader.numberOrNaN()
            case "delta": delta = try reader.numberOrNaN()
            case "gamma": gamma = try reader.numberOrNaN()
            case "theta": theta = try reader.numberOrNaN()
            case "vega": vega = try reader.numberOrNaN()
            case "iv": impliedVolatility = try reader.numberOrNaN()
            case "ohlc", "live_ohlc":
                guard try reader.enterObjectIfAny() else { continue }
                while let field = try reader.nextKey() {
                    switch field {
                    case "open": open = try UpstoxQuote.price(&reader)
                    case "high": high = try UpstoxQuote.price(&reader)
                    case "low": low = try UpstoxQuote.price(&reader)
                    default: try reader.skip()
                    }
                }
            case "depth":
                guard try reader.enterObjectIfAny() else { continue }
                hasDepth = true
                while let field = try reader.nextKey() {
                    switch field {
                    case "buy": bids = try UpstoxQuote.levels(&reader)
                    case "sell": asks = try UpstoxQuote.levels(&reader)
                    default: try reader.skip()
                    }
                }
            default: try reader.skip()
            }
        }
    }

    /// A price of which zero means that there is none.
    private static func price(_ reader: inout JSONReader) throws(JSONError) -> Double {
        let price = try reader.numberOrNaN()
        return price == 0 ? .nan : price
    }

    /// Levels that are in use; the others are there with zeros.
    private static func levels(_ reader: inout JSONReader) throws(JSONError) -> [hub_level] {
        var levels: [hub_level] = []
        guard try reader.enterArrayIfAny() else { return [] }
        while try reader.nextElement() {
            var level = hub_level()
            guard try reader.enterObjectIfAny() else { continue }
            while let field = try reader.nextKey() {
                switch field {
                case "price": level.price = try reader.numberOrNaN()
                case "quantity": level.size = try reader.numberOrNaN()
                case "orders": level.orders = UInt32(exactly: try reader.numberOrNaN()) ?? 0
                default: try reader.skip()
                }
            }
            if level.price.isFinite, level.size >= 0, level.price != 0 || level.size > 0, levels.count < 64 {
                levels.append(level)
            }
        }
        return levels
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
        last = rounded(last)
        open = rounded(open)
        high = rounded(high)
        low = rounded(low)
        previousClose = rounded(previousClose)
        for index in bids.indices { bids[index].price = rounded(bids[index].price) }
        for index in asks.indices { asks[index].price = rounded(asks[index].price) }
    }

    /// Puts tick, quote and book into an answer.
    func emit(_ stream: UInt32, into output: Output) {
        if last.isFinite, let tick = output.tick(stream, timeNanoseconds: time, last: last) {
            if last == 0 { tick.pointee.head.flags |= RecordFlags.suspect.rawValue }
            tick.pointee.last_size = lastSize
            tick.pointee.average = average
            tick.pointee.volume = volume
            tick.pointee.open_interest = openInterest
            tick.pointee.open = open
            tick.pointee.high = high
            tick.pointee.low = low
            tick.pointee.previous_close = previousClose
            tick.pointee.total_buy = totalBuy
            tick.pointee.total_sell = totalSell
            tick.pointee.last_trade_time = lastTradeTime
        }
        guard hasDepth else { return }
        output.quote(
            stream, timeNanoseconds: time, bid: bids.first?.price ?? .nan, bidSize: bids.first?.size ?? .nan,
            ask: asks.first?.price ?? .nan, askSize: asks.first?.size ?? .nan)
        if let space = output.book(stream, timeNanoseconds: time, bids: bids.count, asks: asks.count) {
            for (index, level) in (bids + asks).enumerated() { space[index] = level }
        }
    }

    /// Puts the greeks into an answer.
    func emitGreeks(_ stream: UInt32, timeNanoseconds: Int64, into output: Output) {
        output.greeks(
            stream, timeNanoseconds: timeNanoseconds, delta: delta, gamma: gamma, theta: theta, vega: vega,
            impliedVolatility: impliedVolatility)
    }
}
