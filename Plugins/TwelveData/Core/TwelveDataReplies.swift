import JSONReading
import PluginKit
import VendorKit

/// TwelveData's newest prices of an instrument.
struct TwelveDataQuote: Equatable {
    var item = TwelveDataItem()
    var last = Double.nan
    var open = Double.nan
    var high = Double.nan
    var low = Double.nan
    var previousClose = Double.nan
    var volume = Double.nan
    var isMarketOpen: Bool?
    var timeNanoseconds: Int64 = 0
}

/// TwelveData's series, in rising order.
struct TwelveDataSeries: Equatable {
    var item = TwelveDataItem()
    /// Of the exchange; times without a zone are in the one that was asked for.
    var timezone = ""
    var interval = ""
    var bars: [VendorBar] = []
}

/// What a batch has for one symbol: the answer that this symbol alone would have had.
enum TwelveDataBatchItem<Value> {
    case value(Value)
    case failure(code: Int, message: String)
}

/// Reads TwelveData's answers over HTTP. All throw ``PluginError``.
enum TwelveDataReplies {
    /// `/quote` of one symbol; `nil` = it has no price.
    static func quote(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> TwelveDataQuote? {
        try read(bytes, scratch) { try quote(&$0) }
    }

    /// `/quote` of several symbols, by symbol as it was asked for.
    static func quotes(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch
    ) throws -> [String: TwelveDataBatchItem<TwelveDataQuote?>] {
        try batch(bytes, scratch) { reader throws(JSONError) in try quote(&reader) }
    }

    /// `/time_series` of one symbol.
    static func series(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> TwelveDataSeries {
        try read(bytes, scratch) { try series(&$0) }
    }

    /// `/time_series` of several symbols, by symbol as it was asked for.
    static func manySeries(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch
    ) throws -> [String: TwelveDataBatchItem<TwelveDataSeries>] {
        try batch(bytes, scratch) { reader throws(JSONError) in try series(&reader) }
    }

    /// `/price`.
    static func price(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> Double {
        try read(bytes, scratch) { reader in
            var price = Double.nan
            try reader.enterObject()
            while let key = try reader.nextKey() {
                if key == "price" || key == "rate" {
                    price = try reader.numberOrNaN()
                } else {
                    try reader.skip()
                }
            }
            return price
        }
    }

    /// `/profile`; `nil` = nothing is known.
    static func profile(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> ProfileAnswer? {
        try read(bytes, scratch) { reader in
            var profile = ProfileAnswer()
            try reader.enterObject()
            while let key = try reader.nextKey() {
                switch key {
                case "name": profile.name = try text(&reader)
                case "description": profile.description = try text(&reader)
                case "sector": profile.sector = try text(&reader)
                case "industry": profile.industry = try text(&reader)
                case "country": profile.country = try text(&reader)
                case "exchange": profile.exchange = try text(&reader)
                case "website": profile.website = try text(&reader)
                case "employees": profile.employees = try reader.integerIfAny()
                default: try reader.skip()
                }
            }
            return profile.name == nil ? nil : profile
        }
    }

    // MARK: Helpers

    static func read<Result>(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, _ body: (inout JSONReader) throws -> Result
    ) throws -> Result {
        var reader = JSONReader(bytes, scratch: scratch)
        do {
            let result = try body(&reader)
            try reader.finish()
            return result
        } catch let error as JSONError {
            throw PluginError(.protocolViolation, "TwelveData's answer is not readable: \(error)")
        }
    }

    /// A text that says something; what stands where an add-on is missing does not.
    static func text(_ reader: inout JSONReader) throws(JSONError) -> String? {
        guard let text = try reader.textIfAny(), !text.isEmpty, !(text == "request_access_via_add_ons") else {
            return nil
        }
        return text.string
    }

    /// An object by symbol; also with the wrappers of `POST /batch`: `data`, and `response` around each.
    private static func batch<Value>(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch,
        _ value: (inout JSONReader) throws(JSONError) -> Value
    ) throws -> [String: TwelveDataBatchItem<Value>] {
        try read(bytes, scratch) { reader in
            var items: [String: TwelveDataBatchItem<Value>] = [:]
            try reader.enterObject()
            while let key = try reader.nextKey() {
                guard try reader.kind() == .object else {
                    try reader.skip()
                    continue
                }
                guard key == "data" else {
                    items[key.string] = try item(&reader, value)
                    continue
                }
                try reader.enterObject()
                while let key = try reader.nextKey() {
                    let name = key.string
                    guard try reader.kind() == .object else {
                        try reader.skip()
                        continue
                    }
                    items[name] = try wrapped(&reader, value)
                }
            }
            return items
        }
    }

    private static func wrapped<Value>(
        _ reader: inout JSONReader, _ value: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> TwelveDataBatchItem<Value> {
        let start = reader.place
        var found: TwelveDataBatchItem<Value>?
        try reader.enterObject()
        while let key = try reader.nextKey() {
            if key == "response", try reader.kind() == .object {
                found = try item(&reader, value)
            } else {
                try reader.skip()
            }
        }
        if let found { return found }
        let end = reader.place
        reader.go(to: start)
        let item = try item(&reader, value)
        reader.go(to: end)
        return item
    }

    private static func item<Value>(
        _ reader: inout JSONReader, _ value: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> TwelveDataBatchItem<Value> {
        let start = reader.place
        if let (code, message) = try TwelveDataErrors.object(&reader) { return .failure(code: code, message: message) }
        reader.go(to: start)
        return .value(try value(&reader))
    }

    private static func quote(_ reader: inout JSONReader) throws(JSONError) -> TwelveDataQuote? {
        var quote = TwelveDataQuote()
        var bar: Int64 = 0
        var newest: Int64 = 0
        try reader.enterObject()
        while let key = try reader.nextKey() {
            switch key {
            case "symbol": quote.item.symbol = try text(&reader) ?? ""
            case "mic_code": quote.item.mic = try text(&reader) ?? ""
            case "exchange": quote.item.exchange = try text(&reader) ?? ""
            case "open": quote.open = try reader.numberOrNaN()
            case "high": quote.high = try reader.numberOrNaN()
            case "low": quote.low = try reader.numberOrNaN()
            case "close": quote.last = try reader.numberOrNaN()
            case "volume": quote.volume = try reader.numberOrNaN()
            case "previous_close": quote.previousClose = try reader.numberOrNaN()
            case "is_market_open": quote.isMarketOpen = try reader.flagIfAny()
            case "timestamp": bar = VendorTime.seconds(try reader.numberOrNaN())
            case "last_quote_at": newest = VendorTime.seconds(try reader.numberOrNaN())
            default: try reader.skip()
            }
        }
        quote.timeNanoseconds = newest > 0 ? newest : bar
        return quote.last.isFinite ? quote : nil
    }

    private static func series(_ reader: inout JSONReader) throws(JSONError) -> TwelveDataSeries {
        var series = TwelveDataSeries()
        try reader.enterObject()
        while let key = try reader.nextKey() {
            switch key {
            case "meta":
                guard try reader.enterObjectIfAny() else { continue }
                while let key = try reader.nextKey() {
                    switch key {
                    case "symbol": series.item.symbol = try text(&reader) ?? ""
                    case "mic_code": series.item.mic = try text(&reader) ?? ""
                    case "exchange": series.item.exchange = try text(&reader) ?? ""
                    case "exchange_timezone": series.timezone = try text(&reader) ?? ""
                    case "interval": series.interval = try text(&reader) ?? ""
                    default: try reader.skip()
                    }
                }
            case "values":
                guard try reader.enterArrayIfAny() else { continue }
                while try reader.nextElement() {
                    if let bar = try bar(&reader) { series.bars.append(bar) }
                }
            default: try reader.skip()
            }
        }
        // Newest first unless asked otherwise; the hub's order is of time.
        series.bars.sort { $0.openNanoseconds < $1.openNanoseconds }
        return series
    }

    private static func bar(_ reader: inout JSONReader) throws(JSONError) -> VendorBar? {
        var time: Int64?
        var bar = VendorBar(
            openNanoseconds: 0, open: .nan, high: .nan, low: .nan, close: .nan, volume: .nan)
        try reader.enterObject()
        while let key = try reader.nextKey() {
            switch key {
            case "datetime": if let text = try reader.textIfAny() { time = VendorTime.text(text) }
            case "open": bar.open = try reader.numberOrNaN()
            case "high": bar.high = try reader.numberOrNaN()
            case "low": bar.low = try reader.numberOrNaN()
            case "close": bar.close = try reader.numberOrNaN()
            case "volume": bar.volume = try reader.numberOrNaN()
            default: try reader.skip()
            }
        }
        guard let time, bar.open.isFinite, bar.high.isFinite, bar.low.isFinite, bar.close.isFinite else { return nil }
        bar.openNanoseconds = time
        if !bar.volume.isFinite { bar.volume = 0 }
        return bar
    }
}
