import PluginKit
import VendorKit

/// Finnhub's names of instruments.
enum FinnhubSymbols {
    /// Suffix of a ticker outside the United States ↔ venue.
    private static let venues: [(suffix: String, venue: String)] = [
        ("TO", "TSX"), ("V", "TSXV"), ("L", "LSE"), ("NS", "NSE"), ("BO", "BSE"), ("T", "TSE"), ("DE", "XETR"),
        ("F", "FWB"), ("PA", "EURONEXT"), ("SW", "SIX"), ("MI", "MIL"), ("MC", "BME"), ("HK", "HKEX"), ("SS", "SSE"),
        ("SZ", "SZSE"), ("KS", "KRX"), ("TW", "TWSE"), ("AX", "ASX"), ("NZ", "NZX"), ("SI", "SGX"), ("JO", "JSE"),
        ("SA", "BMFBOVESPA"), ("MX", "BMV"), ("ST", "OMX"), ("JK", "IDX"), ("BK", "SET"), ("KL", "MYX"),
        ("SR", "TADAWUL"), ("AS", "EURONEXT"), ("BR", "EURONEXT"), ("LS", "EURONEXT"),
    ]

    /// Exchanges of coins whose symbols are the hub's own.
    static let coinExchanges: Set<String> = [
        "BINANCE", "COINBASE", "KRAKEN", "KUCOIN", "BITFINEX", "GEMINI", "HITBTC", "POLONIEX", "HUOBI", "OKEX",
        "BITTREX",
        "ZB", "BITSTAMP", "BYBIT", "GATEIO", "BITMEX",
    ]

    /// What kind of data call an instrument needs.
    enum Market: String {
        case stock, forex, crypto
    }

    /// A canonical symbol as Finnhub has it.
    struct Name: Equatable {
        var vendor: String
        var market: Market
        /// Where a currency is quoted; empty: the symbol's own venue.
        var marketCentre = ""

        var type: InstrumentType {
            switch market {
            case .stock: .equity
            case .forex: .fx
            case .crypto: .crypto
            }
        }
    }

    /// Finnhub's name of a canonical symbol; `nil` = it has none that can be told from the symbol.
    static func vendor(_ symbol: String) -> Name? {
        guard let (venue, name) = parts(symbol) else { return nil }
        if Venues.unitedStates.contains(venue) { return Name(vendor: name, market: .stock) }
        if venue == "FX" {
            guard let pair = PairName.currencies(name) else { return nil }
            return Name(vendor: "OANDA:\(pair.base)_\(pair.quote)", market: .forex, marketCentre: "OANDA")
        }
        if coinExchanges.contains(venue) { return Name(vendor: symbol, market: .crypto) }
        guard let suffix = venues.first(where: { $0.venue == venue })?.suffix else { return nil }
        return Name(vendor: "\(name).\(suffix)", market: .stock)
    }

    /// What an operator's own name of Finnhub's is.
    static func named(_ vendor: String) -> Name {
        guard let (exchange, name) = parts(vendor) else { return Name(vendor: vendor, market: .stock) }
        if coinExchanges.contains(exchange.uppercased()) { return Name(vendor: vendor, market: .crypto) }
        // Currencies at a broker: `OANDA:EUR_USD`, `IC MARKETS:1`.
        _ = name
        return Name(vendor: vendor, market: .forex, marketCentre: exchange.uppercased())
    }

    /// The canonical symbol of one of Finnhub's; `mic` as its lists give it. `nil` = it cannot be told: a bare ticker
    /// without a code, or a broker's number.
    static func canonical(_ vendor: String, mic: String = "") -> String? {
        if let (exchange, name) = parts(vendor) {
            if coinExchanges.contains(exchange.uppercased()) { return "\(exchange.uppercased()):\(name)" }
            let pair = name.split(separator: "_", omittingEmptySubsequences: false)
            guard pair.count == 2, pair.allSatisfy({ $0.utf8.count == 3 }) else { return nil }
            return "FX:\(pair[0])\(pair[1])"
        }
        let venue = Venues.ofMIC(mic)
        if let venue, Venues.unitedStates.contains(venue) { return "\(venue):\(vendor)" }
        guard let point = vendor.lastIndex(of: "."), point != vendor.startIndex,
            let known = venues.first(where: { $0.suffix == vendor[vendor.index(after: point)...] })?.venue
        else { return nil }
        // A class share of the United States looks like a suffix: `BRK.B` is none of them, `X.V` could be.
        return "\(venue ?? known):\(vendor[..<point])"
    }

    /// Whether what stands behind a ticker's last point is an exchange, rather than a class of shares.
    static func isSuffix(_ text: String) -> Bool { venues.contains { $0.suffix == text } }

    /// Finnhub's code of the exchange at which a venue's shares are.
    static func exchange(ofVenue venue: String) -> String? {
        if Venues.unitedStates.contains(venue) { return "US" }
        return venues.first { $0.venue == venue }?.suffix
    }

    /// The hub's word for Finnhub's type of a share.
    static func type(_ text: String) -> InstrumentType {
        switch text.uppercased() {
        case "COMMON STOCK", "ADR", "REIT", "PREFERENCE", "GDR", "NY REG SHRS", "LTD PART", "UNIT", "DUTCH CERT":
            .equity
        case "ETP", "ETF": .etf
        case "OPEN-END FUND", "CLOSED-END FUND", "FUND OF FUNDS", "MUTUAL FUND": .fund
        case "INDEX": .index
        case "BOND": .bond
        default: .none
        }
    }

    private static func parts(_ symbol: String) -> (String, String)? {
        guard let colon = symbol.firstIndex(of: ":") else { return nil }
        let name = symbol[symbol.index(after: colon)...]
        guard colon != symbol.startIndex, !name.isEmpty else { return nil }
        return (String(symbol[..<colon]), String(name))
    }
}
