import PluginKit
import VendorKit

/// TwelveData's names of instruments: a symbol and where it is traded.
enum TwelveDataSymbols {
    /// A name as TwelveData has it.
    struct Name: Equatable {
        var symbol: String
        /// Market identifier code; empty where there is none.
        var mic = ""
        /// TwelveData's name of the exchange; empty where there is none.
        var exchange = ""
        var type = InstrumentType.none

        /// The part of the market a plan may leave out.
        var market: String {
            switch type {
            case .fx: "forex"
            case .crypto: "crypto"
            default: mic.isEmpty ? exchange : mic
            }
        }

        /// As it is written in a list: `AAPL:NASDAQ`, `SPY:ARCX`, `EUR/USD`, `BTC/USD:Binance`.
        var listed: String {
            let venue = exchange.isEmpty ? TwelveDataSymbols.exchanges[mic] ?? mic : exchange
            return venue.isEmpty ? symbol : "\(symbol):\(venue)"
        }

        /// Parameters of a request for one symbol.
        var parameters: [(name: String, value: String)] {
            [("symbol", symbol), ("exchange", exchange), ("mic_code", exchange.isEmpty ? mic : "")]
        }
    }

    /// Where TwelveData's name of the exchange is sure; behind a colon it takes an operating code less often.
    private static let exchanges = [
        "XNAS": "NASDAQ", "XNYS": "NYSE", "XNSE": "NSE", "XBOM": "BSE", "XLON": "LSE", "XTSE": "TSX",
    ]

    /// Exchanges of coins as the hub and TwelveData name them, and what stands between base and quote in the hub's.
    private static let coinExchanges: [(venue: String, exchange: String, mark: String)] = [
        ("BINANCE", "Binance", ""), ("COINBASE", "Coinbase Pro", "-"), ("KRAKEN", "Kraken", ""),
        ("BITFINEX", "Bitfinex", ""), ("HUOBI", "Huobi", ""), ("KUCOIN", "KuCoin", "-"), ("BITSTAMP", "Bitstamp", ""),
        ("GEMINI", "Gemini", ""), ("POLONIEX", "Poloniex", ""), ("BYBIT", "Bybit", ""), ("OKX", "OKX", "-"),
    ]

    /// TwelveData's name of a canonical symbol; `nil` = it has none that can be told from the symbol.
    static func vendor(_ symbol: String) -> Name? {
        guard let (venue, name) = parts(symbol) else { return nil }
        switch venue {
        case "FX":
            guard let pair = PairName.currencies(name) else { return nil }
            return Name(symbol: "\(pair.base)/\(pair.quote)", type: .fx)
        case "CRYPTO":
            guard let pair = PairName.coins(name) else { return nil }
            return Name(symbol: "\(pair.base)/\(pair.quote)", type: .crypto)
        default: break
        }
        if let known = coinExchanges.first(where: { $0.venue == venue }) {
            guard let pair = PairName.coins(name) else { return nil }
            return Name(symbol: "\(pair.base)/\(pair.quote)", exchange: known.exchange, type: .crypto)
        }
        guard let mic = Venues.mic(of: venue) else { return nil }
        // The family of OTC markets has a dozen codes and one name.
        return venue == "OTC"
            ? Name(symbol: name, exchange: "OTC", type: .equity) : Name(symbol: name, mic: mic, type: .equity)
    }

    /// What an operator's own name of TwelveData's is: `AAPL`, `SBIN:NSE`, `BTC/USD:Binance`.
    static func named(_ vendor: String) -> Name {
        guard let (symbol, exchange) = parts(vendor) else {
            return Name(symbol: vendor, type: vendor.contains("/") ? .none : .equity)
        }
        return Name(symbol: symbol, exchange: exchange, type: symbol.contains("/") ? .crypto : .equity)
    }

    /// The canonical symbol of what TwelveData describes by these fields; `nil` = it cannot be told.
    static func canonical(symbol: String, mic: String = "", exchange: String = "", type: String = "") -> String? {
        let pair = symbol.split(separator: "/", omittingEmptySubsequences: false)
        if pair.count == 2, !pair[0].isEmpty, !pair[1].isEmpty {
            if let known = coinExchanges.first(where: { $0.exchange == exchange }), isCoin(type) || type.isEmpty {
                return "\(known.venue):\(pair[0])\(known.mark)\(pair[1])"
            }
            let isCurrency = !isCoin(type) && (Self.type(type) == .fx || pair.allSatisfy(PairName.isCurrency))
            return isCurrency ? "FX:\(pair[0])\(pair[1])" : "CRYPTO:\(pair[0])\(pair[1])"
        }
        guard let venue = Venues.ofMIC(mic) ?? Self.venue(ofExchange: exchange) else { return nil }
        return "\(venue):\(symbol)"
    }

    /// The hub's word for TwelveData's type.
    static func type(_ text: String) -> InstrumentType {
        switch text.lowercased() {
        case "common stock", "preferred stock", "american depositary receipt", "depositary receipt", "reit",
            "global depositary receipt", "unit", "limited partnership":
            .equity
        case "etf", "exchange-traded note": .etf
        case "mutual fund", "closed-end fund", "fund": .fund
        case "index": .index
        case "bond": .bond
        case "physical currency", "forex": .fx
        case "digital currency", "cryptocurrency": .crypto
        case "commodity": .commodity
        default: .none
        }
    }

    private static func isCoin(_ type: String) -> Bool { Self.type(type) == .crypto }

    private static func venue(ofExchange exchange: String) -> String? {
        let name = exchange.uppercased()
        return Venues.mic(of: name) == nil ? nil : name
    }

    private static func parts(_ symbol: String) -> (String, String)? {
        guard let colon = symbol.firstIndex(of: ":") else { return nil }
        let name = symbol[symbol.index(after: colon)...]
        guard colon != symbol.startIndex, !name.isEmpty else { return nil }
        return (String(symbol[..<colon]), String(name))
    }
}
