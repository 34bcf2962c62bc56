import HubFold
import HubModel
import Synchronization

/// The phase of each calendar now, looked up again when it changes and at most once a second.
final class PhaseCache: Sendable {
    private struct Entry: Sendable {
        var phase: TradingCalendar.Phase
        var from: Int64
        var until: Int64
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// Of a venue with days of its own the key names it too.
    static func key(_ value: LastValue, _ calendars: MarketCalendars) -> String {
        let venue = String(value.symbol.prefix { $0 != ":" })
        return calendars.hasOwnDays(venue) ? "\(value.calendar)@\(venue)" : value.calendar
    }

    func phase(of value: LastValue, _ calendars: MarketCalendars, at now: Int64) -> TradingCalendar.Phase {
        phase(key: Self.key(value, calendars), calendars, at: now)
    }

    /// - Parameters:
    ///   - key: name of a calendar, perhaps with a venue; an unknown one counts as `always`.
    ///   - now: nanoseconds.
    func phase(key: String, _ calendars: MarketCalendars, at now: Int64) -> TradingCalendar.Phase {
        entries.withLock { entries in
            if let entry = entries[key], entry.from <= now, now < entry.until { return entry.phase }
            let parts = key.split(separator: "@", maxSplits: 1).map(String.init)
            let base = parts.first ?? ""
            let calendar =
                parts.count == 2
                ? calendars.calendar(of: parts[1], base: base) : TradingCalendar.named(base) ?? .always
            let found = calendar.phase(at: now)
            let until = min(found.next?.time ?? .max, now + 1_000_000_000)
            entries[key] = Entry(phase: found.phase, from: now, until: until)
            return found.phase
        }
    }
}
