import IndianMarkets

/// What the history calls have of each interval.
struct UpstoxBars {
    /// In the address.
    var unit: String
    var count: Int
    /// The widest span of one call in days; 0 = no limit.
    var days: Int64
    /// Whether the running day is there too, in a call of its own.
    var hasToday: Bool

    static let all: [UInt32: UpstoxBars] = [
        60: UpstoxBars(unit: "minutes", count: 1, days: 30, hasToday: true),
        180: UpstoxBars(unit: "minutes", count: 3, days: 30, hasToday: true),
        300: UpstoxBars(unit: "minutes", count: 5, days: 30, hasToday: true),
        900: UpstoxBars(unit: "minutes", count: 15, days: 30, hasToday: true),
        1800: UpstoxBars(unit: "minutes", count: 30, days: 89, hasToday: true),
        3600: UpstoxBars(unit: "hours", count: 1, days: 89, hasToday: true),
        7200: UpstoxBars(unit: "hours", count: 2, days: 89, hasToday: true),
        14400: UpstoxBars(unit: "hours", count: 4, days: 89, hasToday: true),
        86400: UpstoxBars(unit: "days", count: 1, days: 3650, hasToday: true),
        604_800: UpstoxBars(unit: "weeks", count: 1, days: 0, hasToday: false),
        2_592_000: UpstoxBars(unit: "months", count: 1, days: 0, hasToday: false),
    ]

    /// A call of a query for bars.
    enum Call: Equatable {
        case history(DateSpan)
        case today
    }

    /// The calls that a range needs, oldest first: history has no running day, the running day no history.
    func calls(first: Int64, last: Int64, today: Int64) -> [Call] {
        let end = hasToday ? min(last, today - 1) : min(last, today)
        var calls = DateSpan(first: first, last: end).parts(days: days).map(Call.history)
        if hasToday, last >= today, first <= today { calls.append(.today) }
        return calls
    }

    /// Path of a call, behind the version. The history's later date stands before the earlier one.
    func path(_ call: Call, key: String) -> String {
        let key = URLText.escaped(key)
        switch call {
        case .history(let span):
            return "historical-candle/\(key)/\(unit)/\(count)/\(IndianTime.dateText(ofDay: span.last))/"
                + IndianTime.dateText(ofDay: span.first)
        case .today: return "historical-candle/intraday/\(key)/\(unit)/\(count)"
        }
    }

    /// When a candle will not change any more.
    static func end(of candle: Candle, interval: UInt32, venue: String) -> Int64 {
        let day = IndianTime.day(candle.time)
        switch interval {
        case 86400: return SessionEnd.final(ofDay: day, venue: venue)
        case 604_800: return IndianTime.midnight(ofDay: day + 7)
        case 2_592_000: return IndianTime.midnight(ofDay: day + 31)
        default: return candle.time + Int64(interval) * 1_000_000_000
        }
    }
}
