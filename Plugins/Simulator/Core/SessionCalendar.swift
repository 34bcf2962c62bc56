/// When the simulator makes events: always, or the regular hours of a market on weekdays.
///
/// Holidays are not left out: the hub's calendars know them, and simulated prices on a holiday hurt nobody. New York's
/// daylight saving time is that of the Energy Policy Act of 2005: from the second Sunday of March to the first Sunday of
/// November.
enum SessionCalendar: String, Sendable, CaseIterable {
    case always
    case usEquities = "us-equities"
    case nse

    private static let second: Int64 = 1_000_000_000
    private static let day: Int64 = 86400

    /// The session that holds a time or is the next after it: open inclusive, close exclusive, in ns since the epoch.
    func session(atOrAfter time: Int64) -> (open: Int64, close: Int64) {
        if self == .always { return (.min, .max) }
        var date = time.floorDivided(by: Self.second * Self.day) - 1
        while true {
            // 1970-01-01 was a Thursday; 0 is Monday here.
            let weekday = (date + 3) - (date + 3).floorDivided(by: 7) * 7
            if weekday < 5 {
                let session = hours(ofDate: date)
                if time < session.close { return session }
            }
            date += 1
        }
    }

    private func hours(ofDate date: Int64) -> (open: Int64, close: Int64) {
        // Minutes of the local day, and the zone's distance from UTC.
        let (open, close, zone): (Int64, Int64, Int64)
        switch self {
        case .always: return (.min, .max)
        case .usEquities: (open, close, zone) = (570, 960, Self.isNewYorkSummer(date) ? -240 : -300)
        case .nse: (open, close, zone) = (555, 930, 330)
        }
        let minute = 60 * Self.second
        return ((date * 1440 + open - zone) * minute, (date * 1440 + close - zone) * minute)
    }

    /// Whether summer time holds in New York at noon of a date, in days since the epoch.
    private static func isNewYorkSummer(_ date: Int64) -> Bool {
        let (month, day) = monthAndDay(date)
        if month < 3 || month > 11 { return false }
        if month > 3 && month < 11 { return true }
        let first = date - Int64(day) + 1
        let weekday = (first + 3) - (first + 3).floorDivided(by: 7) * 7
        let firstSunday = Int(6 - weekday) + 1
        return month == 3 ? day >= firstSunday + 7 : day < firstSunday
    }

    /// Month and day of a date in days since the epoch (Hinnant, "chrono-compatible low-level date algorithms").
    private static func monthAndDay(_ date: Int64) -> (Int, Int) {
        let shifted = date + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (Int(month), Int(day))
    }
}

extension Int64 {
    /// Division rounded towards minus infinity, by a positive number.
    func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
