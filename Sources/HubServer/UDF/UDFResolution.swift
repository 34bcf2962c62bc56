import EventFormat
import HubModel

/// Lengths of bars in the words of TradingView's charts: `5S`, `1`, `60`, `1D`, `1W`, `1M`.
///
/// Minutes and hours are numbers of minutes; seconds, days, weeks and months carry a letter, and `D`, `W`, `M` alone mean
/// one of them.
enum UDFResolution {
    /// The word for an interval.
    static func text(_ interval: Interval) -> String {
        switch interval {
        case .d1: "1D"
        case .w1: "1W"
        case .month1: "1M"
        default: interval.seconds < 60 ? "\(interval.seconds)S" : "\(interval.seconds / 60)"
        }
    }

    /// The interval of a word; `nil` for a length the hub has no bars of.
    static func interval(_ word: String) -> Interval? {
        let whole = word.first.map { "SDWM".contains($0) } == true ? "1\(word)" : word
        return Interval.allCases.first { text($0) == whole }
    }

    /// Every word, shortest bars first.
    static let all = Interval.allCases.sorted().map(text)
}
