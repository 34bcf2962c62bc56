import EventFormat
import HubModel
import Testing

@testable import HubRuntime

@Suite struct HolidayAnswerTests {
    private func days(_ json: String, _ calendar: TradingCalendar = .nse) -> [String] {
        HolidayAnswer.days(json, calendar: calendar).map { day in
            let open = day.open.map { "\($0.lowerBound / 60)-\($0.upperBound / 60)" } ?? "closed"
            return "\(CivilDate(dayNumber: day.number).text) \(day.name) \(open)"
        }
    }

    @Test("days are read as each vendor's plugin answers them")
    func shapes() {
        // Instants of the session, in microseconds: 18:00 to 19:00 in India.
        #expect(
            days(
                #"[{"venue":"NSE","date":"2025-10-21","open":true,"sessions":[{"phase":"open","from":1761049800000000,"#
                    + #""to":1761053400000000}],"holiday":"Diwali","special":true},"#
                    + #"{"venue":"NSE","date":"2025-08-15","open":false,"sessions":[],"holiday":"Independence Day"}]"#)
                == ["2025-08-15 Independence Day closed", "2025-10-21 Diwali 1080-1140"])
        // The venue's clock.
        #expect(
            days(
                #"[{"venue":"NASDAQ","date":"2025-11-28","open":true,"hours":"09:30-13:00","special":true}]"#,
                .usEquities)
                == ["2025-11-28  570-780"])
    }

    @Test(
        "what cannot be read is passed over",
        arguments: [
            "", "{}", "[1,null]", #"[{"date":"soon","open":false}]"#, #"[{"date":"2025-11-28","open":true}]"#,
            #"[{"date":"2025-11-28","open":true,"hours":"13:00-09:30"}]"#,
            #"[{"date":"2025-11-28","open":true,"hours":"all day"}]"#,
            #"[{"date":"2025-11-28","open":true,"sessions":[{"phase":"open","from":9223372036854775807,"to":1}]}]"#,
            #"[{"date":"2025-11-28","open":true,"sessions":[{"phase":"open","from":0,"to":60000000}]}]"#,
        ])
    func unreadable(json: String) { #expect(days(json).isEmpty) }
}
