import Synchronization

/// When each venue trades: the bundled calendars, over them the holidays that providers tell of, over these the days of the
/// operator's file.
///
/// What providers tell changes while the hub runs, so nothing that a fold depends on may be asked here; bars are anchored
/// by the bundled rules alone.
public final class MarketCalendars: Sendable {
    /// What an operator said of one venue.
    public struct Configured: Sendable {
        /// Name of a bundled calendar; `nil` = the venue's own.
        public var like: String?
        public var days: [CalendarDay]

        public init(like: String?, days: [CalendarDay]) {
            self.like = like
            self.days = days
        }
    }

    private struct Told: Sendable, Equatable {
        var provider: String
        var days: [CalendarDay]
    }

    private struct Key: Hashable {
        var venue: String
        var base: String
    }

    private struct State {
        var told: [String: Told] = [:]
        var made: [Key: TradingCalendar] = [:]
        var generation: UInt64 = 0
    }

    private let configured: [String: Configured]
    private let names: [String: String]
    private let state = Mutex(State())

    public init(_ configured: [String: Configured] = [:]) {
        self.configured = configured
        names = configured.compactMapValues(\.like)
    }

    /// The calendar of a venue.
    ///
    /// - Parameter base: name of the calendar that stands for the bundled one, where an instrument has one of its own.
    public func calendar(of venue: String, base: String? = nil) -> TradingCalendar {
        let bundled = base.flatMap(TradingCalendar.named) ?? TradingCalendar.forVenue(venue, overrides: names)
        let own = configured[venue]?.days ?? []
        return state.withLock { state in
            let told = state.told[venue]?.days ?? []
            if own.isEmpty, told.isEmpty { return bundled }
            let key = Key(venue: venue, base: bundled.name)
            if let made = state.made[key] { return made }
            let made = bundled.with(told + own)
            state.made[key] = made
            return made
        }
    }

    /// Whether a venue has days of its own.
    public func hasOwnDays(_ venue: String) -> Bool {
        !(configured[venue]?.days.isEmpty ?? true) || state.withLock { $0.told[venue] != nil }
    }

    /// Who says what is so of a date: `file`, the name of a provider, or `calendar`, which is bundled.
    public func origin(of number: Int, venue: String) -> String {
        if configured[venue]?.days.contains(where: { $0.number == number }) ?? false { return "file" }
        return state.withLock { state in
            guard let told = state.told[venue], told.days.contains(where: { $0.number == number }) else {
                return "calendar"
            }
            return told.provider
        }
    }

    /// Takes in what a provider says of a venue, in place of what was told before. Returns whether anything changed.
    @discardableResult
    public func tell(_ days: [CalendarDay], of venue: String, by provider: String) -> Bool {
        let told = Told(provider: provider, days: days)
        return state.withLock { state in
            guard state.told[venue] != told else { return false }
            state.told[venue] = told
            state.made = state.made.filter { $0.key.venue != venue }
            state.generation &+= 1
            return true
        }
    }

    /// Grows whenever some venue's days change.
    public var generation: UInt64 { state.withLock { $0.generation } }
}
