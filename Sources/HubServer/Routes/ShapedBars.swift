import EventFormat
import HubModel
import PluginABI

/// Bars as `session=` and `fill=` want them, out of those a `BarQuery` finds.
///
/// Takes its time: not for an event loop.
struct ShapedBars: Sendable {
    /// Bars that are kept and read to make larger ones.
    struct Part: Sendable {
        var interval: Interval
        /// The running bar, if it is to be shown.
        var forming: hub_bar?
    }

    /// What the regular part of larger bars is made of, where that is kept.
    struct Smaller: Sendable {
        /// Bars that never straddle an end of the session.
        var fine: Part?
        /// Days, or what days are made of; for weeks and months.
        var days: Part?
    }

    var query: BarQuery
    let session: BarSession
    let fills: Bool
    let smaller: Smaller
    /// The hub's clock, nanoseconds.
    let now: Int64

    private var clock: SessionClock { SessionClock(calendar: query.calendar, session: session) }

    /// The same, everything before a time.
    func ending(at time: Int64?) -> ShapedBars {
        var earlier = self
        earlier.query.from = nil
        earlier.query.to = time
        return earlier
    }

    /// The same from a later time on.
    func beginning(at time: Int64) -> ShapedBars {
        var later = self
        later.query.from = time
        return later
    }

    /// Whether the rows are those of the store, one by one.
    var isPlain: Bool {
        session == .all && !fills && query.source == query.interval && query.asked.isEmpty
    }

    /// The first `limit` bars from `from` on, or the newest before `to`; one more than `limit` where there are more.
    func rows(limit: Int, newest: Bool) throws -> [BarRow] {
        let rows = try part(query, limit: limit, newest: newest)
        guard fills, let known = try query.knownTo() else { return rows }
        let fill = BarFill(
            clock: clock, interval: query.interval, from: query.from, to: query.to, knownTo: min(known, now))
        if newest { return fill.backward(rows, limit: limit) }
        var before = query
        before.from = nil
        before.to = query.from
        before.forming = nil
        let previous = query.from == nil ? nil : try part(before, limit: 1, newest: true).last
        return fill.forward(rows, after: previous, limit: limit)
    }

    // MARK: Session

    private func part(_ query: BarQuery, limit: Int, newest: Bool) throws -> [BarRow] {
        if session == .all { return try query.rows(limit: limit, newest: newest) }
        if query.interval > .d1 { return try longer(query, limit: limit, newest: newest) }
        return try regular(query, limit: limit, newest: newest)
    }

    /// Up to a day: as many pieces as it takes, since nobody knows how many of the bars lie outside.
    private func regular(_ query: BarQuery, limit: Int, newest: Bool) throws -> [BarRow] {
        let deadline = Deadline(after: 30_000_000_000)
        let isAligned = clock.isAligned(query.interval)
        var rest = query
        var found: [BarRow] = []
        let wanted = newest ? limit : limit + 1
        while found.count < wanted {
            try deadline.check()
            let missing = wanted - found.count
            // Smaller bars of many larger ones at once would take much memory.
            let size = isAligned ? min(max(2 * missing, 256), 100_000) : min(max(missing, 8), 64)
            let rows = try rest.rows(limit: size, newest: newest)
            guard let first = rows.first, let last = rows.last else { break }
            let inside = isAligned ? rows.filter { clock.touches($0.time, query.interval) } : try refined(rows, query)
            if newest {
                found = inside + found
                rest.to = first.time
                if rows.count < size { break }
            } else {
                found += inside
                rest.from = last.time + 1
                if rows.count <= size { break }
            }
        }
        return Array(newest ? found.suffix(limit) : found.prefix(limit + 1))
    }

    /// Larger bars anew out of the smaller ones inside the session; where no smaller ones are kept a bar stays as it is, if
    /// some of it lies in the session.
    private func refined(_ rows: [BarRow], _ query: BarQuery) throws -> [BarRow] {
        let interval = query.interval
        guard let fine = smaller.fine, fine.interval < interval, let first = rows.first, let last = rows.last else {
            return rows.filter { clock.touches($0.time, interval) }
        }
        let from = clock.span(of: first.time, interval).from
        let to = clock.span(of: last.time, interval).to
        var bars = try History(query.engine)
            .rows(
                of: query.symbol, interval: fine.interval, from: from, to: to, through: query.asOf, limit: 10_000_000,
                newest: false)
        if query.forming != nil, let forming = fine.forming, forming.head.ts_event >= from, forming.head.ts_event < to {
            bars.removeAll { $0.time >= forming.head.ts_event }
            bars.append(BarRow(forming))
        }
        let covered = Set(bars.map { query.calendar.bucketStart($0.time, interval) })
        let rolled = BarRollup.roll(
            bars.filter { clock.touches($0.time, fine.interval) }, to: interval, calendar: query.calendar,
            from: fine.interval)
        let byTime = Dictionary(rolled.map { ($0.time, $0) }, uniquingKeysWith: { _, newer in newer })
        return rows.compactMap { row in
            guard covered.contains(row.time) else { return clock.touches(row.time, interval) ? row : nil }
            guard var found = byTime[row.time] else { return nil }
            if row.state == .forming {
                found.state = .forming
                found.revision = 0
            } else if found.state == .forming {
                found.state = .closed
            }
            return found
        }
    }

    /// Weeks and months, out of the regular part of their days.
    private func longer(_ query: BarQuery, limit: Int, newest: Bool) throws -> [BarRow] {
        let whole = try query.rows(limit: limit, newest: newest)
        guard let days = smaller.days, let first = whole.first, let last = whole.last else {
            return whole.filter { clock.touches($0.time, query.interval) }
        }
        var part = query
        part.interval = .d1
        part.source = days.interval
        part.from = first.time
        part.to = TradingCalendar.always.bucketEnd(start: last.time, query.interval)
        part.forming = query.forming == nil ? nil : days.forming
        let rows = try regular(part, limit: whole.count * 31, newest: false)
        let rolled = BarRollup.roll(rows, to: query.interval, calendar: query.calendar, from: .d1)
        let byTime = Dictionary(rolled.map { ($0.time, $0) }, uniquingKeysWith: { _, newer in newer })
        return whole.compactMap { row in
            guard var found = byTime[row.time] else { return clock.touches(row.time, query.interval) ? row : nil }
            found.state = row.state == .forming ? .forming : found.state == .forming ? .closed : found.state
            if row.state == .forming { found.revision = 0 }
            return found
        }
    }
}
