import EventFormat
import Testing

@Suite("Intervals")
struct IntervalTests {
    @Test("every interval reads back from its text, and a minute is not a month")
    func texts() {
        for interval in Interval.allCases { #expect(Interval(interval.text) == interval) }
        #expect(Interval("1m") == .m1)
        #expect(Interval("1M") == .month1)
        #expect(Interval("7s") == nil)
        #expect(Interval.text(ofSeconds: 7) == "7s")
    }
}
