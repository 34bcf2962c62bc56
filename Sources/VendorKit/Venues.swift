/// Venues of canonical symbols and the market identifier codes (ISO 10383) that vendors give instead.
public enum Venues {
    /// Where shares listed in the United States are: their names need no suffix at any vendor.
    public static let unitedStates: Set<String> = ["NASDAQ", "NYSE", "ARCA", "AMEX", "BATS", "OTC"]

    /// The venue of a market identifier code; `nil` = not one of those known.
    public static func ofMIC(_ code: String) -> String? { byMIC[code] }

    /// The operating code of a venue, the one vendors take in requests.
    public static func mic(of venue: String) -> String? { operating[venue] }

    private static let operating: [String: String] = [
        "NASDAQ": "XNAS", "NYSE": "XNYS", "ARCA": "ARCX", "AMEX": "XASE", "BATS": "BATS", "OTC": "OTCM",
        "TSX": "XTSE", "TSXV": "XTSX", "LSE": "XLON", "XETR": "XETR", "FWB": "XFRA", "EURONEXT": "XPAR",
        "SIX": "XSWX", "MIL": "XMIL", "BME": "XMAD", "NSE": "XNSE", "BSE": "XBOM", "TSE": "XTKS", "HKEX": "XHKG",
        "SSE": "XSHG", "SZSE": "XSHE", "KRX": "XKRX", "TWSE": "XTAI", "ASX": "XASX", "NZX": "XNZE", "SGX": "XSES",
        "JSE": "XJSE", "BMFBOVESPA": "BVMF", "BMV": "XMEX", "OMX": "XSTO", "IDX": "XIDX", "SET": "XBKK",
        "MYX": "XKLS", "TADAWUL": "XSAU",
    ]

    // The segments of the United States' venues beside their operating codes.
    private static let byMIC: [String: String] = {
        var table = Dictionary(uniqueKeysWithValues: operating.map { ($1, $0) })
        for code in ["XNAS", "XNGS", "XNMS", "XNCM"] { table[code] = "NASDAQ" }
        for code in ["OTCM", "OOTC", "OTCQ", "OTCB", "OTCN", "OTCI", "PINX", "PINL", "PINI", "PSGM", "CAVE", "EXPM"] {
            table[code] = "OTC"
        }
        for code in ["XASE", "AMXO"] { table[code] = "AMEX" }
        for code in ["BATS", "BATY", "XCBO", "EDGX", "EDGA"] { table[code] = "BATS" }
        for code in ["XPAR", "XAMS", "XBRU", "XLIS"] { table[code] = "EURONEXT" }
        return table
    }()
}

/// Names of pairs: `EURUSD` as the hub writes them, `EUR/USD` as vendors do.
public enum PairName {
    // Longest first, so that USDT is not taken for a coin named ...USD with a T behind it.
    private static let quotes = [
        "USDT", "USDC", "BUSD", "TUSD", "FDUSD", "USD", "EUR", "GBP", "JPY", "INR", "TRY", "BRL", "AUD", "CAD", "CHF",
        "KRW", "BTC", "ETH", "BNB", "DAI",
    ].sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }

    private static let states: Set<String> = [
        "USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "INR", "CNY", "CNH", "HKD", "SGD",
        "KRW", "TWD", "THB", "MYR", "IDR", "PHP", "VND", "ZAR", "TRY", "RUB", "PLN", "CZK", "HUF", "RON", "BGN", "ILS",
        "SAR", "AED", "QAR", "KWD", "BHD", "OMR", "EGP", "NGN", "KES", "GHS", "MAD", "BRL", "MXN", "ARS", "CLP", "COP",
        "PEN", "UYU", "ISK", "UAH", "KZT", "PKR", "LKR", "BDT", "NPR", "XAU", "XAG", "XPT", "XPD",
    ]

    /// Whether this is the money of a state, or a metal, which are dealt like it.
    public static func isCurrency(_ code: some StringProtocol) -> Bool { states.contains(String(code)) }

    /// Base and quote of two currencies with three letters each.
    public static func currencies(_ name: String) -> (base: String, quote: String)? {
        let bytes = Array(name.utf8)
        guard bytes.count == 6, bytes.allSatisfy({ (65...90).contains($0) }) else { return nil }
        return (String(name.prefix(3)), String(name.suffix(3)))
    }

    /// Base and quote of a coin, told by the quotes that are common; a hyphen, slash or underscore separates too.
    public static func coins(_ name: String) -> (base: String, quote: String)? {
        for mark in ["-", "/", "_"] as [Character] {
            let parts = name.split(separator: mark, omittingEmptySubsequences: false)
            if parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty { return (String(parts[0]), String(parts[1])) }
        }
        for quote in quotes where name.utf8.count > quote.utf8.count && name.hasSuffix(quote) {
            return (String(name.dropLast(quote.count)), quote)
        }
        return nil
    }
}
