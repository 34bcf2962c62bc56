import EventFormat
import Glibc
import Synchronization

/// The `Date` of responses, rendered once a second.
final class DateText: Sendable {
    private let cached = Mutex<(second: Int, text: String)>((-1, ""))

    /// `Sat, 06 Jan 2025 14:35:00 GMT`, RFC 9110, section 5.6.7.
    func now() -> String {
        let second = time(nil)
        return cached.withLock { cached in
            if cached.second != second { cached = (second, Self.render(second)) }
            return cached.text
        }
    }

    static func render(_ second: Int) -> String {
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let iso = TimeText.iso(Int64(second) * 1_000_000_000).utf8.map { $0 }
        func part(_ from: Int, _ count: Int) -> String { String(decoding: iso[from..<(from + count)], as: UTF8.self) }
        let weekday = weekdays[second / 86_400 % 7]
        let month = months[(Int(part(5, 2)) ?? 1) - 1]
        return "\(weekday), \(part(8, 2)) \(month) \(part(0, 4)) \(part(11, 8)) GMT"
    }
}
