import EventFormat
import HubModel
import Testing

@Suite struct MarketCalendarsTests {
    private func number(_ text: String) -> Int { Int(CivilDate(text)?.dayNumber ?? .min) }

    private func open(_ calendar: TradingCalendar, _ date: String) -> Range<Int>? {
        let day = calendar.day(number(date))
        return calendar.regularSession(on: number(date)).map {
            Int(($0.from - day.start) / 1_000_000_000)..<Int(($0.to - day.start) / 1_000_000_000)
        }
    }

    @Test("what a provider tells stands over the bundled days, and what the operator's file says over both")
    func layers() {
        let calendars = MarketCalendars([
            "NSE": .init(
                like: nil,
                days: [
                    CalendarDay(number: number("2025-06-02"), name: "ours", open: 36_000..<39_600),
                    CalendarDay(number: number("2025-06-04"), name: "ours", open: nil),
                ])
        ])
        #expect(open(calendars.calendar(of: "NSE"), "2025-06-02") == 36_000..<39_600)
        #expect(open(calendars.calendar(of: "NSE"), "2025-06-03") == 33_300..<55_800)
        #expect(open(calendars.calendar(of: "NSE"), "2025-06-04") == nil)
        let told = [
            CalendarDay(number: number("2025-06-03"), name: "told", open: nil),
            CalendarDay(number: number("2025-06-04"), name: "told", open: 33_300..<55_800),
        ]
        #expect(calendars.tell(told, of: "NSE", by: "vendor"))
        #expect(!calendars.tell(told, of: "NSE", by: "vendor"))
        let nse = calendars.calendar(of: "NSE")
        #expect(open(nse, "2025-06-03") == nil && open(nse, "2025-06-04") == nil)
        #expect(nse.occasion(on: number("2025-06-03")) == "told" && nse.occasion(on: number("2025-06-04")) == "ours")
        let origins = ["2025-06-02", "2025-06-03", "2025-06-04", "2025-06-05"].map {
            calendars.origin(of: number($0), venue: "NSE")
        }
        #expect(origins == ["file", "vendor", "file", "calendar"])
        // Another venue of the same calendar is another matter.
        #expect(open(calendars.calendar(of: "BSE"), "2025-06-03") == 33_300..<55_800)
        #expect(calendars.tell([], of: "NSE", by: "vendor"))
        #expect(open(calendars.calendar(of: "NSE"), "2025-06-03") == 33_300..<55_800)
    }

    @Test("bars keep their anchors whatever days are told")
    func anchors() {
        let calendars = MarketCalendars(["NSE": .init(like: nil, days: [])])
        let day = number("2025-06-03")
        let before = calendars.calendar(of: "NSE")
        calendars.tell([CalendarDay(number: day, name: "", open: 36_000..<39_600)], of: "NSE", by: "vendor")
        let after = calendars.calendar(of: "NSE")
        #expect(after.day(day) == before.day(day) && after.name == before.name)
        let noon = before.day(day).start + 43_200_000_000_000
        for interval in Interval.allCases {
            #expect(after.bucketStart(noon, interval) == before.bucketStart(noon, interval))
        }
    }

    @Test("a venue that never closes may be given a day that is closed")
    func neverCloses() {
        let calendars = MarketCalendars([
            "SIM": .init(like: nil, days: [CalendarDay(number: number("2025-06-03"), name: "off", open: nil)])
        ])
        let calendar = calendars.calendar(of: "SIM")
        let day = calendar.day(number("2025-06-03"))
        #expect(calendar.phase(at: day.start + 1).phase == .closed)
        #expect(calendar.phase(at: day.start - 1).phase == .open)
        #expect(calendar.phase(at: day.start - 1).next?.time == day.start)
        #expect(calendar.phase(at: day.end).phase == .open)
    }
}
