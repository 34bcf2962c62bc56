/// The length of a bar, as records carry it: seconds.
///
/// A month is nominal in the record (30 days); its bars follow the calendar.
public enum Interval: UInt32, CaseIterable, Sendable, Hashable, Comparable {
    case s1 = 1
    case s5 = 5
    case s15 = 15
    case s30 = 30
    case m1 = 60
    case m3 = 180
    case m5 = 300
    case m15 = 900
    case m30 = 1800
    case h1 = 3600
    case h2 = 7200
    case h4 = 14400
    case d1 = 86400
    case w1 = 604800
    case month1 = 2_592_000

    /// Reads `1s` … `1M`; `nil` for any other text. `1m` is a minute, `1M` a month.
    public init?(_ text: String) {
        guard let found = Interval.allCases.first(where: { $0.text == text }) else { return nil }
        self = found
    }

    /// The interval as written everywhere: `1s`, `1m`, `1h`, `1d`, `1w`, `1M`.
    public var text: String {
        switch self {
        case .s1: "1s"
        case .s5: "5s"
        case .s15: "15s"
        case .s30: "30s"
        case .m1: "1m"
        case .m3: "3m"
        case .m5: "5m"
        case .m15: "15m"
        case .m30: "30m"
        case .h1: "1h"
        case .h2: "2h"
        case .h4: "4h"
        case .d1: "1d"
        case .w1: "1w"
        case .month1: "1M"
        }
    }

    /// The nominal length in seconds, which is also the number in records.
    public var seconds: Int64 { Int64(rawValue) }

    /// The nominal length in nanoseconds.
    public var nanoseconds: Int64 { Int64(rawValue) * 1_000_000_000 }

    /// Whether bars of this length are bound to session dates (`1d`, `1w`, `1M`) and not to times of day.
    public var isDateBased: Bool { self >= .d1 }

    public static func < (left: Interval, right: Interval) -> Bool { left.rawValue < right.rawValue }

    /// The text of an interval number of a record; a number that is none of the list is written in seconds (`7s`).
    public static func text(ofSeconds seconds: UInt32) -> String {
        Interval(rawValue: seconds)?.text ?? "\(seconds)s"
    }

    /// The exclusive end, in nanoseconds since the epoch, of a bar that opens at `open`.
    ///
    /// Intraday bars end one length later. Bars of a day or more open at 00:00 UTC of their first session date and
    /// end at 00:00 UTC of the first date after the period: the next date, the next Monday, the first of the next
    /// month.
    public static func end(ofBarOpening open: Int64, seconds: UInt32) -> Int64 {
        guard let interval = Interval(rawValue: seconds), interval.isDateBased else {
            return open &+ Int64(seconds) &* 1_000_000_000
        }
        let day = CivilDate.day(ofNanoseconds: open)
        let endDay: Int64
        switch interval {
        case .w1:
            // Day 0 of the epoch was a Thursday: day 4 a Monday.
            let weekday = ((day - 4) % 7 + 7) % 7
            endDay = day + 7 - weekday
        case .month1:
            let date = CivilDate(day: day)
            endDay =
                (date.month == 12
                ? CivilDate(year: date.year + 1, month: 1, day: 1)
                : CivilDate(year: date.year, month: date.month + 1, day: 1)).dayNumber
        default:
            endDay = day + 1
        }
        return endDay &* CivilDate.nanosecondsPerDay
    }
}
