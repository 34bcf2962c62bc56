import PluginKit

/// The simulator without its life cycle: schedule, instruments, history, positions. All in one value, so that a pull
/// touches no reference counts.
struct SimulatorEngine {
    /// A position follows every event whose number is a multiple of this.
    static let eventsPerPosition: UInt64 = 256
    /// How far `rate: max` may fall behind before its times move on, and to where they move.
    private static let unpacedLag: Int64 = 50_000_000
    /// What a paced simulator catches up on after a stop: an hour, or so many events if that is less.
    private static let caughtUpNanoseconds: Int64 = 3_600_000_000_000
    private static let caughtUpEvents = 5_000_000.0

    private let settings: SimulatorSettings
    private let startSecond: UInt32
    private let random: CounterRandom
    private let instruments: UnsafeMutablePointer<SimulatedInstrument>
    private let count: UInt64
    private let common: UnsafeMutablePointer<BrownianPath>
    private let largestLag: Int64

    private var schedule: EventSchedule
    private var session: (open: Int64, close: Int64)
    private var history: HistorySeeder?
    private var historyMinutes: UInt32
    private var historyIsNext: Bool
    private var positionIsDue: Bool
    private var emittedSincePosition = false
    private var skipped: (from: Int64, to: Int64)?

    /// `wanted` must not be empty; its order is the instruments' order.
    init(_ settings: SimulatorSettings, wanted: [Want], resuming position: SimulatorPosition?, now: Int64) {
        self.settings = settings
        let start =
            position
            ?? SimulatorPosition(
                base: now, event: 0, historyMinutes: 0, startSecond: UInt32(max(0, now / 1_000_000_000)),
                historyIsNext: false)
        startSecond = start.startSecond
        schedule = EventSchedule(base: start.base, event: start.event, rate: settings.rate)
        session = settings.calendar.session(atOrAfter: schedule.time)
        random = CounterRandom(seed: settings.seed, name: "", purpose: "schedule")
        count = UInt64(wanted.count)
        historyMinutes = start.historyMinutes
        historyIsNext = start.historyIsNext
        // The very first record says where the run began, or a run cut short before its first position could not go on.
        positionIsDue = position == nil
        largestLag =
            settings.isUnpaced
            ? Self.unpacedLag
            : min(
                Self.caughtUpNanoseconds,
                max(Int64(Self.caughtUpEvents * schedule.periodNanoseconds), 1_000_000_000))

        let anchor = Int64(startSecond) * 1_000_000_000
        let end = anchor - anchor % HistorySeeder.minute
        let minutes = settings.historyNanoseconds / HistorySeeder.minute
        let first = max(0, end - minutes * HistorySeeder.minute)
        let spacing = schedule.periodNanoseconds * Double(wanted.count)
        // Leaves no longer than the distance of two events of an instrument, from 1 microsecond to 67 ms.
        let leaf = spacing < 1 ? 10 : min(26, max(10, Int(spacing).bitWidth - Int(spacing).leadingZeroBitCount - 1))
        (instruments, common) = Self.make(settings, wanted, anchor: anchor, begin: first, leafLevel: leaf)
        if historyMinutes < UInt32((end - first) / HistorySeeder.minute) {
            let (own, path) = Self.make(
                settings, wanted, anchor: anchor, begin: first, leafLevel: PriceModel.coarsestLeaf)
            let tradesPerSecond = settings.isUnpaced ? 10 : settings.rate / Double(wanted.count)
            history = HistorySeeder(
                first: first, minutes: UInt32((end - first) / HistorySeeder.minute), done: historyMinutes,
                calendar: settings.calendar, tradesPerMinute: 60 * tradesPerSecond * Self.tradeShare(settings.kinds),
                instruments: own, count: wanted.count, common: path)
        }
    }

    private static func make(
        _ settings: SimulatorSettings, _ wanted: [Want], anchor: Int64, begin: Int64, leafLevel: Int
    ) -> (UnsafeMutablePointer<SimulatedInstrument>, UnsafeMutablePointer<BrownianPath>) {
        let common = UnsafeMutablePointer<BrownianPath>.allocate(capacity: 1)
        common.initialize(to: BrownianPath(seed: settings.seed, name: "", leafLevel: leafLevel))
        let instruments = UnsafeMutablePointer<SimulatedInstrument>.allocate(capacity: wanted.count)
        for (index, want) in wanted.enumerated() {
            let own = settings.instrument(want.symbol)
            let model = PriceModel(
                own, symbol: want.symbol, seed: settings.seed, correlation: settings.correlation, anchor: anchor,
                begin: begin, leafLevel: leafLevel, common: common)
            (instruments + index).initialize(
                to: SimulatedInstrument(
                    handle: want.handle, symbol: want.symbol, kinds: want.kinds, settings: own, seed: settings.seed,
                    model: model))
        }
        return (instruments, common)
    }

    func deallocate() {
        history?.deallocate()
        for index in 0..<Int(count) { instruments[index].deallocate() }
        instruments.deinitialize(count: Int(count))
        instruments.deallocate()
        common.pointee.deallocate()
        common.deallocate()
    }

    /// Where the simulator stands.
    var position: SimulatorPosition {
        SimulatorPosition(
            base: schedule.base, event: schedule.event, historyMinutes: historyMinutes, startSecond: startSecond,
            historyIsNext: historyIsNext)
    }

    /// The stretch of time that was left out since the last call.
    mutating func takeSkipped() -> (from: Int64, to: Int64)? {
        defer { skipped = nil }
        return skipped
    }

    /// Emits at most `budget` records that are due.
    ///
    /// While history is seeded, live events and portions of history take turns, with a position at every turn that says
    /// whose turn is next. So behind the last position there is only one kind, and going on repeats it in the same order.
    mutating func pull(_ budget: Int, _ output: Output, _ now: Int64) -> PullResult {
        var budget = budget
        while true {
            if positionIsDue {
                guard budget > 0, output.position(position.packed) else { return .more }
                budget -= 1
                positionIsDue = false
                emittedSincePosition = false
                leaveOutIfFarBehind(now)
            }
            if historyIsNext {
                guard seedPortion(&budget, output) else { return .more }
                continue
            }
            while schedule.time <= now {
                if schedule.time >= session.close || schedule.time < session.open {
                    moveIntoSession()
                    continue
                }
                guard budget > 0, emit(output) else { return .more }
                budget -= 1
                emittedSincePosition = true
                schedule.advance()
                if schedule.event % Self.eventsPerPosition == 0 {
                    positionIsDue = true
                    break
                }
            }
            if positionIsDue { continue }
            guard history != nil else { return .until(schedule.time) }
            historyIsNext = true
            // Without a live event since the last position there is still a turn to record.
            positionIsDue = true
        }
    }

    /// Seeds a portion of history; false = the budget is spent.
    private mutating func seedPortion(_ budget: inout Int, _ output: Output) -> Bool {
        if let isFinished = history?.portion(&budget, output) {
            guard isFinished else { return false }
            historyMinutes = history?.minutesDone ?? historyMinutes
            if history?.isDone ?? true {
                history?.deallocate()
                history = nil
            }
        }
        historyIsNext = false
        positionIsDue = true
        return true
    }

    /// Emits the next event; false = no room, and nothing changed.
    ///
    /// Which instrument and kind an event has is a function of its number. Where quotes and books are wanted, half of
    /// the pairs of events (2k, 2k + 1) are a quote and the book whose first level it is, so a change of the first
    /// level always comes as a quote too.
    @inline(__always)
    private mutating func emit(_ output: Output) -> Bool {
        let event = schedule.event
        let time = schedule.time
        if settings.kinds.isSuperset(of: [.quote, .book]) {
            let pair = random.bits(event >> 1, 0)
            let index = pick(pair)
            if pair & 1 == 0, instruments[index].kinds.isSuperset(of: [.quote, .book]) {
                if event & 1 == 0 { return instruments[index].quote(event, time, output) }
                return instruments[index].book(
                    event - 1, snapshot: schedule.timeBefore, time, levels: settings.levels, output)
            }
        }
        let bits = random.bits(event, 1)
        let index = pick(bits)
        let kinds = instruments[index].kinds
        let isTrade = kinds.contains(.trade) && (bits & 1 == 0 || kinds == [.trade])
        if isTrade { return instruments[index].trade(event, time, output) }
        if kinds.contains(.quote) { return instruments[index].quote(event, time, output) }
        return instruments[index].book(event, snapshot: time, time, levels: settings.levels, output)
    }

    @inline(__always)
    private func pick(_ bits: UInt64) -> Int {
        Int(truncatingIfNeeded: bits.multipliedFullWidth(by: count).high)
    }

    /// Share of events that are trades.
    private static func tradeShare(_ kinds: KindSet) -> Double {
        guard kinds.contains(.trade), kinds != [.trade] else { return 1 }
        return kinds.isSuperset(of: [.quote, .book]) ? 0.25 : 0.5
    }

    private mutating func moveIntoSession() {
        session = settings.calendar.session(atOrAfter: schedule.time)
        if schedule.time < session.open { schedule.base += session.open - schedule.time }
    }

    /// After a long stop, or when the host takes fewer events than the rate asks for, a stretch of time is left out.
    /// Only right after a position, so that what the host has already taken since is repeated exactly.
    private mutating func leaveOutIfFarBehind(_ now: Int64) {
        let lag = now - schedule.time
        guard lag > largestLag, !historyIsNext else { return }
        let from = schedule.time
        schedule.base += lag - (settings.isUnpaced ? Self.unpacedLag / 2 : 0)
        if !settings.isUnpaced { skipped = (from, schedule.time) }
        positionIsDue = true
    }
}
