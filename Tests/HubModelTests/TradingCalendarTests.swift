import EventFormat
import HubModel
import Testing

@Suite struct TradingCalendarTests {
    private func time(_ text: String) -> Int64 {
        do { return try TimeParameter.parse(text, now: 0) } catch { preconditionFailure("\(error)") }
    }

    private func number(_ text: String) -> Int { Int(CivilDate(text)?.dayNumber ?? .min) }

    @Test("venues have their calendars, unknown ones are always open")
    func venues() {
        #expect(TradingCalendar.forVenue("NASDAQ").name == "us-equities")
        #expect(TradingCalendar.forVenue("NFO").name == "nse")
        #expect(TradingCalendar.forVenue("MCX").name == "mcx")
        #expect(TradingCalendar.forVenue("SIM").name == "always")
        #expect(TradingCalendar.forVenue("SIM", overrides: ["SIM": "nse"]).name == "nse")
        #expect(TradingCalendar.forVenue("NSE", overrides: ["NSE": "nonsense"]).name == "nse")
    }

    @Test(
        "US bars are anchored at 04:00 New York on both sides of a change of clocks",
        arguments: [
            // Winter, summer, the Sundays of the changes and the Mondays after them.
            ("2025-01-06T14:35:10Z", "1h", "2025-01-06T14:00:00Z"),
            ("2025-07-07T13:35:10Z", "1h", "2025-07-07T13:00:00Z"),
            ("2025-01-06T14:35:10Z", "4h", "2025-01-06T13:00:00Z"),
            ("2025-07-07T13:35:10Z", "4h", "2025-07-07T12:00:00Z"),
            ("2025-03-10T13:35:10Z", "4h", "2025-03-10T12:00:00Z"),
            ("2025-11-03T14:35:10Z", "4h", "2025-11-03T13:00:00Z"),
            ("2025-03-09T06:59:59Z", "4h", "2025-03-09T04:00:00Z"),
            ("2025-03-09T08:00:00Z", "4h", "2025-03-09T08:00:00Z"),
            ("2025-11-02T08:59:59Z", "4h", "2025-11-02T05:00:00Z"),
            ("2025-11-02T09:00:00Z", "4h", "2025-11-02T09:00:00Z"),
            // Before the anchor bars are counted backwards.
            ("2025-01-06T08:59:59Z", "1h", "2025-01-06T08:00:00Z"),
            ("2025-01-06T05:00:00Z", "2h", "2025-01-06T05:00:00Z"),
            ("2025-01-06T14:35:10Z", "1d", "2025-01-06"), ("2025-01-06T04:59:59Z", "1d", "2025-01-05"),
            ("2025-01-06T05:00:00Z", "1d", "2025-01-06"), ("2025-01-08T15:00:00Z", "1w", "2025-01-06"),
            ("2025-01-08T15:00:00Z", "1M", "2025-01-01"),
        ])
    func usAnchors(at: String, interval: String, expected: String) throws {
        let interval = try #require(Interval(interval))
        #expect(TradingCalendar.usEquities.bucketStart(time(at), interval) == time(expected))
    }

    @Test(
        "Indian bars are anchored at 09:15 Kolkata",
        arguments: [
            ("2025-01-06T03:45:00Z", "1h", "2025-01-06T03:45:00Z"),
            ("2025-01-06T03:44:59Z", "1h", "2025-01-06T02:45:00Z"),
            ("2025-01-06T09:59:59Z", "1h", "2025-01-06T09:45:00Z"),
            ("2025-01-06T09:59:59Z", "4h", "2025-01-06T07:45:00Z"),
            ("2025-01-06T09:59:59Z", "15m", "2025-01-06T09:45:00Z"),
            ("2025-01-05T18:30:00Z", "1d", "2025-01-06"),
            ("2025-01-05T18:29:59Z", "1d", "2025-01-05"),
            ("2025-01-05T18:30:00Z", "1h", "2025-01-05T17:45:00Z"),
        ])
    func indianAnchors(at: String, interval: String, expected: String) throws {
        let interval = try #require(Interval(interval))
        #expect(TradingCalendar.nse.bucketStart(time(at), interval) == time(expected))
    }

    @Test("everything else is anchored at midnight UTC")
    func alwaysAnchors() {
        #expect(
            TradingCalendar.always.bucketStart(time("2025-01-06T15:59:59Z"), .h4)
                == time("2025-01-06T12:00:00Z"))
        #expect(
            TradingCalendar.always.bucketStart(time("2025-01-06T23:59:59Z"), .d1) == time("2025-01-06"))
        #expect(TradingCalendar.always.bucketStart(-1, .m1) == -60_000_000_000)
    }

    @Test("a bar of a day ends for readers at 00:00 UTC and closes at local midnight")
    func ends() {
        let calendar = TradingCalendar.usEquities
        #expect(calendar.bucketEnd(start: time("2025-01-06"), .d1) == time("2025-01-07"))
        #expect(calendar.closingTime(start: time("2025-01-06"), .d1) == time("2025-01-07T05:00:00Z"))
        #expect(calendar.closingTime(start: time("2025-07-07"), .d1) == time("2025-07-08T04:00:00Z"))
        #expect(
            calendar.closingTime(start: time("2025-01-06T14:00:00Z"), .h1) == time("2025-01-06T15:00:00Z")
        )
        #expect(calendar.bucketEnd(start: time("2025-01-06"), .w1) == time("2025-01-13"))
        #expect(calendar.bucketEnd(start: time("2025-02-01"), .month1) == time("2025-03-01"))
    }

    @Test("days tile time without gap or overlap, and each contains its anchor and its instants")
    func tiling() {
        for calendar in TradingCalendar.all {
            var previous = calendar.day(number("2004-12-31"))
            for date in number("2005-01-01")...number("2035-12-31") {
                let day = calendar.day(date)
                #expect(day.start == previous.end)
                #expect(day.contains(day.anchor))
                #expect(calendar.day(containing: day.start) == day)
                #expect(calendar.day(containing: day.end - 1) == day)
                previous = day
            }
        }
    }

    @Test("the two changes of clocks a year make days of 23 and 25 hours")
    func changes() {
        let hours = Dictionary(
            grouping: (number("2025-01-01")...number("2025-12-31")).map { date -> Int64 in
                let day = TradingCalendar.usEquities.day(date)
                return (day.end - day.start) / 3_600_000_000_000
            }, by: { $0 }
        ).mapValues(\.count)
        #expect(hours == [23: 1, 24: 363, 25: 1])
    }

    @Test(
        "each instant lies in its bar, and bars of one date nest",
        arguments: TradingCalendar.all.map(\.name))
    func nesting(name: String) throws {
        let calendar = try #require(TradingCalendar.named(name))
        let seed: UInt64 = 7
        print("seed \(seed)")
        var state = seed
        for _ in 0..<2_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let at = time("2008-01-01") + Int64(state >> 1) % 900_000_000_000_000_000
            let day = calendar.day(containing: at)
            for interval in Interval.allCases where !interval.isDateBased {
                let start = calendar.bucketStart(at, interval)
                #expect(start <= at)
                #expect(at - start < interval.nanoseconds)
                #expect((start - day.anchor) % interval.nanoseconds == 0)
                for smaller in Interval.allCases where interval.rawValue % smaller.rawValue == 0 {
                    #expect(start <= calendar.bucketStart(at, smaller))
                }
            }
        }
    }

    @Test("times at the limits of 64 bits have a day and a bar")
    func limits() {
        for calendar in TradingCalendar.all {
            for at in [Int64.min, -1, 0, 1, Int64.max] {
                let day = calendar.day(containing: at)
                #expect(day.start < day.end)
            }
        }
    }

    @Test("sessions follow holidays, half days and weekends")
    func sessions() throws {
        let us = TradingCalendar.usEquities
        #expect(us.sessions(on: number("2025-01-06")).map(\.phase) == [.pre, .open, .post])
        #expect(us.sessions(on: number("2025-01-04")).isEmpty)
        #expect(us.sessions(on: number("2025-01-09")).isEmpty)
        #expect(us.occasion(on: number("2025-01-09"))?.contains("Carter") == true)
        #expect(us.sessions(on: number("2025-06-19")).isEmpty)
        #expect(!us.sessions(on: number("2021-12-31")).isEmpty)
        #expect(us.sessions(on: number("2024-03-29")).isEmpty)
        let half = try #require(us.regularSession(on: number("2025-11-28")))
        #expect(half.from == time("2025-11-28T14:30:00Z"))
        #expect(half.to == time("2025-11-28T18:00:00Z"))
        #expect(us.sessions(on: number("2025-11-28")).last?.to == time("2025-11-28T22:00:00Z"))

        let nse = TradingCalendar.nse
        #expect(nse.sessions(on: number("2025-01-06")).map(\.phase) == [.preOpen, .open])
        #expect(nse.regularSession(on: number("2025-01-06"))?.to == time("2025-01-06T10:00:00Z"))
        #expect(nse.sessions(on: number("2025-08-15")).isEmpty)
        let muhurat = nse.sessions(on: number("2024-11-01"))
        #expect(muhurat.map(\.from) == [time("2024-11-01T12:15:00Z"), time("2024-11-01T12:30:00Z")])
        #expect(nse.regularSession(on: number("2025-02-01")) != nil)
    }

    @Test(
        "the phase says what follows and when",
        arguments: [
            ("2025-01-06T08:00:00Z", "closed", "pre", "2025-01-06T09:00:00Z"),
            ("2025-01-06T09:00:00Z", "pre", "open", "2025-01-06T14:30:00Z"),
            ("2025-01-06T14:30:00Z", "open", "post", "2025-01-06T21:00:00Z"),
            ("2025-01-06T21:00:00Z", "post", "closed", "2025-01-07T01:00:00Z"),
            ("2025-01-11T12:00:00Z", "closed", "pre", "2025-01-13T09:00:00Z"),
            ("2025-11-28T18:00:00Z", "post", "closed", "2025-11-28T22:00:00Z"),
        ])
    func phases(at: String, phase: String, next: String, nextTime: String) {
        let found = TradingCalendar.usEquities.phase(at: time(at))
        #expect(found.phase.name == phase)
        #expect(found.next?.phase.name == next)
        #expect(found.next?.time == time(nextTime))
    }

    @Test(
        "commodities and currencies have their own hours",
        arguments: [
            // MCX is open until 23:30 in Kolkata, until 23:55 while New York is on standard time.
            ("MCX", "2025-07-01T17:59:59Z", "open"), ("MCX", "2025-07-01T18:00:00Z", "closed"),
            ("MCX", "2025-01-06T18:24:59Z", "open"), ("MCX", "2025-01-06T18:25:00Z", "closed"),
            // On most holidays the evening session is held, on some none.
            ("MCX", "2025-05-01T06:00:00Z", "closed"), ("MCX", "2025-05-01T12:00:00Z", "open"),
            ("MCX", "2025-08-15T12:00:00Z", "closed"), ("CDS", "2025-01-06T11:29:59Z", "open"),
            ("CDS", "2025-01-06T11:30:00Z", "closed"), ("CDS", "2025-08-15T06:00:00Z", "closed"),
            // Foreign exchange closes on Friday at 17:00 New York and opens on Sunday.
            ("FX", "2025-01-03T21:59:59Z", "open"), ("FX", "2025-01-03T22:00:00Z", "closed"),
            ("FX", "2025-01-05T21:59:59Z", "closed"), ("FX", "2025-01-05T22:00:00Z", "open"),
            ("FX", "2025-01-07T05:00:00Z", "open"), ("FX", "2025-07-04T20:59:59Z", "open"),
            ("FX", "2025-07-04T21:00:00Z", "closed"),
        ])
    func otherHours(venue: String, at: String, phase: String) {
        #expect(TradingCalendar.forVenue(venue).phase(at: time(at)).phase.name == phase)
    }

    @Test("foreign exchange is open over midnight: its next phase is the weekend")
    func overMidnight() {
        let found = TradingCalendar.fx.phase(at: time("2025-01-06T12:00:00Z"))
        #expect(found.next?.phase == .closed && found.next?.time == time("2025-01-10T22:00:00Z"))
    }

    @Test("a market that never closes has no next phase")
    func neverCloses() {
        let found = TradingCalendar.always.phase(at: time("2025-01-06T08:00:00Z"))
        #expect(found.phase == .open)
        #expect(found.next == nil)
    }
}
