public import EventFormat

/// When a group of venues trades, and where their bars are anchored.
///
/// Intraday bars are counted from an anchor on each local date (US shares 04:00 New York, NSE 09:15 Kolkata, `always`
/// 00:00 UTC), forwards until local midnight and backwards before it. The session date of an instant is its local
/// date. Values are immutable and cheap to copy; looking up a day costs two binary searches, so hot paths keep the
/// `TradingDay`.
public struct TradingCalendar: Sendable {
    let rules: CalendarRules

    /// As `hub.yaml` and `instrument.calendar` name it: `us-equities`, `nse`, `mcx`, `cds`, `fx`, `always`.
    public var name: String { rules.name }

    /// IANA name of the zone: `America/New_York`, `Asia/Kolkata`, `UTC`.
    public var zone: String { rules.zone.name }

    /// Shares in the United States.
    public static let usEquities = bundled("us-equities", CalendarData.usEquities)
    /// The National Stock Exchange of India, also for BSE and the derivatives of both.
    public static let nse = bundled("nse", CalendarData.nse)
    /// Open at all times, in UTC: crypto, simulated and unknown venues.
    public static let always = bundled("always", CalendarData.always)
    /// The Multi Commodity Exchange of India.
    public static let mcx = bundled("mcx", CalendarData.mcx)
    /// Currency derivatives of the Indian exchanges.
    public static let cds = bundled("cds", CalendarData.cds)
    /// Foreign exchange, from Sunday to Friday 17:00 New York.
    public static let fx = bundled("fx", CalendarData.fx)

    /// Every bundled calendar.
    public static var all: [TradingCalendar] { [usEquities, nse, always, mcx, cds, fx] }

    /// The bundled calendar of that name.
    public static func named(_ name: String) -> TradingCalendar? {
        switch name {
        case "us-equities": usEquities
        case "nse": nse
        case "always": always
        case "mcx": mcx
        case "cds": cds
        case "fx": fx
        default: nil
        }
    }

    /// The calendar of a venue.
    ///
    /// - Parameters:
    ///   - venue: what stands before the colon of a symbol.
    ///   - overrides: venue → name of a calendar, from `calendars.*.like`; names that are not bundled are passed over.
    /// - Returns: `always` for a venue the hub does not know.
    public static func forVenue(_ venue: String, overrides: [String: String] = [:]) -> TradingCalendar {
        if let name = overrides[venue], let calendar = named(name) { return calendar }
        switch venue {
        case "NASDAQ", "NYSE", "ARCA", "AMEX", "BATS", "OTC": return usEquities
        case "NSE", "BSE", "NFO", "BFO": return nse
        case "MCX": return mcx
        case "CDS", "BCD": return cds
        case "FX": return fx
        default: return always
        }
    }

    private static func bundled(_ name: String, _ data: String) -> TradingCalendar {
        do {
            return TradingCalendar(rules: try CalendarRules(name: name, data: data))
        } catch {
            preconditionFailure("the bundled calendar \(name) cannot be read: \(error)")
        }
    }

    // MARK: Days

    /// The date an instant belongs to. Instants beyond ±285 years of 1970 are taken for that limit.
    public func day(containing time: Int64) -> TradingDay {
        let limit: Int64 = 9_000_000_000_000_000_000
        let seconds = Int(min(max(time, -limit), limit).flooredQuotient(1_000_000_000))
        return day((seconds + rules.zone.offset(atUTC: seconds)).flooredQuotient(86_400))
    }

    /// The date with that number (days since 1970-01-01).
    public func day(_ number: Int) -> TradingDay {
        TradingDay(
            number: number, start: instant(number, 0), end: instant(number + 1, 0),
            anchor: instant(number, rules.anchorSeconds))
    }

    /// Nanoseconds at which the zone's clocks show that many seconds after midnight of the date.
    private func instant(_ number: Int, _ secondsOfDay: Int) -> Int64 {
        Int64(rules.zone.utc(ofLocal: number * 86_400 + secondsOfDay)) &* 1_000_000_000
    }

    // MARK: Bars

    /// The `time` of the bar an instant belongs to: its open, from a day on 00:00 UTC of the first session date.
    public func bucketStart(_ time: Int64, _ interval: Interval) -> Int64 {
        let day = day(containing: time)
        if !interval.isDateBased { return day.intradayStart(time, nanoseconds: interval.nanoseconds) }
        return Int64(firstDate(of: day.number, interval)) &* 86_400_000_000_000
    }

    /// The `end` of the bar that begins at `start`, as clients see it: from a day on 00:00 UTC of the first date
    /// after it.
    public func bucketEnd(start: Int64, _ interval: Interval) -> Int64 {
        if !interval.isDateBased { return start &+ interval.nanoseconds }
        return Int64(dateAfter(start, interval)) &* 86_400_000_000_000
    }

    /// The instant from which on nothing more belongs to the bar that begins at `start`: from a day on the local
    /// midnight after its last date.
    public func closingTime(start: Int64, _ interval: Interval) -> Int64 {
        if !interval.isDateBased { return start &+ interval.nanoseconds }
        return instant(dateAfter(start, interval), 0)
    }

    private func firstDate(of number: Int, _ interval: Interval) -> Int {
        let date = CivilDate(dayNumber: number)
        switch interval {
        case .w1: return number - date.weekday
        case .month1: return number - Int(date.day - 1)
        default: return number
        }
    }

    private func dateAfter(_ start: Int64, _ interval: Interval) -> Int {
        let number = Int(start.flooredQuotient(86_400_000_000_000))
        switch interval {
        case .w1: return number + 7
        case .month1: return Int(CivilDate(dayNumber: number).adding(months: 1).dayNumber)
        default: return number + 1
        }
    }

    // MARK: Sessions

    /// A stretch of a date with its phase; `from` is inclusive, `to` exclusive, both nanoseconds.
    public struct Session: Hashable, Sendable {
        public let phase: Phase
        public let from: Int64
        public let to: Int64
    }

    /// Phases of trading, named as in `objects.md`; raw values are those of records (`HUB_PHASE_CLOSED` …).
    public enum Phase: UInt8, Sendable, Hashable, CaseIterable {
        case closed = 1
        case pre = 2
        case preOpen = 3
        case open = 4
        case pause = 5
        case closing = 6
        case post = 7

        /// The word in JSON.
        public var name: String {
            switch self {
            case .closed: "closed"
            case .pre: "pre"
            case .preOpen: "pre_open"
            case .open: "open"
            case .pause: "break"
            case .closing: "closing"
            case .post: "post"
            }
        }
    }

    /// The sessions of a date in their order; none where the market is shut.
    public func sessions(on number: Int) -> [Session] {
        rules.sessions(on: number).map {
            Session(phase: $0.phase, from: instant(number, $0.from), to: instant(number, $0.to))
        }
    }

    /// The regular session (phase `open`) of a date.
    public func regularSession(on number: Int) -> Session? {
        sessions(on: number).first { $0.phase == .open }
    }

    /// Why a date is not an ordinary one: the name of the holiday or special session.
    public func occasion(on number: Int) -> String? { rules.special[number]?.name }

    /// The phase at an instant, and which one follows when.
    ///
    /// - Returns: `next` is `nil` where no change is known within three weeks (a market that never closes).
    public func phase(at time: Int64) -> (phase: Phase, next: (phase: Phase, time: Int64)?) {
        let today = day(containing: time).number
        var current = Phase.closed
        var end: Int64?
        for number in today..<(today + 21) {
            for session in sessions(on: number) where session.to > time {
                if let at = end, at < session.from { return (current, (.closed, at)) }
                if session.from <= time || (end != nil && session.phase == current) {
                    current = session.phase
                    end = session.to
                } else {
                    return (current, (session.phase, session.from))
                }
            }
        }
        return (current, rules.neverCloses ? nil : end.map { (.closed, $0) })
    }
}
