import PluginABI

/// An instrument as a provider's list has it; nil and empty = not known.
public struct Listing: Sendable, Equatable {
    /// Raw values are those of `hub/ext/catalog.h`.
    public enum Right: UInt32, Sendable {
        case none = 0
        case call = 1
        case put = 2
    }

    /// Canonical symbol.
    public var symbol: String
    public var type: InstrumentType
    public var name: String
    public var currency: String
    public var isin: String
    public var figi: String
    /// Canonical symbol.
    public var underlying: String
    public var sector: String
    public var tickSize: Double?
    public var lotSize: Double?
    public var multiplier: Double?
    public var strike: Double?
    /// Days since 1970-01-01 of the last trading day.
    public var expiry: Int32?
    public var right: Right
    /// The vendor's own names, such as `instrument_token`.
    public var identifiers: [Identifier]

    /// One of the vendor's names for an instrument.
    public struct Identifier: Sendable, Equatable {
        public var name: String
        public var value: String

        /// Makes one.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Makes one.
    public init(
        symbol: String, type: InstrumentType = .none, name: String = "", currency: String = "", isin: String = "",
        figi: String = "", underlying: String = "", sector: String = "", tickSize: Double? = nil,
        lotSize: Double? = nil, multiplier: Double? = nil, strike: Double? = nil, expiry: Int32? = nil,
        right: Right = .none, identifiers: [Identifier] = []
    ) {
        self.symbol = symbol
        self.type = type
        self.name = name
        self.currency = currency
        self.isin = isin
        self.figi = figi
        self.underlying = underlying
        self.sector = sector
        self.tickSize = tickSize
        self.lotSize = lotSize
        self.multiplier = multiplier
        self.strike = strike
        self.expiry = expiry
        self.right = right
        self.identifiers = identifiers
    }

    private var texts: [(String, String)] {
        [(symbol, name), (currency, isin), (figi, underlying), (sector, "")]
    }

    /// Calls `body` with the listing as the ABI has it; the pointers die when it returns.
    func withABI<Result>(_ body: (UnsafePointer<hub_listing>) -> Result) -> Result {
        HubTexts.with(texts) { first, second in
            HubTexts.with(identifiers.map { ($0.name, $0.value) }) { names, values in
                var raw = hub_listing()
                raw.struct_size = UInt32(MemoryLayout<hub_listing>.size)
                raw.type = UInt32(type.rawValue)
                (raw.symbol, raw.name) = (first[0], second[0])
                (raw.currency, raw.isin) = (first[1], second[1])
                (raw.figi, raw.underlying) = (first[2], second[2])
                raw.sector = first[3]
                raw.tick_size = tickSize ?? .nan
                raw.lot_size = lotSize ?? .nan
                raw.multiplier = multiplier ?? .nan
                raw.strike = strike ?? .nan
                raw.expiry = expiry ?? 0
                raw.right = right.rawValue
                raw.identifier_names = names.baseAddress
                raw.identifier_values = values.baseAddress
                raw.identifier_count = UInt64(names.count)
                return withUnsafePointer(to: raw, body)
            }
        }
    }
}

extension Host {
    /// Part of a list that is being told.
    public func add(_ listing: Listing) throws {
        guard let table = tables.catalog else { throw missing("a catalogue") }
        let status = listing.withABI { table.pointee.add(raw, $0, 1) }
        guard status == 0 else {
            throw PluginError(
                PluginError.Status(rawValue: status) ?? .internal, "the host refused the listing of \(listing.symbol)")
        }
    }

    /// The list is whole; with an error what was added is dropped and the earlier list stands.
    public func catalogDone(_ error: PluginError? = nil) {
        (error?.text ?? "").withHubText { tables.catalog?.pointee.done(raw, error?.status.rawValue ?? 0, $0) }
    }

    /// The vendor's own name that the operator gave a canonical symbol.
    public func named(_ symbol: String) -> String? {
        guard let table = tables.catalog else { return nil }
        var name = hub_text()
        return symbol.withHubText { table.pointee.named(raw, $0, &name) } == 1 ? String(name) : nil
    }
}
