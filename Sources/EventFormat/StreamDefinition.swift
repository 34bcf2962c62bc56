public import PluginABI

/// What a stream id stands for: an instrument as one source delivers it, from one market centre.
public struct StreamDefinition: Sendable, Hashable {
    /// Dense, from 1; 0 is the hub itself and never defined.
    public var id: UInt32
    /// `VENUE:NAME`; empty for the stream of the source itself.
    public var symbol: String
    /// The provider's name in the configuration.
    public var source: String
    /// Where it trades, if not the symbol's own venue; else empty.
    public var marketCentre: String
    /// `HUB_TYPE_EQUITY` …
    public var instrumentType: UInt8
    /// ISO 4217 code, or empty.
    public var currency: String
    /// Name of the trading calendar, or empty.
    public var calendar: String
    /// Smallest step of the price; NaN = not known.
    public var tickSize: Double
    /// Units of one lot; NaN = not known.
    public var lotSize: Double
    public var simulated: Bool

    public init(
        id: UInt32, symbol: String, source: String, marketCentre: String = "", instrumentType: UInt8 = 0,
        currency: String = "", calendar: String = "", tickSize: Double = .nan, lotSize: Double = .nan,
        simulated: Bool = false
    ) {
        self.id = id
        self.symbol = symbol
        self.source = source
        self.marketCentre = marketCentre
        self.instrumentType = instrumentType
        self.currency = currency
        self.calendar = calendar
        self.tickSize = tickSize
        self.lotSize = lotSize
        self.simulated = simulated
    }

    /// The symbol's own venue, `NSE` of `NSE:RELIANCE`; empty for the stream of a source.
    public var venue: String {
        guard let colon = symbol.utf8.firstIndex(of: UInt8(ascii: ":")) else { return "" }
        return String(symbol[..<colon])
    }

    /// Whether this is the stream of a source itself: its own controls and gaps.
    public var isSource: Bool { symbol.isEmpty }

    /// The word for the instrument's type (`equity`), `nil` where it is not known.
    public var instrumentTypeText: String? { Words.instrumentType(instrumentType) }

    /// Reads a `define` record of a stream; `nil` if it is not one or its texts pass its end.
    public init?(_ record: UnsafePointer<hub_record>) {
        let pointer = RecordPointer(record)
        guard pointer.kind == HUB_DEFINE, pointer.what == HUB_DEFINE_STREAM,
            RecordText.fits(record, after: 56, count: 5)
        else { return nil }
        let fixed = pointer.asDefineStream.pointee
        let texts = RecordText.read(record, after: 56, count: 5)
        self.init(
            id: pointer.stream, symbol: texts[0], source: texts[1], marketCentre: texts[2],
            instrumentType: fixed.instrument_type, currency: texts[3], calendar: texts[4], tickSize: fixed.tick_size,
            lotSize: fixed.lot_size, simulated: fixed.simulated != 0)
    }

    // NaN stands for "not known" and equals itself here, so that a repeated definition equals the first.
    public static func == (left: StreamDefinition, right: StreamDefinition) -> Bool {
        left.id == right.id && left.symbol == right.symbol && left.source == right.source
            && left.marketCentre == right.marketCentre && left.instrumentType == right.instrumentType
            && left.currency == right.currency && left.calendar == right.calendar
            && left.tickSize.bitPattern == right.tickSize.bitPattern
            && left.lotSize.bitPattern == right.lotSize.bitPattern && left.simulated == right.simulated
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(symbol)
        hasher.combine(source)
        hasher.combine(marketCentre)
    }
}
