import EventFormat
import HubModel

/// Puts a row in the place of every bar that could exist and does not: `fill=previous`. Pure.
struct BarFill: Sendable {
    let clock: SessionClock
    let interval: Interval
    /// On `time`, nanoseconds; `from` inclusive, `to` exclusive.
    let from: Int64?
    let to: Int64?
    /// Only bars that are over by then are missing: later ones may still come.
    let knownTo: Int64

    /// The first rows from `from` on, at most one more than `limit`.
    ///
    /// - Parameters:
    ///   - rows: the first ones, oldest first, at most one more than `limit`; with more, the last is where filling ends.
    ///   - previous: the bar before `from`; `nil`: nothing is repeated in front of the first row.
    func forward(_ rows: [BarRow], after previous: BarRow?, limit: Int) -> [BarRow] {
        guard let start = previous != nil ? from ?? rows.first?.time : rows.first?.time else { return [] }
        var result: [BarRow] = []
        var last = previous
        var index = 0
        let end = min(to ?? .max, max(knownTo, rows.last?.time ?? .min))
        var date = clock.date(of: start, interval)
        let lastDate = max(dateReached(by: end), rows.last.map { clock.date(of: $0.time, interval) } ?? .min)
        while date <= lastDate, result.count <= limit {
            for open in clock.opens(on: date, interval) where open >= start {
                while index < rows.count, rows[index].time <= open {
                    result.append(rows[index])
                    last = rows[index]
                    index += 1
                }
                if let last, last.time < open, isMissing(open), result.last?.time != open {
                    result.append(BarRow(repeating: last, at: open))
                }
                if result.count > limit { break }
            }
            date += 1
        }
        result.append(contentsOf: rows[index...])
        return Array(result.prefix(limit + 1))
    }

    /// The newest rows before `to`, at most `limit`, oldest first.
    ///
    /// - Parameter rows: the newest ones, oldest first, at most `limit`: there are no fewer with those that are filled in.
    func backward(_ rows: [BarRow], limit: Int) -> [BarRow] {
        guard let first = rows.first, let newest = rows.last else { return [] }
        var result: [BarRow] = []
        var index = rows.count - 1
        let end = min(to ?? .max, max(knownTo, newest.time))
        var date = max(dateReached(by: end), clock.date(of: newest.time, interval))
        let firstDate = clock.date(of: first.time, interval)
        while date >= firstDate, result.count < limit, index >= 0 {
            for open in clock.opens(on: date, interval).reversed() where result.count < limit {
                while index >= 0, rows[index].time >= open {
                    result.append(rows[index])
                    index -= 1
                }
                guard index >= 0 else { break }
                if result.last?.time != open, isMissing(open) {
                    result.append(BarRow(repeating: rows[index], at: open))
                }
            }
            date -= 1
        }
        while index >= 0, result.count < limit {
            result.append(rows[index])
            index -= 1
        }
        return result.prefix(limit).reversed()
    }

    /// The last date with a bar that may open before an instant: west of Greenwich a day's bar opens, at 00:00 UTC, while the
    /// date before it still lasts; east of it the date is further than the bars.
    private func dateReached(by end: Int64) -> Int {
        max(clock.calendar.day(containing: end).number, clock.date(of: end, interval))
    }

    private func isMissing(_ open: Int64) -> Bool {
        (from.map { open >= $0 } ?? true) && (to.map { open < $0 } ?? true)
            && clock.calendar.closingTime(start: open, interval) <= knownTo
    }
}
