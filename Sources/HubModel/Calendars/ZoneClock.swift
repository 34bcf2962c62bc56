internal import EventFormat
internal import Foundation

/// The clocks of a time zone: what date and time of day they show, and when they show one.
public struct ZoneClock: Sendable {
    private let offsets: ZoneOffsets

    /// - Parameter name: as in the tz database, such as `Asia/Kolkata`; `nil` for a zone it does not have.
    public init?(_ name: String) {
        guard name == "UTC" || TimeZone(identifier: name) != nil else { return nil }
        offsets = ZoneOffsets(name)
    }

    private init(offsets: ZoneOffsets) { self.offsets = offsets }

    public static let utc = ZoneClock(offsets: ZoneOffsets("UTC"))

    public var name: String { offsets.name }

    /// The number (days since 1970-01-01) of the date that clocks show at an instant.
    public func date(at time: Int64) -> Int {
        let seconds = Int(time.flooredQuotient(1_000_000_000))
        return (seconds + offsets.offset(atUTC: seconds)).flooredQuotient(86_400)
    }

    /// Nanoseconds at which clocks show that many seconds after midnight of a date: the first time where they show it twice;
    /// where they skip it, as long after midnight as ever.
    public func instant(date: Int, secondsOfDay: Int) -> Int64 {
        Int64(offsets.utc(ofLocal: date * 86_400 + secondsOfDay)) * 1_000_000_000
    }
}
