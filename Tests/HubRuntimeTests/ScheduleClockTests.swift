import EventFormat
import HubConfig
import HubModel
import Testing

@testable import HubRuntime

@Suite("Times of schedules")
struct ScheduleClockTests {
    private func time(_ text: String) throws -> Int64 {
        try TimeParameter.parse(text, now: 0)
    }

    private func clock(
        _ trigger: ScheduleConfiguration.Trigger, zone: String = "UTC", venue: String? = nil,
        days: ScheduleConfiguration.Days = .daily, when: ScheduleConfiguration.When = .always
    ) -> ScheduleClock {
        var schedule = ScheduleConfiguration(name: "test", job: .warm, trigger: trigger, zone: zone)
        schedule.venue = venue
        schedule.days = days
        schedule.when = when
        return ScheduleClock(schedule)
    }

    private func expect(
        _ clock: ScheduleClock, after start: String, _ expected: [String], _ place: SourceLocation = #_sourceLocation
    ) throws {
        var at = try time(start)
        for text in expected {
            let next = try #require(clock.next(after: at), sourceLocation: place)
            let found = TimeText.iso(next)
            #expect(next == (try time(text)), "\(found) instead of \(text)", sourceLocation: place)
            at = next
        }
    }

    @Test("a time of day is that of the zone's clocks, in summer and in winter")
    func daylight() throws {
        // New York: 9 March 2025, 02:00 became 03:00; 2 November 02:00 became 01:00.
        let clock = clock(.at(secondsOfDay: 16 * 3600 + 15 * 60), zone: "America/New_York")
        try expect(
            clock, after: "2025-03-08T00:00:00Z",
            ["2025-03-08T21:15:00Z", "2025-03-09T20:15:00Z", "2025-03-10T20:15:00Z"])
        try expect(
            clock, after: "2025-11-01T00:00:00Z",
            ["2025-11-01T20:15:00Z", "2025-11-02T21:15:00Z", "2025-11-03T21:15:00Z"])
    }

    @Test("a time that clocks skip comes once all the same, and one they show twice comes once")
    func skipped() throws {
        let skipped = clock(.at(secondsOfDay: 2 * 3600 + 30 * 60), zone: "America/New_York")
        try expect(
            skipped, after: "2025-03-08T12:00:00Z", ["2025-03-09T07:30:00Z", "2025-03-10T06:30:00Z"])
        let twice = clock(.at(secondsOfDay: 3600 + 30 * 60), zone: "America/New_York")
        try expect(twice, after: "2025-11-01T12:00:00Z", ["2025-11-02T05:30:00Z", "2025-11-03T06:30:00Z"])
    }

    @Test("on trading days: weekends and holidays of the venue are passed over")
    func tradingDays() throws {
        // 15 August 2025 was a Friday and a holiday.
        let clock = clock(.at(secondsOfDay: 8 * 3600 + 30 * 60), zone: "Asia/Kolkata", venue: "NSE", days: .trading)
        try expect(
            clock, after: "2025-08-13T23:00:00Z", ["2025-08-14T03:00:00Z", "2025-08-18T03:00:00Z"])
        let week = self.clock(.at(secondsOfDay: 8 * 3600 + 30 * 60), zone: "Asia/Kolkata", days: .mondayToFriday)
        try expect(
            week, after: "2025-08-13T23:00:00Z",
            ["2025-08-14T03:00:00Z", "2025-08-15T03:00:00Z", "2025-08-18T03:00:00Z"])
    }

    @Test("every so often counts in whole multiples, and only while the market is open where that is asked for")
    func everySoOften() throws {
        let step = clock(.every(nanoseconds: 10_000_000_000))
        try expect(step, after: "2025-08-14T03:44:51Z", ["2025-08-14T03:45:00Z", "2025-08-14T03:45:10Z"])
        let open = clock(.every(nanoseconds: 10_000_000_000), zone: "Asia/Kolkata", venue: "NSE", when: .open)
        // 09:15 to 15:30 in Kolkata; then the holiday and the weekend.
        try expect(open, after: "2025-08-14T01:00:00Z", ["2025-08-14T03:45:00Z", "2025-08-14T03:45:10Z"])
        try expect(open, after: "2025-08-14T09:59:45Z", ["2025-08-14T09:59:50Z", "2025-08-18T03:45:00Z"])
    }

    @Test("steps that are longer than a day stay on their multiples")
    func longSteps() throws {
        let clock = clock(.every(nanoseconds: 36 * 3_600_000_000_000), venue: "NSE", days: .trading)
        var at = try time("2025-01-01T00:00:00Z")
        for _ in 0..<50 {
            let next = try #require(clock.next(after: at))
            #expect(next % (36 * 3_600_000_000_000) == 0 && next > at)
            #expect(TradingCalendar.nse.regularSession(on: TradingCalendar.nse.day(containing: next).number) != nil)
            at = next
        }
    }

    @Test("the last time that was due is found, unless it is too long ago")
    func last() throws {
        let clock = clock(.at(secondsOfDay: 16 * 3600), days: .daily)
        let now = try time("2025-08-14T12:00:00Z")
        #expect(clock.last(upTo: now, within: 86_400_000_000_000) == (try time("2025-08-13T16:00:00Z")))
        #expect(clock.last(upTo: now, within: 3_600_000_000_000) == nil)
    }
}
