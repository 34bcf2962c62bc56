internal import Foundation

/// The offsets of a zone from UTC over the years 1990 to 2100, taken once from the tz database.
///
/// Kept as a table so that a lookup needs neither Foundation nor a lock. Before the table the first offset holds,
/// after it the last.
struct ZoneOffsets: Sendable {
    let name: String
    /// UTC seconds from which on the offset of the same index holds; ascending, the first is the beginning of time.
    private let changes: [Int]
    private let offsets: [Int]

    init(_ name: String) {
        self.name = name
        var changes = [Int.min]
        let zone = name == "UTC" ? nil : TimeZone(identifier: name)
        guard let zone else {
            self.changes = changes
            offsets = [0]
            return
        }
        let firstSecond = 631_152_000
        let lastSecond = 4_102_444_800
        var at = Date(timeIntervalSince1970: TimeInterval(firstSecond))
        var offsets = [zone.secondsFromGMT(for: at)]
        while let next = zone.nextDaylightSavingTimeTransition(after: at),
            next.timeIntervalSince1970 < TimeInterval(lastSecond), next > at
        {
            let offset = zone.secondsFromGMT(for: next)
            if offset != offsets[offsets.count - 1] {
                changes.append(Int(next.timeIntervalSince1970))
                offsets.append(offset)
            }
            at = next
        }
        self.changes = changes
        self.offsets = offsets
    }

    /// Seconds to add to UTC.
    func offset(atUTC seconds: Int) -> Int {
        var low = 0
        var high = changes.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if changes[middle] <= seconds { low = middle } else { high = middle - 1 }
        }
        return offsets[low]
    }

    /// UTC seconds at which the zone's clocks show so many seconds since 1970 of local time. A time that occurs twice
    /// is the first of the two; one that is skipped is as far behind the change as it is behind it on the clock.
    func utc(ofLocal seconds: Int) -> Int {
        let before = offset(atUTC: seconds - 86_400)
        let early = seconds - before
        if offset(atUTC: early) == before { return early }
        let after = offset(atUTC: seconds + 86_400)
        let late = seconds - after
        return offset(atUTC: late) == after ? late : early
    }
}
