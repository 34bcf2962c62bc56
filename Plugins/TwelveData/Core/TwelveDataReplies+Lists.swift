import JSONReading
import PluginKit
import VendorKit

/// A row of TwelveData's lists: shares, pairs, what a search found.
struct TwelveDataRow: Equatable {
    var symbol = ""
    var name = ""
    var currency = ""
    var exchange = ""
    var mic = ""
    var country = ""
    var type = ""
    var figi = ""
    var isin = ""
    var timezone = ""
    var base = ""
    var quote = ""
    var exchanges: [String] = []
}

/// What TwelveData says of the plan.
struct TwelveDataUsage: Equatable {
    var used: Int64?
    var limit: Int64?
    var usedToday: Int64?
    var limitOfDay: Int64?
    var plan: String?
}

extension TwelveDataReplies {
    /// `/stocks`, `/etfs`, `/forex_pairs`, `/cryptocurrencies`, `/symbol_search`: row by row, the lists are long. The
    /// rows stand in `data`, or in `result.list`.
    static func rows(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, _ body: (TwelveDataRow) throws -> Void
    ) throws {
        try read(bytes, scratch) { reader in
            try reader.enterObject()
            while let key = try reader.nextKey() {
                if key == "data", try reader.kind() == .array {
                    try rows(&reader, body)
                } else if key == "result", try reader.kind() == .object {
                    try reader.enterObject()
                    while let key = try reader.nextKey() {
                        if key == "list", try reader.kind() == .array {
                            try rows(&reader, body)
                        } else {
                            try reader.skip()
                        }
                    }
                } else {
                    try reader.skip()
                }
            }
        }
    }

    private static func rows(_ reader: inout JSONReader, _ body: (TwelveDataRow) throws -> Void) throws {
        try reader.enterArray()
        while try reader.nextElement() {
            guard try reader.enterObjectIfAny() else { continue }
            var row = TwelveDataRow()
            while let key = try reader.nextKey() {
                switch key {
                case "symbol": row.symbol = try text(&reader) ?? ""
                case "name", "instrument_name": row.name = try text(&reader) ?? ""
                case "currency": row.currency = try text(&reader) ?? ""
                case "exchange": row.exchange = try text(&reader) ?? ""
                case "mic_code": row.mic = try text(&reader) ?? ""
                case "country": row.country = try text(&reader) ?? ""
                case "type", "instrument_type": row.type = try text(&reader) ?? ""
                case "figi_code": row.figi = try text(&reader) ?? ""
                case "isin": row.isin = try text(&reader) ?? ""
                case "exchange_timezone": row.timezone = try text(&reader) ?? ""
                case "currency_base": row.base = try text(&reader) ?? ""
                case "currency_quote": row.quote = try text(&reader) ?? ""
                case "available_exchanges": row.exchanges = try texts(&reader)
                default: try reader.skip()
                }
            }
            if !row.symbol.isEmpty { try body(row) }
        }
    }

    /// A list of texts, such as `/intervals` has in `data`.
    static func texts(_ reader: inout JSONReader) throws(JSONError) -> [String] {
        var texts: [String] = []
        guard try reader.enterArrayIfAny() else { return texts }
        while try reader.nextElement() {
            if let text = try text(&reader) { texts.append(text) }
        }
        return texts
    }

    /// `/market_state`: a bare list; `now` is what its times are counted from.
    static func marketStates(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, nowNanoseconds: Int64
    ) throws -> [MarketStatusAnswer] {
        try read(bytes, scratch) { reader in
            var markets: [MarketStatusAnswer] = []
            try reader.enterArray()
            while try reader.nextElement() {
                var market = MarketStatusAnswer()
                var name = ""
                market.timeNanoseconds = nowNanoseconds
                try reader.enterObject()
                while let key = try reader.nextKey() {
                    switch key {
                    case "name": name = try text(&reader) ?? ""
                    case "code": market.venue = try text(&reader).flatMap(Venues.ofMIC) ?? ""
                    case "is_market_open": market.isOpen = try reader.flagIfAny() ?? false
                    case "time_to_open":
                        market.nextOpenNanoseconds = try span(&reader).map { nowNanoseconds + $0 }
                    case "time_to_close":
                        market.nextCloseNanoseconds = try span(&reader).map { nowNanoseconds + $0 }
                    default: try reader.skip()
                    }
                }
                if market.venue.isEmpty { market.venue = name }
                market.phase = market.isOpen ? "open" : "closed"
                markets.append(market)
            }
            return markets
        }
    }

    /// `05:20:57` in nanoseconds; `nil` for zeros, which mean that it does not apply.
    private static func span(_ reader: inout JSONReader) throws(JSONError) -> Int64? {
        guard let text = try reader.textIfAny() else { return nil }
        let parts = text.string.split(separator: ":").map { Int64($0) ?? -1 }
        guard parts.count == 3, parts.allSatisfy({ (0..<100_000).contains($0) }) else { return nil }
        let seconds = parts[0] * 3600 + parts[1] * 60 + parts[2]
        return seconds == 0 ? nil : seconds * 1_000_000_000
    }

    /// `/exchange_schedule` of one date: a day without sessions is a holiday.
    static func schedule(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, venue: String, date: String
    ) throws -> [CalendarDay] {
        try read(bytes, scratch) { reader in
            var day = CalendarDay()
            day.venue = venue
            day.date = date
            var isKnown = false
            try reader.enterObject()
            while let key = try reader.nextKey() {
                guard key == "data", try reader.kind() == .array else {
                    try reader.skip()
                    continue
                }
                try reader.enterArray()
                while try reader.nextElement() {
                    isKnown = true
                    guard try reader.enterObjectIfAny() else { continue }
                    while let key = try reader.nextKey() {
                        guard key == "sessions", try reader.kind() == .array else {
                            try reader.skip()
                            continue
                        }
                        if let hours = try sessions(&reader) {
                            day.isOpen = true
                            day.hours = hours
                        }
                    }
                }
            }
            return isKnown ? [day] : []
        }
    }

    /// Opening and closing of the trading session itself; `nil` = there is none.
    private static func sessions(_ reader: inout JSONReader) throws(JSONError) -> String? {
        var hours: String?
        try reader.enterArray()
        while try reader.nextElement() {
            guard try reader.enterObjectIfAny() else { continue }
            var open = ""
            var close = ""
            var type = ""
            while let key = try reader.nextKey() {
                switch key {
                case "open_time": open = try text(&reader) ?? ""
                case "close_time": close = try text(&reader) ?? ""
                case "session_type": type = try text(&reader) ?? ""
                default: try reader.skip()
                }
            }
            if type == "quotes" { hours = "\(open.prefix(5))-\(close.prefix(5))" }
        }
        return hours
    }

    /// `/press_releases`, newest first.
    static func pressReleases(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, symbol: String
    ) throws -> [NewsItem] {
        try read(bytes, scratch) { reader in
            var items: [NewsItem] = []
            try reader.enterObject()
            while let key = try reader.nextKey() {
                guard key == "press_releases", try reader.kind() == .array else {
                    try reader.skip()
                    continue
                }
                try reader.enterArray()
                while try reader.nextElement() {
                    guard try reader.enterObjectIfAny() else { continue }
                    var item = NewsItem()
                    item.symbols = [symbol]
                    while let key = try reader.nextKey() {
                        switch key {
                        case "id": item.identifier = try text(&reader) ?? ""
                        case "datetime":
                            item.timeNanoseconds = try reader.textIfAny().flatMap(VendorTime.text) ?? 0
                        case "title": item.headline = try text(&reader) ?? ""
                        case "body": item.summary = try text(&reader).map(PlainText.of(html:))
                        default: try reader.skip()
                        }
                    }
                    if !item.headline.isEmpty { items.append(item) }
                }
            }
            return items.sorted { $0.timeNanoseconds > $1.timeNanoseconds }
        }
    }

    /// `/api_usage`.
    static func usage(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> TwelveDataUsage {
        try read(bytes, scratch) { reader in
            var usage = TwelveDataUsage()
            try reader.enterObject()
            while let key = try reader.nextKey() {
                switch key {
                case "current_usage": usage.used = try reader.integerIfAny()
                case "plan_limit": usage.limit = try reader.integerIfAny()
                case "daily_usage": usage.usedToday = try reader.integerIfAny()
                case "plan_daily_limit": usage.limitOfDay = try reader.integerIfAny()
                case "plan_category": usage.plan = try text(&reader)
                default: try reader.skip()
                }
            }
            return usage
        }
    }
}

/// Text without markup.
enum PlainText {
    private static let entities: [(String, String)] = [
        ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&"),
    ]

    /// The words of a piece of HTML, whose markup may be escaped itself; cut after some hundred characters.
    static func of(html: String) -> String {
        var text = html
        for (entity, character) in entities { text = text.replacing(entity, with: character) }
        var words = ""
        var isInTag = false
        for character in text {
            switch character {
            case "<":
                isInTag = true
                if words.last.map({ !$0.isWhitespace }) ?? false { words.append(" ") }
            case ">": isInTag = false
            default:
                if isInTag { continue }
                if character.isWhitespace, words.last.map(\.isWhitespace) ?? true { continue }
                words.append(character)
            }
            if words.count >= 600 { return words + "…" }
        }
        return words.last == " " ? String(words.dropLast()) : words
    }
}
