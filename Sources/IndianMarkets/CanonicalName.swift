/// Canonical names of what Indian exchanges list.
public enum CanonicalName {
    /// An index: upper case, single spaces. `Nifty 50` is `NIFTY 50`.
    public static func index(_ name: String) -> String {
        name.uppercased().split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }

    /// A share: the exchange's name, and the series where it is another than the usual one. Vendors that have the series
    /// in the name already give none.
    public static func share(_ name: String, series: String) -> String {
        series.isEmpty || series == "EQ" || name.hasSuffix("-\(series)") ? name : "\(name)-\(series)"
    }
}
