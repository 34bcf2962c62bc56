/// When the running day of a venue is over, so that its day bar will not change any more.
public enum SessionEnd {
    /// Wall time from which on the bar of a date is final: after the close and what is settled behind it. Commodities trade
    /// until shortly before midnight.
    public static func final(ofDay day: Int64, venue: String) -> Int64 {
        let minutes: Int64 =
            switch venue {
            case "NSE", "BSE", "NFO", "BFO": 16 * 60
            case "CDS", "BCD": 17 * 60 + 30
            default: 24 * 60
            }
        return IndianTime.midnight(ofDay: day) + minutes * 60_000_000_000
    }
}
