import EventFormat
import HubConfig
import HubModel

/// When a schedule is due. Pure.
struct ScheduleClock: Sendable {
    let trigger: ScheduleConfiguration.Trigger
    let zone: ZoneClock
    /// Whose days and hours count; `nil` where none do.
    let calendar: TradingCalendar?
    let days: ScheduleConfiguration.Days
    let when: ScheduleConfiguration.When

    /// Further ahead nothing is looked for: a market that is shut for a year does not open again.
    private static let mostDays = 400
    private static let day: Int64 = 86_400_000_000_000

    init(_ schedule: ScheduleConfiguration, overrides: [String: String] = [:]) {
        trigger = schedule.trigger
        zone = ZoneClock(schedule.zone) ?? .utc
        calendar = schedule.venue.map { TradingCalendar.forVenue($0, overrides: overrides) }
        days = schedule.days
        when = schedule.when
    }

    /// The first time after an instant, nanoseconds; `nil` where there is none within a year.
    func next(after now: Int64) -> Int64? {
        switch trigger {
        case .at(let seconds): nextClock(seconds, after: now)
        case .every(let step): nextMultiple(step, after: now)
        }
    }

    /// The last time at or before an instant, no more than so far back.
    func last(upTo now: Int64, within distance: Int64) -> Int64? {
        var at = now - distance
        var found: Int64?
        while let next = next(after: at), next <= now {
            found = next
            at = next
        }
        return found
    }

    private func nextClock(_ seconds: Int, after now: Int64) -> Int64? {
        let today = zone.date(at: now)
        for date in (today - 1)..<(today + Self.mostDays) {
            let time = zone.instant(date: date, secondsOfDay: seconds)
            if time > now, isDue(time) { return time }
        }
        return nil
    }

    private func nextMultiple(_ step: Int64, after now: Int64) -> Int64? {
        var time = (now / step + 1) * step
        let end = now.addingReportingOverflow(Int64(Self.mostDays) * Self.day).partialValue
        while time < end {
            if isDue(time) { return time }
            // On to where it may be otherwise: the next change of phase, or the next day.
            var until = zone.instant(date: zone.date(at: time) + 1, secondsOfDay: 0)
            if let calendar {
                until = min(until, calendar.day(containing: time).end)
                if when == .open, let change = calendar.phase(at: time).next { until = min(until, change.time) }
            }
            time = max(time + step, (max(until, time + 1) + step - 1) / step * step)
        }
        return nil
    }

    private func isDue(_ time: Int64) -> Bool {
        if when == .open, let calendar, calendar.phase(at: time).phase != .open { return false }
        switch days {
        case .daily: return true
        case .mondayToFriday: return CivilDate(dayNumber: zone.date(at: time)).weekday < 5
        case .trading:
            guard let calendar else { return true }
            return calendar.regularSession(on: calendar.day(containing: time).number) != nil
        }
    }
}
