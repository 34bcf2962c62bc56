internal import EventFormat

/// A date on which a venue does not trade as its bundled calendar says.
public struct CalendarDay: Sendable, Hashable {
    /// Days since 1970-01-01, of the venue's local date.
    public var number: Int
    /// The holiday or occasion; may be empty.
    public var name: String
    /// The open session in seconds after local midnight; `nil`: closed all day.
    public var open: Range<Int>?

    public init(number: Int, name: String, open: Range<Int>?) {
        self.number = number
        self.name = name
        self.open = open
    }

    /// Seconds after midnight of `HH:MM`, up to `24:00`.
    public static func seconds(ofClock text: some StringProtocol) -> Int? { CalendarRules.clock(text) }
}

extension TradingCalendar {
    /// The calendar with other days in place of its own. Bars keep their anchors: only sessions change.
    public func with(_ days: [CalendarDay]) -> TradingCalendar {
        days.isEmpty ? self : TradingCalendar(rules: CalendarRules(rules, with: days))
    }
}
