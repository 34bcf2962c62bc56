import EventFormat
import HubConfig
import HubModel

typealias BarSession = PipelineConfiguration.Session

/// When bars can exist: the parts of a calendar's dates that belong to a session. Pure.
struct SessionClock: Sendable {
    let calendar: TradingCalendar
    /// `all`: every phase in which somebody may trade. `regular`: the phase `open`.
    let session: BarSession

    private static let day: Int64 = 86_400_000_000_000

    /// The stretches of a date, in order, `from` inclusive, `to` exclusive, nanoseconds; none where the market is shut.
    func stretches(on number: Int) -> [(from: Int64, to: Int64)] {
        calendar.sessions(on: number)
            .filter { session == .all ? $0.phase != .closed : $0.phase == .open }
            .map { ($0.from, $0.to) }
    }

    /// The date that a bar's `time` belongs to: bars of a day and longer are told by the date at 00:00 UTC.
    func date(of time: Int64, _ interval: Interval) -> Int {
        interval.isDateBased ? Int(TimeText.cut(time, by: Self.day)) : calendar.day(containing: time).number
    }

    /// Opens of the bars that a date can have, in order. A week or a month is told by its first date on each of its dates
    /// that is open.
    func opens(on number: Int, _ interval: Interval) -> [Int64] {
        let stretches = stretches(on: number)
        guard let first = stretches.first else { return [] }
        if interval.isDateBased {
            return [TradingCalendar.always.bucketStart(Int64(number) * Self.day, interval)]
        }
        let day = calendar.day(number)
        var opens: [Int64] = []
        opens.reserveCapacity(Int((stretches[stretches.count - 1].to - first.from) / interval.nanoseconds) + 1)
        for stretch in stretches {
            var open = day.intradayStart(stretch.from, nanoseconds: interval.nanoseconds)
            // Where one stretch goes on in the middle of the bar in which the one before ended.
            if let last = opens.last, open <= last { open = last + interval.nanoseconds }
            while open < stretch.to {
                opens.append(open)
                open += interval.nanoseconds
            }
        }
        return opens
    }

    /// Whether some of a bar lies in the session.
    func touches(_ time: Int64, _ interval: Interval) -> Bool {
        if interval.isDateBased {
            let first = date(of: time, interval)
            let end = Int(TimeText.cut(TradingCalendar.always.bucketEnd(start: time, interval), by: Self.day))
            return (first..<max(end, first + 1)).contains { !stretches(on: $0).isEmpty }
        }
        let end = time + interval.nanoseconds
        return stretches(on: calendar.day(containing: time).number).contains { time < $0.to && end > $0.from }
    }

    /// Whether no bar of an interval is partly in the session and partly outside, on an ordinary date.
    func isAligned(_ interval: Interval) -> Bool {
        guard !interval.isDateBased else { return false }
        // A date of the bundled years; half days and special sessions have hours of their own.
        for number in 20_000..<20_030 where calendar.occasion(on: number) == nil {
            let stretches = stretches(on: number)
            guard !stretches.isEmpty else { continue }
            let day = calendar.day(number)
            return stretches.allSatisfy {
                day.intradayStart($0.from, nanoseconds: interval.nanoseconds) == $0.from
                    && day.intradayStart($0.to - 1, nanoseconds: interval.nanoseconds) + interval.nanoseconds == $0.to
            }
        }
        return false
    }

    /// The instants that a bar covers: of one of a day and longer, from local midnight to local midnight.
    func span(of time: Int64, _ interval: Interval) -> (from: Int64, to: Int64) {
        guard interval.isDateBased else { return (time, time + interval.nanoseconds) }
        return (calendar.day(date(of: time, interval)).start, calendar.closingTime(start: time, interval))
    }
}
