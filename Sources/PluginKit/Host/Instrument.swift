import PluginABI

/// What is known of an instrument; nil and empty = not known.
public struct Instrument: Sendable {
    /// Canonical symbol, `VENUE:NAME`.
    public var symbol: String
    public var type: InstrumentType
    /// Where it printed; empty: the symbol's own venue.
    public var marketCentre: String
    /// ISO 4217 code.
    public var currency: String
    public var calendar: String
    /// Smallest price step, in the currency.
    public var tickSize: Double?
    /// Smallest size step, in units.
    public var lotSize: Double?

    /// Makes a description.
    public init(
        symbol: String, type: InstrumentType = .none, marketCentre: String = "", currency: String = "",
        calendar: String = "", tickSize: Double? = nil, lotSize: Double? = nil
    ) {
        self.symbol = symbol
        self.type = type
        self.marketCentre = marketCentre
        self.currency = currency
        self.calendar = calendar
        self.tickSize = tickSize
        self.lotSize = lotSize
    }

    func withABI<Result>(_ body: (UnsafePointer<hub_instrument>) -> Result) -> Result {
        symbol.withHubText { symbol in
            marketCentre.withHubText { marketCentre in
                currency.withHubText { currency in
                    calendar.withHubText { calendar in
                        var instrument = hub_instrument()
                        instrument.struct_size = UInt32(MemoryLayout<hub_instrument>.size)
                        instrument.type = UInt32(type.rawValue)
                        instrument.symbol = symbol
                        instrument.market_centre = marketCentre
                        instrument.currency = currency
                        instrument.calendar = calendar
                        instrument.tick_size = tickSize ?? .nan
                        instrument.lot_size = lotSize ?? .nan
                        return withUnsafePointer(to: instrument, body)
                    }
                }
            }
        }
    }
}
