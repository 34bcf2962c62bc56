import HubConfig
public import HubModel
import Logging

extension Plans {
    /// What the operator said about the calendars of venues.
    static func marketCalendars(_ configuration: Configuration) -> MarketCalendars {
        MarketCalendars(
            Dictionary(
                configuration.calendars.map { ($0.venue, MarketCalendars.Configured(like: $0.like, days: $0.days)) },
                uniquingKeysWith: { first, _ in first }))
    }
}

extension Engine {
    static func makeHolidayDesk(
        _ configuration: Configuration, _ desk: QueryDesk, _ calendars: MarketCalendars, logger: Logger
    ) -> HolidayDesk {
        var venues: [String] = []
        for symbol in configuration.pipelines.flatMap(\.instruments) where !venues.contains(symbol.venue) {
            venues.append(symbol.venue)
        }
        // Behind the time in which the old answer is still given.
        let cache = configuration.hub.cache
        let every = min(cache.timeToLive(of: "calendar"), 1 << 60) + min(cache.staleNanoseconds, 1 << 60)
        return HolidayDesk(
            desk: desk, calendars: calendars, venues: venues,
            everyNanoseconds: UInt64(max(every, 60_000_000_000)) + 1_000_000_000,
            now: { WallClock.now }, logger: logger)
    }

    public func refreshHolidays(of venue: String) async {
        guard !isLockstep else { return }
        await holidayDesk.refresh(venue)
    }
}

extension EngineAccess {
    /// When venues trade.
    public var marketCalendars: MarketCalendars { Plans.marketCalendars(configuration) }
    /// Asks providers for a venue's holidays, where what is known is not fresh.
    public func refreshHolidays(of venue: String) async {}
}
