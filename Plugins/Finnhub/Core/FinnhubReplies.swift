import JSONReading
import PluginKit
import VendorKit

/// Finnhub's newest price of an instrument.
struct FinnhubQuote: Equatable {
    var last = Double.nan
    var open = Double.nan
    var high = Double.nan
    var low = Double.nan
    var previousClose = Double.nan
    var timeNanoseconds: Int64 = 0
}

/// One row of Finnhub's lists of symbols.
struct FinnhubSymbolRow: Equatable {
    var symbol = ""
    var displaySymbol = ""
    var description = ""
    var currency = ""
    var mic = ""
    var type = ""
    var figi = ""
    var isin = ""
}

/// Reads Finnhub's answers over HTTP. All throw ``PluginError``.
enum FinnhubReplies {
    /// `/quote`; `nil` = not found, which Finnhub says with zeros.
    static func quote(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> FinnhubQuote? {
        try read(bytes, scratch) { reader in
            var quote = FinnhubQuote()
            try reader.enterObject()
            while let key = try reader.nextKey() {
                switch key {
                case "c": quote.last = try reader.numberOrNaN()
                case "o": quote.open = try reader.numberOrNaN()
                case "h": quote.high = try reader.numberOrNaN()
                case "l": quote.low = try reader.numberOrNaN()
                case "pc": quote.previousClose = try reader.numberOrNaN()
                case "t": quote.timeNanoseconds = VendorTime.seconds(try reader.numberOrNaN())
                default: try reader.skip()
                }
            }
            guard quote.last.isFinite, quote.last != 0 || quote.timeNanoseconds != 0 else { return nil }
            return quote
        }
    }

    /// `/stock/candle` and its sisters, in rising order as they come; empty where there is no data.
    static func candles(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> [VendorBar] {
        try read(bytes, scratch) { reader in
            var columns: [[Double]] = Array(repeating: [], count: 6)
            var hasData = true
            try reader.enterObject()
            while let key = try reader.nextKey() {
                switch key {
                case "t": columns[0] = try numbers(&reader)
                case "o": columns[1] = try numbers(&reader)
                case "h": columns[2] = try numbers(&reader)
                case "l": columns[3] = try numbers(&reader)
                case "c": columns[4] = try numbers(&reader)
                case "v": columns[5] = try numbers(&reader)
                case "s": if let state = try reader.textIfAny() { hasData = !(state == "no_data") }
                default: try reader.skip()
                }
            }
            guard hasData else { return [] }
            let count = columns[0].count
            let hasVolume = !columns[5].isEmpty
            guard columns[1...4].allSatisfy({ $0.count == count }), !hasVolume || columns[5].count == count else {
                throw PluginError(.protocolViolation, "Finnhub's candles have columns of different lengths")
            }
            return (0..<count).compactMap { row in
                let time = VendorTime.seconds(columns[0][row])
                guard time > 0, columns[1...4].allSatisfy({ $0[row].isFinite }) else { return nil }
                let volume = hasVolume ? columns[5][row] : 0
                return VendorBar(
                    openNanoseconds: time, open: columns[1][row], high: columns[2][row], low: columns[3][row],
                    close: columns[4][row], volume: volume.isFinite ? volume : 0)
            }
        }
    }

    /// `/stock/profile2`; `nil` = not found, which Finnhub says with an empty object.
    static func profile(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> ProfileAnswer? {
        try read(bytes, scratch) { reader in
            var profile = ProfileAnswer()
            var fields = 0
            try reader.enterObject()
            while let key = try reader.nextKey() {
                fields += 1
                switch key {
                case "name": profile.name = try text(&reader)
                case "finnhubIndustry": profile.industry = try text(&reader)
                case "country": profile.country = try text(&reader)
                case "exchange": profile.exchange = try text(&reader)
                case "currency": profile.currency = try text(&reader)
                case "weburl": profile.website = try text(&reader)
                case "ipo": profile.listed = try text(&reader)
                case "logo": profile.logo = try text(&reader)
                // Both in millions.
                case "marketCapitalization": profile.marketCap = million(try reader.numberOrNaN())
                case "shareOutstanding": profile.sharesOutstanding = million(try reader.numberOrNaN())
                default: try reader.skip()
                }
            }
            return fields == 0 ? nil : profile
        }
    }

    /// `/search`.
    static func search(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> [FinnhubSymbolRow] {
        try read(bytes, scratch) { reader in
            var rows: [FinnhubSymbolRow] = []
            try reader.enterObject()
            while let key = try reader.nextKey() {
                if key == "result" { try symbolRows(&reader) { rows.append($0) } } else { try reader.skip() }
            }
            return rows
        }
    }

    /// `/stock/symbol`, `/forex/symbol`, `/crypto/symbol`: row by row, the list is long.
    static func symbols(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, _ body: (FinnhubSymbolRow) throws -> Void
    ) throws {
        try read(bytes, scratch) { try symbolRows(&$0, body) }
    }

    /// `/forex/exchange`, `/crypto/exchange`, `/stock/peers`: a list of texts.
    static func texts(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> [String] {
        try read(bytes, scratch) { reader in
            var texts: [String] = []
            try reader.enterArray()
            while try reader.nextElement() {
                if let text = try text(&reader) { texts.append(text) }
            }
            return texts
        }
    }

    /// `/stock/bidask`; its time is in milliseconds.
    static func bidAsk(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> FinnhubBidAsk {
        try read(bytes, scratch) { reader in
            var quote = FinnhubBidAsk()
            try reader.enterObject()
            while let key = try reader.nextKey() {
                switch key {
                case "b": quote.bid = try reader.numberOrNaN()
                case "bv": quote.bidSize = try reader.numberOrNaN()
                case "a": quote.ask = try reader.numberOrNaN()
                case "av": quote.askSize = try reader.numberOrNaN()
                case "t": quote.timeNanoseconds = VendorTime.milliseconds(try reader.numberOrNaN())
                default: try reader.skip()
                }
            }
            return quote
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
            throw PluginError(.protocolViolation, "Finnhub's answer is not readable: \(error)")
        }
    }

    /// A text that says something.
    static func text(_ reader: inout JSONReader) throws(JSONError) -> String? {
        guard let text = try reader.textIfAny(), !text.isEmpty else { return nil }
        return text.string
    }

    private static func million(_ number: Double) -> Double? { number.isFinite ? number * 1_000_000 : nil }

    private static func numbers(_ reader: inout JSONReader) throws(JSONError) -> [Double] {
        var numbers: [Double] = []
        guard try reader.enterArrayIfAny() else { return numbers }
        while try reader.nextElement() { numbers.append(try reader.numberOrNaN()) }
        return numbers
    }

    private static func symbolRows(_ reader: inout JSONReader, _ body: (FinnhubSymbolRow) throws -> Void) throws {
        try reader.enterArray()
        while try reader.nextElement() {
            var row = FinnhubSymbolRow()
            try reader.enterObject()
            while let key = try reader.nextKey() {
                switch key {
                case "symbol": row.symbol = try text(&reader) ?? ""
                case "displaySymbol": row.displaySymbol = try text(&reader) ?? ""
                case "description": row.description = try text(&reader) ?? ""
                case "currency": row.currency = try text(&reader) ?? ""
                case "mic": row.mic = try text(&reader) ?? ""
                case "type": row.type = try text(&reader) ?? ""
                case "figi": row.figi = try text(&reader) ?? ""
                case "isin": row.isin = try text(&reader) ?? ""
                default: try reader.skip()
                }
            }
            if !row.symbol.isEmpty { try body(row) }
        }
    }
}

/// Finnhub's best prices; premium.
struct FinnhubBidAsk: Equatable {
    var bid = Double.nan
    var bidSize = Double.nan
    var ask = Double.nan
    var askSize = Double.nan
    var timeNanoseconds: Int64 = 0
}
