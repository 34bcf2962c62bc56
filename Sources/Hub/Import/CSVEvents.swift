import EventFormat
import Foundation

/// Turns the rows of a CSV file into event objects, one JSON line each.
///
/// Columns are found by name. Those of recorded files: `ts_event_ns,price,size,exchange,condition,suspicious` (trades),
/// `ts_event_ns,bid,bid_size,ask,ask_size,exchange` (quotes; a price of 0 means that the side did not change),
/// `ts_open_ns,open,high,low,close,volume` (bars). And those that the hub's own exports have: `time`, `symbol` and the
/// fields of the event. Other columns are passed over.
struct CSVEvents {
    /// Why a row is refused.
    struct Fault: Error {
        var message: String
    }

    enum Kind: Equatable {
        case trade, quote, tick
        case bar(Interval)

        /// `trade`, `quote`, `tick`, or `bar:` and an interval.
        init?(_ word: String) {
            switch word {
            case "trade": self = .trade
            case "quote": self = .quote
            case "tick": self = .tick
            default:
                guard word.hasPrefix("bar:"), let interval = Interval(String(word.dropFirst(4))) else { return nil }
                self = .bar(interval)
            }
        }

        var word: String {
            switch self {
            case .trade: "trade"
            case .quote: "quote"
            case .tick: "tick"
            case .bar: "bar"
            }
        }

        /// Names of the columns with numbers, in the order of the object; the first so many must be there.
        fileprivate var numbers: (names: [String], required: Int) {
            switch self {
            case .trade: (["price", "size"], 2)
            case .quote: (["bid", "bid_size", "ask", "ask_size"], 4)
            case .tick:
                (
                    [
                        "last", "last_size", "average", "volume", "open", "high", "low", "previous_close",
                        "open_interest", "total_buy", "total_sell",
                    ], 1
                )
            case .bar: (["open", "high", "low", "close", "volume", "count", "notional", "vwap", "open_interest"], 4)
            }
        }
    }

    private struct Side {
        var price: Double?
        var size: Double?
    }

    private let kind: Kind
    private let symbol: String?
    private let columns: [String]
    private let places: [String: Int]
    /// Numbers of the kind that the file has, with their columns.
    private let numbers: [(name: String, place: Int)]
    private let timeName: String
    private let tapes: Bool
    /// Quotes in force by exchange: a row may tell one side only.
    private var quotes: [String: (bid: Side, ask: Side)] = [:]

    /// Reads the header.
    ///
    /// - Parameter symbol: of all rows; `nil`: the file has a column `symbol`.
    /// - Throws: `Fault` that names the column that is missing.
    init(header: ArraySlice<UInt8>, kind: Kind, symbol: String?) throws(Fault) {
        self.kind = kind
        self.symbol = symbol
        var text = String(decoding: header, as: UTF8.self)
        if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
        columns = text.split(separator: ",", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: CharacterSet(charactersIn: " \""))
        }
        var places: [String: Int] = [:]
        for (place, name) in columns.enumerated() {
            guard places.updateValue(place, forKey: name) == nil else {
                throw Fault(message: "there are two columns '\(name)'; rename or remove one")
            }
        }
        self.places = places
        let timeNames = kind.word == "bar" ? ["ts_open_ns", "time"] : ["ts_event_ns", "time"]
        guard let timeName = timeNames.first(where: { places[$0] != nil }) else {
            throw Fault(message: Self.missing(timeNames.joined(separator: "' or '"), kind, columns))
        }
        self.timeName = timeName
        // Only recorded tapes write 0 for a side that did not change.
        tapes = timeName != "time"
        let (names, required) = kind.numbers
        for name in names.prefix(required) where places[name] == nil {
            throw Fault(message: Self.missing(name, kind, columns))
        }
        numbers = names.compactMap { name in places[name].map { (name, $0) } }
        if symbol == nil, places["symbol"] == nil {
            throw Fault(message: "there is no column 'symbol'; say whose rows these are with --symbol VENUE:NAME")
        }
    }

    private static func missing(_ name: String, _ kind: Kind, _ columns: [String]) -> String {
        "there is no column '\(name)', which rows of kind \(kind.word) need; the columns are "
            + columns.prefix(20).joined(separator: ",") + "; is --kind right?"
    }

    /// Appends the object of a row and a line end.
    mutating func append(_ row: ArraySlice<UInt8>, to out: inout TextBuffer) throws(Fault) {
        let fields = try Self.fields(row)
        guard fields.count == columns.count else {
            throw Fault(message: "the row has \(fields.count) fields, the header \(columns.count)")
        }
        var values: [(name: String, value: Double?)] = []
        for (name, place) in numbers { values.append((name, try number(fields[place], name))) }
        let exchange = field("exchange", fields).map(TapeCodes.venue) ?? field("venue", fields)
        if kind == .quote, tapes { try merge(&values, exchange ?? "") }
        let symbol = symbol ?? field("symbol", fields) ?? ""
        out.beginObject()
        out.member("type", kind.word)
        out.member("symbol", symbol)
        let time = fields[places[timeName] ?? 0]
        if timeName == "time", let micros = Int64(time) {
            out.member("time", micros)
        } else {
            out.member("time", time)
        }
        var flags: [String] = (field("flags", fields) ?? "").split(separator: ";").map(String.init)
        if let suspicious = field("suspicious", fields), suspicious != "0", suspicious != "false" {
            flags.append("suspect")
        }
        if !flags.isEmpty { out.member("flags", flags) }
        if case .bar(let interval) = kind { out.member("interval", interval.text) }
        for (name, value) in values {
            out.key(text: name)
            if let value { out.element(value) } else { out.elementNull() }
        }
        if kind == .trade { try appendTrade(fields, symbol, exchange, &out) }
        if kind == .quote, let exchange, exchange != venue(of: symbol) { out.member("venue", exchange) }
        if kind.word == "bar", places["volume"] == nil { out.member("volume", 0) }
        out.endObject()
        out.append("\n")
        // The next object is no element of a list.
        out.truncate(to: out.count)
    }

    private func appendTrade(
        _ fields: [String], _ symbol: String, _ exchange: String?, _ out: inout TextBuffer
    ) throws(Fault) {
        if let side = field("side", fields) { out.member("side", side) }
        if let id = field("trade_id", fields) { out.member("trade_id", id) }
        if let exchange, exchange != venue(of: symbol) { out.member("venue", exchange) }
        var words = (field("conditions", fields) ?? "").split(separator: ";").map(String.init)
        if let mask = field("condition", fields) {
            guard let bits = UInt64(mask, radix: 16) else {
                throw Fault(message: "column 'condition' holds '\(mask)', expected a hexadecimal number")
            }
            let conditions = TapeCodes.conditions(bits)
            words += Words.conditions.enumerated().filter { conditions >> UInt32($0.offset) & 1 != 0 }.map(\.element)
        }
        if !words.isEmpty { out.member("conditions", words) }
    }

    private mutating func merge(_ values: inout [(name: String, value: Double?)], _ exchange: String) throws(Fault) {
        var quote = quotes[exchange] ?? (Side(), Side())
        if let bid = values[0].value, bid != 0 { quote.bid = Side(price: bid, size: values[1].value) }
        if let ask = values[2].value, ask != 0 { quote.ask = Side(price: ask, size: values[3].value) }
        guard quote.bid.price != nil || quote.ask.price != nil else {
            throw Fault(message: "neither bid nor ask is given")
        }
        quotes[exchange] = quote
        values = [
            ("bid", quote.bid.price), ("bid_size", quote.bid.size), ("ask", quote.ask.price),
            ("ask_size", quote.ask.size),
        ]
    }

    private func venue(of symbol: String) -> String { String(symbol.prefix { $0 != ":" }) }

    private func field(_ name: String, _ fields: [String]) -> String? {
        guard let place = places[name], !fields[place].isEmpty else { return nil }
        return fields[place]
    }

    private func number(_ text: String, _ name: String) throws(Fault) -> Double? {
        if text.isEmpty { return nil }
        let isPlain = text.utf8.allSatisfy { byte in
            byte &- 48 < 10 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
                || byte | 32 == UInt8(ascii: "e")
        }
        guard isPlain, let value = Double(text), value.isFinite else {
            throw Fault(message: "column '\(name)' holds '\(text.prefix(40))', expected a number")
        }
        return value
    }

    /// The fields of a row, RFC 4180; a field with a line end in it is not read.
    static func fields(_ row: ArraySlice<UInt8>) throws(Fault) -> [String] {
        var fields: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var index = row.startIndex
        while index < row.endIndex {
            let byte = row[index]
            index += 1
            if isQuoted {
                if byte != UInt8(ascii: "\"") {
                    field.append(byte)
                } else if index < row.endIndex, row[index] == UInt8(ascii: "\"") {
                    field.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
            } else if byte == UInt8(ascii: "\""), field.isEmpty {
                isQuoted = true
            } else if byte == UInt8(ascii: ",") {
                fields.append(String(decoding: field, as: UTF8.self))
                field.removeAll(keepingCapacity: true)
            } else {
                field.append(byte)
            }
        }
        guard !isQuoted else { throw Fault(message: "a quoted field has no end on its line") }
        fields.append(String(decoding: field, as: UTF8.self))
        return fields
    }
}
