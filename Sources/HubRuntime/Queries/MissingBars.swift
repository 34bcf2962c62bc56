import EventFormat
import HubModel

/// Which bars of a range are missing, by the days on which its market trades.
struct MissingBars {
    let calendar: TradingCalendar
    let interval: Interval

    /// Opens of the bars that there may be in a range, oldest first: those that begin in it.
    func opens(in range: Range<Int64>) -> [Int64] {
        guard !range.isEmpty else { return [] }
        return interval.isDateBased ? dates(in: range) : instants(in: range)
    }

    private func instants(in range: Range<Int64>) -> [Int64] {
        let first = calendar.day(containing: range.lowerBound).number
        let last = calendar.day(containing: range.upperBound - 1).number
        var opens: [Int64] = []
        for number in first...last {
            let day = calendar.day(number)
            for session in calendar.sessions(on: number) where session.phase != .closed {
                var open = day.intradayStart(session.from, nanoseconds: interval.nanoseconds)
                if let before = opens.last, open <= before { open = before + interval.nanoseconds }
                while open < session.to {
                    if range.contains(open) { opens.append(open) }
                    open += interval.nanoseconds
                }
            }
        }
        return opens
    }

    private func dates(in range: Range<Int64>) -> [Int64] {
        let first = Int(CivilDate.day(ofNanoseconds: range.lowerBound))
        let last = Int(CivilDate.day(ofNanoseconds: range.upperBound - 1))
        var opens: [Int64] = []
        for number in first...max(first, last) where !calendar.sessions(on: number).isEmpty {
            let open = TradingCalendar.always.bucketStart(
                Int64(number) * CivilDate.nanosecondsPerDay, interval)
            if range.contains(open), opens.last != open { opens.append(open) }
        }
        return opens
    }

    /// So many bars that are there end a stretch: below that one call costs more than some bars that come again.
    private static let barsBetween = 30

    /// Stretches to ask for: from a bar that is missing to the end of one that is.
    ///
    /// - Parameters:
    ///   - range: what should be there.
    ///   - fetched: what was asked for already, ascending.
    ///   - known: times of bars that are there.
    func stretches(in range: Range<Int64>, fetched: [Range<Int64>], known: Set<Int64>) -> [Range<Int64>] {
        var found: [Range<Int64>] = []
        var place = 0
        var between = 0
        var isApart = true
        for open in opens(in: range) {
            while place < fetched.count, fetched[place].upperBound <= open { place += 1 }
            if place < fetched.count, fetched[place].contains(open) {
                isApart = true
                continue
            }
            if known.contains(open) {
                between += 1
                if between >= Self.barsBetween { isApart = true }
                continue
            }
            let end = calendar.bucketEnd(start: open, interval)
            if let last = found.last, !isApart {
                found[found.count - 1] = last.lowerBound..<end
            } else {
                found.append(open..<end)
            }
            isApart = false
            between = 0
        }
        return found
    }
}
