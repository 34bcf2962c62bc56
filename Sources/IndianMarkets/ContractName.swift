public import EventFormat

/// Names of futures and options as Indian traders type them, and as Kite lists them.
public enum ContractName {
    /// What ends the name.
    public enum Kind: String, Sendable {
        case future = "FUT"
        case call = "CE"
        case put = "PE"
    }

    private static let months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
    /// Months of weekly contracts are one character.
    private static let weeklyMonths = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "O", "N", "D"]

    /// `NIFTY25JANFUT`, `NIFTY25JAN24000CE`; weekly ones `NIFTY2510924000CE`.
    public static func name(
        underlying: String, expiry: CivilDate, isWeekly: Bool, kind: Kind, strike: Double = .nan
    ) -> String {
        let month = Int(expiry.month) - 1
        var name = underlying + twoDigits(expiry.year % 100)
        if isWeekly {
            name += weeklyMonths[month] + twoDigits(expiry.day)
        } else {
            name += months[month]
        }
        if kind != .future { name += number(strike) }
        return name + kind.rawValue
    }

    /// A strike without a fraction it does not need: `24000`, `83.25`.
    private static func number(_ strike: Double) -> String {
        if let whole = Int64(exactly: strike) { return String(whole) }
        // Strikes have at most four places; what binary fractions add is not theirs.
        return "\((strike * 10_000).rounded() / 10_000)"
    }

    private static func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
