import EventFormat
import IndianMarkets
import Testing

@Suite("Times and names of Indian markets")
struct IndianTimeTests {
    @Test("reads every form that the brokers write")
    func forms() {
        let quarterPastNine: Int64 = 1_736_135_100_000_000_000  // 2025-01-06T03:45:00Z
        for text in [
            "2025-01-06 09:15:00", "2025-01-06T09:15:00+0530", "2025-01-06T09:15:00+05:30", "2025-01-06T03:45:00Z",
            "2025-01-06T09:15", "2025-01-05T23:45:00.000-04:00",
        ] {
            #expect(IndianTime.nanoseconds(text) == quarterPastNine, "\(text)")
        }
        #expect(IndianTime.nanoseconds("2025-01-06 09:15:00.25") == quarterPastNine + 250_000_000)
        #expect(IndianTime.nanoseconds("2025-01-06") == IndianTime.midnight(ofDay: 20094))
        for text in ["", "2025-02-29", "2025-01-06T25:00:00", "2025-01-06 09:15:00 IST", "0", "2025-1-6", "9999-01-01"]
        {
            #expect(IndianTime.nanoseconds(text) == nil, "\(text)")
        }
    }

    @Test("writes times as the brokers want them, and knows when credentials end")
    func writing() {
        let time: Int64 = 1_736_135_100_000_000_000
        #expect(IndianTime.text(time) == "2025-01-06 09:15:00")
        #expect(IndianTime.dateText(ofDay: IndianTime.day(time)) == "2025-01-06")
        #expect(IndianTime.text(IndianTime.next(hour: 6, minute: 0, after: time)) == "2025-01-07 06:00:00")
        let early = IndianTime.nanoseconds("2025-01-06 02:00:00") ?? 0
        #expect(IndianTime.text(IndianTime.next(hour: 3, minute: 30, after: early)) == "2025-01-06 03:30:00")
    }

    @Test("names contracts as traders type them")
    func names() {
        let end = CivilDate(year: 2025, month: 1, day: 30)
        #expect(
            ContractName.name(underlying: "NIFTY", expiry: end, isWeekly: false, kind: .future) == "NIFTY25JANFUT")
        #expect(
            ContractName.name(underlying: "NIFTY", expiry: end, isWeekly: false, kind: .call, strike: 24000)
                == "NIFTY25JAN24000CE")
        #expect(
            ContractName.name(
                underlying: "NIFTY", expiry: CivilDate(year: 2025, month: 1, day: 9), isWeekly: true, kind: .call,
                strike: 24000) == "NIFTY2510924000CE")
        #expect(
            ContractName.name(
                underlying: "USDINR", expiry: CivilDate(year: 2024, month: 12, day: 6), isWeekly: true, kind: .put,
                strike: 83.25) == "USDINR24D0683.25PE")
        #expect(
            CanonicalName.index("Nifty  50") == "NIFTY 50" && CanonicalName.share("IDEA", series: "BE") == "IDEA-BE"
                && CanonicalName.share("IDEA-BE", series: "BE") == "IDEA-BE"
                && CanonicalName.share("TCS", series: "EQ") == "TCS")
    }
}
