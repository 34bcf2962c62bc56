/// A date of the proleptic Gregorian calendar, and its number of days since 1970-01-01.
///
/// The conversions count in eras of 400 years (146,097 days) with the year beginning in March, so that the leap day is
/// the last one and months have a linear formula. Exact for every date whose nanoseconds fit in 64 bits.
public struct CivilDate: Sendable, Hashable, Comparable {
    public var year: Int64
    public var month: Int64
    public var day: Int64

    public static let nanosecondsPerDay: Int64 = 86_400_000_000_000

    public init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date `day` days after 1970-01-01 (negative: before).
    public init(day dayNumber: Int64) {
        let shifted = dayNumber + 719_468  // days since 0000-03-01
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01.
    public var dayNumber: Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// Whether month and day exist (`2025-02-29` does not).
    public var isValid: Bool {
        (1...12).contains(month) && day >= 1 && CivilDate(day: dayNumber) == self
    }

    /// The day, counted from 1970-01-01 and rounded down, in which a time falls in UTC.
    public static func day(ofNanoseconds nanoseconds: Int64) -> Int64 {
        var day = nanoseconds / nanosecondsPerDay
        if nanoseconds % nanosecondsPerDay < 0 { day -= 1 }
        return day
    }

    public static func < (left: CivilDate, right: CivilDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }
}
