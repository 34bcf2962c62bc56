import IndianMarkets
import JSONReading
import PluginABI
import PluginKit

/// One entry of a reply to `/quote`, `/quote/ohlc` or `/quote/ltp`; NaN = it is not there.
struct KiteQuote {
    var key = ""
    var token: UInt32 = 0
    var time: Int64 = 0
    var lastTradeTime: Int64 = 0
    var last = Double.nan
    var lastQuantity = Double.nan
    var average = Double.nan
    var volume = Double.nan
    var openInterest = Double.nan
    var totalBuy = Double.nan
    var totalSell = Double.nan
    var open = Double.nan
    var high = Double.nan
    var low = Double.nan
    var previousClose = Double.nan
    var bids: [hub_level] = []
    var asks: [hub_level] = []
    var hasDepth = false

    /// Calls `body` with each entry of `data`, in the order of the reply.
    static func read(_ bytes: UnsafeRawBufferPointer, _ body: (KiteQuote) -> Void) throws {
        var reader = JSONReader(bytes, scratch: JSONScratch())
        do throws(JSONError) {
            try reader.enterObject()
            while let key = try reader.nextKey() {
                guard key == "data", try reader.kind() == .object else {
                    try reader.skip()
                    continue
                }
                try reader.enterObject()
                while let key = try reader.nextKey() {
                    var quote = KiteQuote()
                    quote.key = key.string
                    guard try reader.enterObjectIfAny() else { continue }
                    try quote.read(&reader)
                    body(quote)
                }
            }
        } catch {
            throw PluginError(.protocolViolation, "a reply of Kite with quotes cannot be read: \(error)")
        }
    }

    private mutating func read(_ reader: inout JSONReader) throws(JSONError) {
        while let key = try reader.nextKey() {
            switch key {
            case "instrument_token":
                token = UInt32(exactly: try reader.numberOrNaN()) ?? 0
            case "timestamp": time = try KiteQuote.time(&reader)
            case "last_trade_time": lastTradeTime = try KiteQuote.time(&reader)
            case "last_price": last = try reader.numberOrNaN()
            case "last_quantity": lastQuantity = try reader.numberOrNaN()
            case "average_price": average = try KiteQuote.price(&reader)
            case "volume": volume = try reader.numberOrNaN()
            case "oi": openInterest = try reader.numberOrNaN()
            case "buy_quantity": totalBuy = try reader.numberOrNaN()
            case "sell_quantity": totalSell = try reader.numberOrNaN()
            case "ohlc":
                guard try reader.enterObjectIfAny() else { continue }
                while let key = try reader.nextKey() {
                    switch key {
                    case "open": open = try KiteQuote.price(&reader)
                    case "high": high = try KiteQuote.price(&reader)
                    case "low": low = try KiteQuote.price(&reader)
                    case "close": previousClose = try KiteQuote.price(&reader)
                    default: try reader.skip()
                    }
                }
            case "depth":
                guard try reader.enterObjectIfAny() else { continue }
                hasDepth = true
                while let key = try reader.nextKey() {
                    switch key {
                    case "buy": bids = try KiteQuote.levels(&reader)
                    case "sell": asks = try KiteQuote.levels(&reader)
                    default: try reader.skip()
                    }
                }
            default: try reader.skip()
            }
        }
    }

    /// A time of the vendor, or 0: it may be null.
    private static func time(_ reader: inout JSONReader) throws(JSONError) -> Int64 {
        guard let text = try reader.textIfAny() else { return 0 }
        return IndianTime.nanoseconds(text.bytes) ?? 0
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
            while let key = try reader.nextKey() {
                switch key {
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

    /// Puts tick, quote and book into an answer.
    func emit(_ stream: UInt32, into output: Output) {
        if last.isFinite, let tick = output.tick(stream, timeNanoseconds: time, last: last) {
            if last == 0 { tick.pointee.head.flags |= RecordFlags.suspect.rawValue }
            tick.pointee.last_size = lastQuantity
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
}
