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

    /// - Parameters:
    ///   - calendar: its name; an unknown one counts as `always`.
    ///   - now: nanoseconds.
    func phase(ofCalendar name: String, at now: Int64) -> TradingCalendar.Phase {
        entries.withLock { entries in
            if let entry = entries[name], entry.from <= now, now < entry.until { return entry.phase }
            let calendar = TradingCalendar.named(name) ?? .always
            let found = calendar.phase(at: now)
            let until = min(found.next?.time ?? .max, now + 1_000_000_000)
            entries[name] = Entry(phase: found.phase, from: now, until: until)
            return found.phase
        }
    }
}
