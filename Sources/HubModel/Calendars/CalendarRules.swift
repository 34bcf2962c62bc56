internal import EventFormat

/// What a calendar's data file says.
///
/// A file has lines `zone,IANA name`, `anchor,HH:MM`, `session,phase,HH:MM,HH:MM` for an ordinary date,
/// `days,mon-fri` or `days,daily` (a session with a fifth field, `mon` to `sun`, is of that day alone), perhaps
/// `winter,IANA name,HH:MM` for when the open session ends while that zone is on standard time, then from the line `date,name,open,close` on the dates that differ: empty times
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
    /// By weekday, Monday first.
    let ordinary: [[LocalSession]]
    /// When the open session ends while the zone is on standard time.
    private let winter: (zone: ZoneOffsets, to: Int)?
    let special: [Int: Special]

    /// The rules with other days in place of their own.
    init(_ base: CalendarRules, with days: [CalendarDay]) {
        name = base.name
        zone = base.zone
        anchorSeconds = base.anchorSeconds
        ordinary = base.ordinary
        winter = base.winter
        var special = base.special
        for day in days {
            special[day.number] = Special(
                name: day.name, open: day.open.map { (from: $0.lowerBound, to: $0.upperBound) })
        }
        self.special = special
    }

    init(name: String, data: String) throws(CalendarDataError) {
        var zone = "UTC"
        var anchorSeconds = 0
        var ordinary: [(session: LocalSession, weekday: Int?)] = []
        var winter: (zone: ZoneOffsets, to: Int)?
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
            case ("winter", false, 3):
                guard let time = CalendarRules.clock(fields[2]) else { throw fault("winter,IANA name,HH:MM") }
                winter = (ZoneOffsets(String(fields[1])), time)
            case ("session", false, 4), ("session", false, 5):
                guard let phase = TradingCalendar.Phase.allCases.first(where: { $0.name == fields[1] }),
                    let from = CalendarRules.clock(fields[2]), let to = CalendarRules.clock(fields[3]),
                    from < to
                else { throw fault("session,phase,HH:MM,HH:MM") }
                let weekday = fields.count == 5 ? CalendarRules.weekdays.firstIndex(of: fields[4]) : nil
                guard fields.count == 4 || weekday != nil else { throw fault("session,phase,HH:MM,HH:MM,mon") }
                ordinary.append(((phase, from, to), weekday))
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
        self.ordinary = (0..<7).map { day in
            ordinary.filter { $0.weekday == nil ? !weekdaysOnly || day < 5 : $0.weekday == day }.map(\.session)
        }
        self.winter = winter
        self.special = special
    }

    /// Whether each date is open from midnight to midnight.
    var neverCloses: Bool {
        special.isEmpty && ordinary.allSatisfy { $0.count == 1 && $0[0].from == 0 && $0[0].to == 86_400 }
    }

    private static let weekdays: [Substring] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    func sessions(on number: Int) -> [LocalSession] {
        let sessions = sessionsInSummer(on: number)
        guard let winter, isWinter(number, in: winter.zone) else { return sessions }
        let usual = ordinary[0].first { $0.phase == .open }?.to
        return sessions.map { $0.phase == .open && $0.to == usual ? ($0.phase, $0.from, winter.to) : $0 }
    }

    /// Whether a zone is on the time it has at New Year.
    private func isWinter(_ number: Int, in zone: ZoneOffsets) -> Bool {
        let newYear = Int(CivilDate(year: CivilDate(dayNumber: number).year, month: 1, day: 1).dayNumber)
        return zone.offset(atUTC: number * 86_400 + 43_200) == zone.offset(atUTC: newYear * 86_400 + 43_200)
    }

    private func sessionsInSummer(on number: Int) -> [LocalSession] {
        let weekday = CivilDate(dayNumber: number).weekday
        if let special = special[number] {
            // A session on a weekend is held as on a weekday.
            let ordinary = ordinary[weekday].isEmpty ? ordinary[0] : ordinary[weekday]
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
        return ordinary[weekday]
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
