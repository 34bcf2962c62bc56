import EventFormat
import IndianMarkets
import PluginKit

/// One row of the instrument dump.
struct KiteInstrument: Equatable {
    /// What the ticker and the candles know it by.
    var token: UInt32
    /// The vendor's name on its exchange.
    var tradingSymbol: String
    var exchange: String
    var name: String
    /// Days since 1970-01-01; nil = it does not expire.
    var expiry: Int32?
    var strike: Double
    /// In rupees.
    var tickSize: Double
    var lotSize: Double
    /// `EQ`, `FUT`, `CE`, `PE`.
    var kind: String
    var segment: String

    private var isIndex: Bool { segment == "INDICES" || KiteSegment.isIndex(token: token) }

    /// `VENUE:NAME`: the vendor's names are the hub's, but for the case of a few indices.
    var symbol: String { "\(exchange):\(isIndex ? CanonicalName.index(tradingSymbol) : tradingSymbol)" }

    /// What the quote calls know it by.
    var quoteKey: String { "\(exchange):\(tradingSymbol)" }

    var type: InstrumentType {
        if isIndex { return .index }
        switch kind {
        case "FUT": return .future
        case "CE", "PE": return .option
        case "EQ": return .equity
        default: return .none
        }
    }

    /// As the hub's catalogue has it.
    var listing: Listing {
        let isDerivative = type == .future || type == .option
        return Listing(
            symbol: symbol, type: type, name: isDerivative ? "" : name, currency: "INR",
            underlying: isDerivative
                ? IndianVenue(rawValue: exchange).map { Underlying.symbol(name, venue: $0) } ?? "" : "",
            tickSize: tickSize > 0 ? tickSize : nil, lotSize: lotSize > 0 ? lotSize : nil,
            strike: type == .option ? strike : nil, expiry: expiry,
            right: kind == "CE" ? .call : kind == "PE" ? .put : .none,
            identifiers: [
                .init("instrument_token", String(token)), .init("exchange_token", String(token >> 8)),
                .init("tradingsymbol", tradingSymbol),
            ])
    }
}
