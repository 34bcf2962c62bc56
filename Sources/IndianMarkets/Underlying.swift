/// Canonical symbols of what futures and options are on.
public enum Underlying {
    private static let ofNSE = [
        "NIFTY": "NIFTY 50", "BANKNIFTY": "NIFTY BANK", "FINNIFTY": "NIFTY FIN SERVICE",
        "MIDCPNIFTY": "NIFTY MID SELECT", "NIFTYNXT50": "NIFTY NEXT 50",
    ]

    /// The symbol of an underlying of equity derivatives by its short name; empty where the underlying is not listed.
    public static func symbol(_ name: String, venue: IndianVenue) -> String {
        guard !name.isEmpty else { return "" }
        switch venue {
        case .nfo: return "NSE:" + (ofNSE[name] ?? name)
        case .bfo: return "BSE:" + name
        default: return ""
        }
    }
}
