import EventFormat
import HubFold
import HubModel
import HubRuntime
import PluginABI

/// A search for the bars of one instrument and interval, newest revision each, as they were known at a position.
///
/// Takes its time: not for an event loop.
struct BarQuery: Sendable {
    let engine: any EngineAccess
    let symbol: Symbol
    var interval: Interval
    /// The interval that is kept and read: the same, or a smaller one that is rolled up.
    var source: Interval
    let calendar: TradingCalendar
    /// On `time`, nanoseconds; `from` inclusive, `to` exclusive.
    var from: Int64?
    var to: Int64?
    let asOf: UInt64
    /// The running bar of `source` at `asOf`, if it is to be shown.
    var forming: hub_bar?
    /// Up to here nothing more belongs to bars of the instrument, as known at `asOf`; `nil`: nobody knows any more, and the
    /// newest bar of then tells.
    let watermark: Int64?

    /// The first `limit` bars from `from` on, or the newest before `to`; one more than `limit` where there are more.
    func rows(limit: Int, newest: Bool) throws -> [BarRow] {
        let rows =
            source == interval
            ? try direct(limit: limit, newest: newest) : try rolled(limit: limit, newest: newest)
        if asked.isEmpty { return rows }
        let earlier = asked.filter { contains($0.time) && $0.time < rows.first?.time ?? .max }
        return cut(earlier + rows, limit: limit, newest: newest)
    }

    /// What a provider was asked for: bars from before the first that is kept.
    var asked: [BarRow] = []

    /// What was read already, for several instruments at once: the first or newest rows of the range, and one more than
    /// `limit` where there are more.
    var found: [BarRow]?

    private func direct(limit: Int, newest: Bool) throws -> [BarRow] {
        var rows =
            try found
            ?? History(engine)
            .rows(of: symbol, interval: source, from: from, to: to, through: asOf, limit: limit + 1, newest: newest)
        if let forming, contains(forming.head.ts_event) {
            // A bar that comes again while it is open (a late trade after a restart) would stand twice.
            while let last = rows.last, last.time >= forming.head.ts_event { rows.removeLast() }
            rows.append(BarRow(forming))
        }
        return cut(rows, limit: limit, newest: newest)
    }

    private func rolled(limit: Int, newest: Bool) throws -> [BarRow] {
        // As many smaller bars as one larger one can have; a month has 31 days.
        let perBar =
            interval.isDateBased && source.isDateBased
            ? 31 : Int(max(1, interval.seconds / source.seconds)) + 2
        let start = from.map { bucket($0) == $0 ? $0 : end(ofBucket: bucket($0)) }
        let most = min((limit + 2) * perBar, 5_000_000)
        var smaller = try History(engine)
            .rows(
                of: symbol, interval: source, from: start, to: toOfSmaller, through: asOf, limit: most, newest: newest
            )
        let mayBeCut = smaller.count == most
        if let forming, start.map({ forming.head.ts_event >= $0 }) ?? true,
            toOfSmaller.map({ forming.head.ts_event < $0 }) ?? true
        {
            smaller.removeAll { $0.time >= forming.head.ts_event }
            smaller.append(BarRow(forming))
        }
        var rows = BarRollup.roll(smaller, to: interval, calendar: calendar, from: source)
        // Where the smaller ones were cut the bar at that end is not whole.
        if mayBeCut, !rows.isEmpty {
            if newest { rows.removeFirst() } else { rows.removeLast() }
        }
        if let last = rows.indices.last, rows[last].state != .forming, try !isOver(rows[last].time) {
            if forming == nil, !showsForming {
                rows.removeLast()
            } else {
                rows[last].state = .forming
                rows[last].revision = 0
            }
        }
        return cut(rows.filter { contains($0.time) }, limit: limit, newest: newest)
    }

    /// False where `forming=false` was asked for.
    var showsForming = true

    private func contains(_ time: Int64) -> Bool {
        (from.map { time >= $0 } ?? true) && (to.map { time < $0 } ?? true)
    }

    /// The larger bar that begins before `to` may end behind it.
    var toOfSmaller: Int64? {
        to.map { to in
            let start = bucket(to)
            return start == to ? to : end(ofBucket: start)
        }
    }

    func bucket(_ time: Int64) -> Int64 {
        source.isDateBased ? TradingCalendar.always.bucketStart(time, interval) : calendar.bucketStart(time, interval)
    }

    func end(ofBucket start: Int64) -> Int64 {
        source.isDateBased
            ? TradingCalendar.always.bucketEnd(start: start, interval) : calendar.bucketEnd(start: start, interval)
    }

    func isOver(_ start: Int64) throws -> Bool {
        guard let known = try knownTo() else { return false }
        return calendar.closingTime(start: start, interval) <= known
    }

    /// Up to here nothing more was to come at `asOf`, as far as that is known; `nil` before the first bar.
    func knownTo() throws -> Int64? {
        if let watermark { return watermark }
        let newest = try History(engine)
            .bars(of: symbol, interval: source, from: nil, to: nil, through: asOf, limit: 1, newest: true)
        return newest.last.map { calendar.closingTime(start: $0.head.ts_event, source) }
            ?? asked.last.map { calendar.closingTime(start: $0.time, interval) }
    }

    private func cut(_ rows: [BarRow], limit: Int, newest: Bool) -> [BarRow] {
        if rows.count <= limit { return rows }
        return newest ? Array(rows.suffix(limit)) : Array(rows.prefix(limit + 1))
    }
}
