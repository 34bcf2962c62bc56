import EventFormat
import HubModel
import Logging
import Synchronization

/// Asks providers on which days venues do not trade as usual, and asks again when the answer is old
/// (`hub.cache.ttl.calendar`).
///
/// The days only change what is said about markets, and whether a silent source is stale: no bar depends on them.
final class HolidayDesk: Sendable {
    /// After a failure it is tried again after this long, doubling up to the longest.
    private static let retryNanoseconds: UInt64 = 30_000_000_000
    private static let longestNanoseconds: UInt64 = 3_600_000_000_000

    private let desk: QueryDesk
    private let calendars: MarketCalendars
    /// Venues of the instruments that are streamed.
    private let venues: [String]
    private let everyNanoseconds: UInt64
    private let now: @Sendable () -> Int64
    private let logger: Logger
    private let task = Mutex<Task<Void, Never>?>(nil)
    private let taken = Mutex<[String: Int64]>([:])

    init(
        desk: QueryDesk, calendars: MarketCalendars, venues: [String], everyNanoseconds: UInt64,
        now: @escaping @Sendable () -> Int64, logger: Logger
    ) {
        self.desk = desk
        self.calendars = calendars
        self.venues = venues
        self.everyNanoseconds = everyNanoseconds
        self.now = now
        self.logger = logger
    }

    /// Keeps the days of the venues fresh from now on.
    func start() {
        let venues = venues.filter { desk.canAsk(.calendar, venue: $0) }
        guard !venues.isEmpty else { return }
        task.withLock { task in
            task = Task.detached { [self] in
                var pause = Self.retryNanoseconds
                while !Task.isCancelled {
                    var failed: [String] = []
                    for venue in venues {
                        let isThere = await refresh(venue)
                        if !isThere { failed.append(venue) }
                    }
                    if !failed.isEmpty {
                        logger.debug("holidays of \(failed.joined(separator: ", ")) are not to be had just now")
                    }
                    try? await Task.sleep(nanoseconds: failed.isEmpty ? everyNanoseconds : pause)
                    pause = failed.isEmpty ? Self.retryNanoseconds : min(pause * 2, Self.longestNanoseconds)
                }
            }
        }
    }

    func stop() { task.withLock { $0?.cancel() } }

    /// Sees to it that a venue's days are there and fresh. `false`: nobody answered, and what is known stands.
    @discardableResult
    func refresh(_ venue: String) async -> Bool {
        guard desk.canAsk(.calendar, venue: venue) else { return false }
        // The same question all year long, so that the cache knows it.
        let year = CivilDate(day: CivilDate.day(ofNanoseconds: now())).year
        let query = Query(
            .calendar, text: venue,
            from: CivilDate(year: year, month: 1, day: 1).dayNumber * CivilDate.nanosecondsPerDay,
            to: CivilDate(year: year + 2, month: 1, day: 1).dayNumber * CivilDate.nanosecondsPerDay)
        let answer: QueryAnswer
        do throws(QueryFailure) { answer = try await desk.ask(query).answer } catch { return false }
        guard !answer.isSimulated else { return false }
        let isNew = taken.withLock { taken in
            defer { taken[venue] = answer.fetchedNanoseconds }
            return taken[venue] != answer.fetchedNanoseconds
        }
        guard isNew else { return true }
        let days = HolidayAnswer.days(answer.json, calendar: calendars.calendar(of: venue))
        if calendars.tell(days, of: venue, by: answer.provider) {
            logger.info("\(answer.provider) tells of \(days.count) days of \(venue) that are not like others")
        }
        return true
    }
}

/// Days as providers answer them: objects of `/v1/market/calendar`, times of the session as instants (`sessions`) or as the
/// venue's clock shows them (`hours`: `09:30-13:00`).
enum HolidayAnswer {
    /// What cannot be read is passed over.
    static func days(_ json: String, calendar: TradingCalendar) -> [CalendarDay] {
        guard let rows = (try? SettingsTree(json: json))?.listValue else { return [] }
        var days: [Int: CalendarDay] = [:]
        for row in rows {
            guard let text = row["date"]?.textValue, let date = CivilDate(text) else { continue }
            let number = Int(date.dayNumber)
            let name = row["holiday"]?.textValue ?? ""
            if row["open"]?.boolValue == false {
                // Several rows for one date: parts of it that are open tell more.
                if days[number] == nil { days[number] = CalendarDay(number: number, name: name, open: nil) }
            } else if let hours = hours(row) ?? session(row, calendar.day(number)) {
                days[number] = CalendarDay(number: number, name: name, open: hours)
            }
        }
        return days.values.sorted { $0.number < $1.number }
    }

    private static func hours(_ row: SettingsTree) -> Range<Int>? {
        guard let text = row["hours"]?.textValue else { return nil }
        let parts = text.split(separator: "-")
        guard parts.count == 2, let from = CalendarDay.seconds(ofClock: parts[0]),
            let to = CalendarDay.seconds(ofClock: parts[1]), from < to
        else { return nil }
        return from..<to
    }

    private static func session(_ row: SettingsTree, _ day: TradingDay) -> Range<Int>? {
        for session in row["sessions"]?.listValue ?? [] where session["phase"]?.textValue == "open" {
            guard let from = session["from"]?.integerValue, let to = session["to"]?.integerValue else { continue }
            let (start, isTooEarly) = from.multipliedReportingOverflow(by: 1000)
            let (end, isTooLate) = to.multipliedReportingOverflow(by: 1000)
            guard !isTooEarly, !isTooLate, start >= day.start, end <= day.end, start < end else { continue }
            return Int((start - day.start) / 1_000_000_000)..<Int((end - day.start) / 1_000_000_000)
        }
        return nil
    }
}
