// Markets that are open at other hours than shares: commodities and currencies.
//
// Provenance: the exchanges' own pages on market timings (MCX: 09:00 to 23:30, to 23:55 while New York is on standard time;
// NSE currency derivatives: 09:00 to 17:00) and MCX's yearly list of holidays: closed all day on five of them, on the others
// the evening session from 17:00 is held. Foreign exchange trades from Sunday to Friday 17:00 New York.

extension CalendarData {
    /// The Multi Commodity Exchange of India: its holidays are NSE's.
    static let mcx =
        """
        zone,Asia/Kolkata
        anchor,09:00
        session,open,09:00,23:30
        winter,America/New_York,23:55
        days,mon-fri

        """ + dates(of: nse) { name in closedAllDay.contains(name) ? nil : "17:00,23:30" }

    /// Currency derivatives of the Indian exchanges.
    static let cds =
        """
        zone,Asia/Kolkata
        anchor,09:00
        session,open,09:00,17:00
        days,mon-fri

        """ + dates(of: nse) { _ in nil }

    /// Foreign exchange.
    static let fx = """
        zone,America/New_York
        anchor,17:00
        session,open,17:00,24:00,sun
        session,open,00:00,24:00,mon
        session,open,00:00,24:00,tue
        session,open,00:00,24:00,wed
        session,open,00:00,24:00,thu
        session,open,00:00,17:00,fri
        days,daily
        """

    private static let closedAllDay: Set<Substring> = [
        "Republic Day", "Good Friday", "Independence Day", "Mahatma Gandhi Jayanti", "Christmas",
    ]

    /// The dates of another calendar; where it is shut all day, `open` may say when this one is open.
    private static func dates(of data: String, open: (Substring) -> String?) -> String {
        let lines = data.split(separator: "\n").drop { !$0.hasPrefix("date,") }
        return lines.map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            guard fields.count == 4, fields[2].isEmpty, let times = open(fields[1]) else { return String(line) }
            return "\(fields[0]),\(fields[1]),\(times)"
        }.joined(separator: "\n")
    }
}
