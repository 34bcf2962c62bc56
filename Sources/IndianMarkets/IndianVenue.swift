/// Venues of the Indian exchanges: an exchange's segments are venues of their own.
public enum IndianVenue: String, Sendable, CaseIterable {
    /// Shares and indices of the National Stock Exchange.
    case nse = "NSE"
    /// Shares and indices of the exchange in Bombay.
    case bse = "BSE"
    /// Equity derivatives of NSE.
    case nfo = "NFO"
    /// Equity derivatives of BSE.
    case bfo = "BFO"
    /// Currency derivatives of NSE.
    case cds = "CDS"
    /// Currency derivatives of BSE.
    case bcd = "BCD"
    /// Commodities of the Multi Commodity Exchange.
    case mcx = "MCX"
    /// Commodities of NSE.
    case nco = "NCO"

    /// Name of the calendar that says when it is open.
    public var calendar: String { rawValue.lowercased() }
}
