/// What bars show that their records do not hold.
public enum BarText {
    /// `vwap`: notional divided by volume, rounded to 6 places; NaN where either is not known or nothing was traded.
    public static func volumeWeightedAverage(notional: Double, volume: Double) -> Double {
        guard volume > 0, notional.isFinite else { return .nan }
        return NumberText.rounded(notional / volume, places: 6)
    }
}
