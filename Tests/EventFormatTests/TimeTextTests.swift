import EventFormat
import Foundation
import PluginABI
import Testing

@Suite("Times as text")
struct TimeTextTests {
    private func text(_ nanoseconds: Int64, _ style: TimeStyle) -> String {
        var buffer = TextBuffer()
        buffer.append(time: nanoseconds, style: style)
        return buffer.string
    }

    @Test("every style, cut and not rounded")
    func styles() {
        let time: Int64 = 1_736_174_100_123_456_789
        #expect(text(time, .microseconds) == "1736174100123456")
        #expect(text(time, .milliseconds) == "1736174100123")
        #expect(text(time, .seconds) == "1736174100")
        #expect(text(time, .nanoseconds) == #""1736174100123456789""#)
        #expect(text(time, .iso) == #""2025-01-06T14:35:00.123456789Z""#)
        #expect(text(1_999_999_999, .seconds) == "1")
        #expect(text(-1, .microseconds) == "-1")
        #expect(text(-1, .iso) == #""1969-12-31T23:59:59.999999999Z""#)
        #expect(text(0, .iso) == #""1970-01-01T00:00:00.000000000Z""#)
        #expect(text(.max, .iso) == #""2262-04-11T23:47:16.854775807Z""#)
        #expect(text(.min, .iso) == #""1677-09-21T00:12:43.145224192Z""#)
    }

    @Test("the parameter's words read back")
    func parameters() {
        for style in TimeStyle.allCases { #expect(TimeStyle(style.parameter) == style) }
        #expect(TimeStyle("minutes") == nil)
    }

    @Test("dates agree with Foundation's calendar from 1600 to 2400")
    func dates() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "GMT"))
        for day in stride(from: Int64(-135_000), to: 157_000, by: 97) {
            let date = CivilDate(day: day)
            let parts = calendar.dateComponents(
                [.year, .month, .day], from: Date(timeIntervalSince1970: Double(day) * 86400))
            #expect(date == CivilDate(year: Int64(parts.year!), month: Int64(parts.month!), day: Int64(parts.day!)))
            #expect(date.dayNumber == day)
            #expect(date.isValid)
        }
        #expect(!CivilDate(year: 2025, month: 2, day: 29).isValid)
        #expect(CivilDate(year: 2024, month: 2, day: 29).isValid)
        #expect(!CivilDate(year: 2025, month: 13, day: 1).isValid)
        #expect(TimeText.date(1_736_121_600_000_000_000) == "2025-01-06")
    }

    @Test(
        "bars end with their period",
        arguments: [
            ("2025-01-06", Interval.d1, "2025-01-07"), ("2024-12-31", .d1, "2025-01-01"),
            ("2025-01-06", .w1, "2025-01-13"), ("2025-01-07", .w1, "2025-01-13"), ("2025-01-12", .w1, "2025-01-13"),
            ("1969-12-30", .w1, "1970-01-05"), ("2025-01-02", .month1, "2025-02-01"),
            ("2024-02-01", .month1, "2024-03-01"), ("2024-12-02", .month1, "2025-01-01"),
        ])
    func barEnds(open: String, interval: Interval, end: String) {
        #expect(Interval.end(ofBarOpening: nanoseconds(open), seconds: interval.rawValue) == nanoseconds(end))
    }

    @Test("intraday bars end one length after their open")
    func intradayEnds() {
        for interval in Interval.allCases where !interval.isDateBased {
            #expect(Interval.end(ofBarOpening: 1000, seconds: interval.rawValue) == 1000 + interval.nanoseconds)
        }
    }

    private func nanoseconds(_ date: String) -> Int64 {
        let parts = date.split(separator: "-").compactMap { Int64($0) }
        return CivilDate(year: parts[0], month: parts[1], day: parts[2]).dayNumber * CivilDate.nanosecondsPerDay
    }
}
