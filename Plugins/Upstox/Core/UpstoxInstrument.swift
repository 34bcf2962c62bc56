import EventFormat
import IndianMarkets
import JSONReading
import PluginKit

/// One record of the instrument list.
struct UpstoxInstrument: Equatable {
    var key = ""
    var segment = ""
    var name = ""
    var tradingSymbol = ""
    var exchangeToken = ""
    var isin = ""
    /// `FUT`, `CE`, `PE`, `INDEX`, or a series of shares.
    var kind = ""
    /// In paise.
    var tickSize = 0.0
    var lotSize = 0.0
    var strike = 0.0
    /// Milliseconds of the end of the expiry day; 0 = none.
    var expiry: Int64 = 0
    var isWeekly = false
    var underlying = ""
    var underlyingKey = ""

    /// Reads one record.
    init(_ reader: inout JSONReader) throws(JSONError) {
        try reader.enterObject()
        var asset = ""
        var assetKey = ""
        while let field = try reader.nextKey() {
            switch field {
            case "instrument_key": key = try reader.textIfAny()?.string ?? ""
            case "segment": segment = try reader.textIfAny()?.string ?? ""
            case "name": name = try reader.textIfAny()?.string ?? ""
            case "trading_symbol": tradingSymbol = try reader.textIfAny()?.string ?? ""
            case "exchange_token":
                if try reader.kind() == .number {
                    exchangeToken = try reader.integerIfAny().map(String.init) ?? ""
                } else {
                    exchangeToken = try reader.textIfAny()?.string ?? ""
                }
            case "isin": isin = try reader.textIfAny()?.string ?? ""
            case "instrument_type": kind = try reader.textIfAny()?.string ?? ""
            case "tick_size": tickSize = try reader.numberOrNaN()
            case "lot_size": lotSize = try reader.numberOrNaN()
            case "strike_price": strike = try reader.numberOrNaN()
            case "expiry": expiry = try reader.integerIfAny() ?? 0
            case "weekly": isWeekly = try reader.flagIfAny() ?? false
            case "underlying_symbol": underlying = try reader.textIfAny()?.string ?? ""
            case "underlying_key": underlyingKey = try reader.textIfAny()?.string ?? ""
            case "asset_symbol": asset = try reader.textIfAny()?.string ?? ""
            case "asset_key": assetKey = try reader.textIfAny()?.string ?? ""
            default: try reader.skip()
            }
        }
        if underlying.isEmpty { underlying = asset }
        if underlyingKey.isEmpty { underlyingKey = assetKey }
    }

    private var isIndex: Bool { kind == "INDEX" || segment.hasSuffix("_INDEX") }

    /// The venue of its segment; nil = none that the hub knows.
    var venue: IndianVenue? {
        switch segment {
        case "NSE_EQ", "NSE_INDEX": .nse
        case "BSE_EQ", "BSE_INDEX": .bse
        case "NSE_FO": .nfo
        case "BSE_FO": .bfo
        case "NCD_FO": .cds
        case "BCD_FO": .bcd
        case "MCX_FO", "MCX_INDEX": .mcx
        case "NSE_COM": .nco
        default: nil
        }
    }

    private var contract: ContractName.Kind? { ContractName.Kind(rawValue: kind) }

    /// Days since 1970-01-01 of the expiry.
    private var expiryDay: Int64? { expiry > 0 ? IndianTime.day(UpstoxFeed.nanoseconds(expiry)) : nil }

    /// `VENUE:NAME` by the hub's rules; nil = it cannot be told.
    var symbol: String? {
        guard let venue, !key.isEmpty else { return nil }
        if isIndex {
            // The key has the name that Kite has too; trading symbols are short forms.
            let name = key.split(separator: "|", maxSplits: 1).dropFirst().first.map(String.init) ?? name
            return "\(venue.rawValue):\(CanonicalName.index(name))"
        }
        if let contract {
            guard !underlying.isEmpty, let expiryDay else { return nil }
            let name = ContractName.name(
                underlying: underlying, expiry: CivilDate(day: expiryDay), isWeekly: isWeekly, kind: contract,
                strike: strike)
            return "\(venue.rawValue):\(name)"
        }
        guard !tradingSymbol.isEmpty else { return nil }
        // Groups of BSE are no series: they are not part of its names.
        return "\(venue.rawValue):\(CanonicalName.share(tradingSymbol, series: venue == .nse ? kind : ""))"
    }

    var type: InstrumentType {
        if isIndex { return .index }
        switch contract {
        case .future: return .future
        case .call, .put: return .option
        case nil: return .equity
        }
    }

    private var underlyingSymbol: String {
        guard contract != nil, let venue else { return "" }
        let parts = underlyingKey.split(separator: "|", maxSplits: 1)
        if parts.count == 2, parts[0].hasSuffix("_INDEX") {
            return "\(parts[0] == "BSE_INDEX" ? "BSE" : "NSE"):\(CanonicalName.index(String(parts[1])))"
        }
        return Underlying.symbol(underlying, venue: venue)
    }

    /// As the hub's catalogue has it.
    func listing(_ symbol: String) -> Listing {
        Listing(
            symbol: symbol, type: type, name: contract == nil ? name : "", currency: "INR", isin: isin,
            underlying: underlyingSymbol, tickSize: tickSize > 0 ? tickSize / 100 : nil,
            lotSize: lotSize > 0 ? lotSize : nil, strike: contract == .call || contract == .put ? strike : nil,
            expiry: contract == nil ? nil : expiryDay.map { Int32(truncatingIfNeeded: $0) },
            right: contract == .call ? .call : contract == .put ? .put : .none,
            identifiers: [.init("instrument_key", key), .init("exchange_token", exchangeToken)]
                + (tradingSymbol.isEmpty ? [] : [.init("trading_symbol", tradingSymbol)]))
    }
}
