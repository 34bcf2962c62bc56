public import JSONReading
public import PluginABI
public import PluginKit

/// What both brokers' replies with quotes say of an instrument; NaN = it is not there.
public struct BrokerQuote {
    public var time: Int64 = 0
    public var lastTradeTime: Int64 = 0
    public var last = Double.nan
    public var lastSize = Double.nan
    public var average = Double.nan
    public var volume = Double.nan
    public var openInterest = Double.nan
    public var totalBuy = Double.nan
    public var totalSell = Double.nan
    public var open = Double.nan
    public var high = Double.nan
    public var low = Double.nan
    public var previousClose = Double.nan
    /// Best first, those that somebody stands on.
    public var bids: [hub_level] = []
    public var asks: [hub_level] = []
    public var hasDepth = false

    /// More than any vendor has.
    private static let mostLevels = 64

    /// Begins with nothing known.
    public init() {}

    // MARK: Reading

    /// Calls `entry` with the key of each instrument of `data`, in the order of the reply, the reader being within its object.
    ///
    /// Throws a ``PluginError`` that names the vendor where the reply cannot be read.
    public static func read(
        _ reply: UnsafeRawBufferPointer, of vendor: String,
        _ entry: (JSONText, inout JSONReader) throws(JSONError) -> Void
    ) throws {
        // The reader does not keep its scratch memory alive.
        let scratch = JSONScratch()
        defer { withExtendedLifetime(scratch) {} }
        var reader = JSONReader(reply, scratch: scratch)
        do throws(JSONError) {
            try reader.enterObject()
            while let key = try reader.nextKey() {
                guard key == "data", try reader.kind() == .object else {
                    try reader.skip()
                    continue
                }
                try reader.enterObject()
                while let key = try reader.nextKey() {
                    if try reader.enterObjectIfAny() { try entry(key, &reader) }
                }
            }
        } catch {
            throw PluginError(.protocolViolation, "a reply of \(vendor) with quotes cannot be read: \(error)")
        }
    }

    /// Reads the value of a field that both have under the same name; false: it is another field, and still to be read.
    public mutating func read(_ field: JSONText, _ reader: inout JSONReader) throws(JSONError) -> Bool {
        switch field {
        case "timestamp": time = try BrokerQuote.time(&reader)
        case "last_price": last = try reader.numberOrNaN()
        case "average_price": average = try BrokerQuote.price(&reader)
        case "volume": volume = try reader.numberOrNaN()
        case "oi": openInterest = try reader.numberOrNaN()
        case "depth":
            guard try reader.enterObjectIfAny() else { return true }
            hasDepth = true
            while let side = try reader.nextKey() {
                switch side {
                case "buy": bids = try BrokerQuote.levels(&reader)
                case "sell": asks = try BrokerQuote.levels(&reader)
                default: try reader.skip()
                }
            }
        default: return false
        }
        return true
    }

    /// Reads the day's prices. Returns the close: one vendor's is that of the day before, the other's the last price.
    public mutating func readDay(_ reader: inout JSONReader) throws(JSONError) -> Double {
        var close = Double.nan
        guard try reader.enterObjectIfAny() else { return close }
        while let field = try reader.nextKey() {
            switch field {
            case "open": open = try BrokerQuote.price(&reader)
            case "high": high = try BrokerQuote.price(&reader)
            case "low": low = try BrokerQuote.price(&reader)
            case "close": close = try BrokerQuote.price(&reader)
            default: try reader.skip()
            }
        }
        return close
    }

    /// A time of the vendor, or 0: it may be null.
    public static func time(_ reader: inout JSONReader) throws(JSONError) -> Int64 {
        try reader.textIfAny().flatMap { IndianTime.nanoseconds($0.bytes) } ?? 0
    }

    /// A price of which zero means that there is none.
    public static func price(_ reader: inout JSONReader) throws(JSONError) -> Double {
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
            if level.price.isFinite, level.size >= 0, level.price != 0 || level.size > 0, levels.count < mostLevels {
                levels.append(level)
            }
        }
        return levels
    }

    // MARK: Records

    /// Puts tick, quote and book into an answer.
    public func emit(_ stream: UInt32, into output: Output) {
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
}
