import IndianMarkets
import JSONReading

/// One entry of a reply to `/quote`, `/quote/ohlc` or `/quote/ltp`.
struct KiteQuote {
    var key = ""
    var token: UInt32 = 0
    var prices = BrokerQuote()

    /// Calls `body` with each entry of `data`, in the order of the reply.
    static func read(_ bytes: UnsafeRawBufferPointer, _ body: (KiteQuote) -> Void) throws {
        try BrokerQuote.read(bytes, of: "Kite") { (key, reader) throws(JSONError) in
            var quote = KiteQuote()
            quote.key = key.string
            try quote.read(&reader)
            body(quote)
        }
    }

    private mutating func read(_ reader: inout JSONReader) throws(JSONError) {
        while let field = try reader.nextKey() {
            switch field {
            case "instrument_token": token = UInt32(exactly: try reader.numberOrNaN()) ?? 0
            case "last_trade_time": prices.lastTradeTime = try BrokerQuote.time(&reader)
            case "last_quantity": prices.lastSize = try reader.numberOrNaN()
            case "buy_quantity": prices.totalBuy = try reader.numberOrNaN()
            case "sell_quantity": prices.totalSell = try reader.numberOrNaN()
            case "ohlc": prices.previousClose = try prices.readDay(&reader)
            default: if try !prices.read(field, &reader) { try reader.skip() }
            }
        }
    }
}
