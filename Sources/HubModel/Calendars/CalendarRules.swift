internal import EventFormat

/// What a calendar's data file says.
///
/// A file has lines `zone,IANA name`, `anchor,HH:MM`, `session,phase,HH:MM,HH:MM` for an ordinary date,
/// `days,mon-fri` or `days,daily`, then from the line `date,name,open,close` on the dates that differ: empty times
/// mean closed. On a date with other times of the open session the sessions before it keep their distance to its
/// begin, those after it to its end. `#` begins a comment.
final class CalendarRules: Sendable {
    struct Special: Sendable {
        let name: String
        /// Seconds of the day of the open session; `nil`: closed.
        let open: (from: Int, to: Int)?
    }

    typealias LocalSession = (phase: TradingCalendar.Phase, from: Int, to: Int)

    let name: String
    let zone: ZoneOffsets
    let anchorSeconds: Int
    let ordinary: [LocalSession]
    let weekdaysOnly: Bool
    let special: [Int: Special]

    init(name: String, data: String) throws(CalendarDataError) {
        var zone = "UTC"
        var anchorSeconds = 0
        var ordinary: [LocalSession] = []
        var weekdaysOnly = false
        var special: [Int: Special] = [:]
        var inDates = false
        for (index, line) in data.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard !line.isEmpty, line.first != "#" else { continue }
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            func fault(_ expected: String) -> CalendarDataError {
                CalendarDataError(line: index + 1, expected: expected, found: String(line))
            }
            switch (fields[0], inDates, fields.count) {
            case ("date", false, 4): inDates = true
            case ("zone", false, 2): zone = String(fields[1])
            case ("anchor", false, 2):
                guard let time = CalendarRules.clock(fields[1]) else { throw fault("anchor,HH:MM") }
                anchorSeconds = time
            case ("days", false, 2): weekdaysOnly = fields[1] == "mon-fri"
            case ("session", false, 4):
                guard let phase = TradingCalendar.Phase.allCases.first(where: { $0.name == fields[1] }),
                    let from = CalendarRules.clock(fields[2]), let to = CalendarRules.clock(fields[3]),
                    from < to
                else { throw fault("session,phase,HH:MM,HH:MM") }
                ordinary.append((phase, from, to))
            case (_, true, 4):
                guard let date = CivilDate(fields[0]) else { throw fault("date,name,open,close") }
                if fields[2].isEmpty, fields[3].isEmpty {
                    special[Int(date.dayNumber)] = Special(name: String(fields[1]), open: nil)
                } else if let from = CalendarRules.clock(fields[2]),
                    let to = CalendarRules.clock(fields[3]), from < to
                {
                    special[Int(date.dayNumber)] = Special(name: String(fields[1]), open: (from, to))
                } else {
                    throw fault("date,name,open,close with both times or none")
                }
            default: throw fault(inDates ? "date,name,open,close" : "zone, anchor, session, days or date")
            }
        }
        self.name = name
        self.zone = ZoneOffsets(zone)
        self.anchorSeconds = anchorSeconds
        self.ordinary = ordinary
        self.weekdaysOnly = weekdaysOnly
        self.special = special
    }

    /// Whether each date is open from midnight to midnight.
    var neverCloses: Bool {
        !weekdaysOnly && special.isEmpty && ordinary.count == 1 && ordinary[0].from == 0
            && ordinary[0].to == 86_400
    }

    func sessions(on number: Int) -> [LocalSession] {
        if let special = special[number] {
            guard let open = special.open, let usual = ordinary.first(where: { $0.phase == .open }) else {
                return []
            }
            return ordinary.map { session in
                if session.to <= usual.from {
                    return (
                        session.phase, session.from - usual.from + open.from,
                        session.to - usual.from + open.from
                    )
                }
                if session.from >= usual.to {
                    return (session.phase, session.from - usual.to + open.to, session.to - usual.to + open.to)
                }
                return (session.phase, open.from, open.to)
            }
        }
        if weekdaysOnly, CivilDate(dayNumber: number).weekday >= 5 { return [] }
        return ordinary
    }

    /// Seconds of the day of `HH:MM`, up to `24:00`.
    static func clock(_ text: some StringProtocol) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"), let hour = Digits.read(bytes[0..<2]),
            let minute = Digits.read(bytes[3..<5]), minute < 60, hour < 24 || (hour == 24 && minute == 0)
        else { return nil }
        return hour * 3600 + minute * 60
    }
}

/// A line of a calendar's data that cannot be read.
struct CalendarDataError: Error, CustomStringConvertible {
    let line: Int
    let expected: String
    let found: String

    var description: String { "line \(line): expected \(expected), found '\(found)'" }
}
