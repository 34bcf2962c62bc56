public import PluginABI

/// What the fold asks when a record falls into a bar that it no longer remembers.
public struct RecallRequest: Sendable, Hashable {
    /// `VENUE:NAME`.
    public var symbol: String
    /// Seconds, as in the record.
    public var interval: UInt32
    /// Bars that open at or after this time, nanoseconds.
    public var from: Int64
    /// Only records with a `seq` below count.
    public var before: UInt64
    /// At most so many bars.
    public var limit: Int
}

/// Answers the newest revision of each bar asked for, oldest first; `nil` when it cannot be read just now.
///
/// The answer is a function of the records below `before`, so a fold that asks stays one. Runs on the fold's thread,
/// within `admit` or `apply`.
public typealias Recall = (RecallRequest) -> [hub_bar]?

/// One stretch of a series as `Recall` answered it, kept up to date with what was journaled since.
///
/// It only saves asking again: what it answers is what would be answered, so it need not be saved and may be forgotten at
/// any time.
struct RecallWindow {
    static let asked = 64
    private static let limit = 128

    /// All bars with `from` <= start < `to` are in `bars`, ascending.
    private var from: Int64
    private var to: Int64
    private var bars: [hub_bar]

    /// - Parameter bars: at most `asked`; fewer mean that there are no more.
    init(from: Int64, bars: [hub_bar]) {
        self.from = from
        self.bars = bars
        to = .max
        if bars.count >= RecallWindow.asked, let last = bars.last { to = last.head.ts_event &+ 1 }
    }

    func covers(_ start: Int64) -> Bool { start >= from && start < to }

    func bar(_ start: Int64) -> hub_bar? {
        let place = place(of: start)
        return place < bars.count && bars[place].head.ts_event == start ? bars[place] : nil
    }

    /// A bar was journaled.
    mutating func note(_ bar: hub_bar) {
        let start = bar.head.ts_event
        guard covers(start) else { return }
        let place = place(of: start)
        if place < bars.count, bars[place].head.ts_event == start {
            bars[place] = bar
            return
        }
        bars.insert(bar, at: place)
        guard bars.count > RecallWindow.limit else { return }
        let half = RecallWindow.limit / 2
        if place > half {
            from = bars[half - 1].head.ts_event &+ 1
            bars.removeFirst(half)
        } else {
            to = bars[half].head.ts_event
            bars.removeLast(bars.count - half)
        }
    }

    private func place(of start: Int64) -> Int {
        var low = 0
        var high = bars.count
        while low < high {
            let middle = (low + high) / 2
            if bars[middle].head.ts_event < start { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// What is known of a bar of the past.
enum PastBar {
    case bar(hub_bar)
    case none
    /// Nobody can tell: there is nobody to ask, or reading failed.
    case unknown
}

extension FoldCore {
    /// Stretches kept at once; beyond that all are forgotten.
    private static let windowsKept = 256

    /// The newest record of a bar that is not remembered otherwise. Changes nothing that later records depend on.
    @inline(never)
    mutating func recalled(_ instrument: Int32, _ interval: UInt32, _ start: Int64) -> PastBar {
        guard let recall else { return .unknown }
        let key = FoldCore.order(interval, instrument)
        if let window = windows[key], window.covers(start) { return window.bar(start).map { .bar($0) } ?? .none }
        counters.recalls &+= 1
        let request = RecallRequest(
            symbol: symbols[Int(instrument)], interval: interval, from: start, before: seq &+ caused &+ 1,
            limit: RecallWindow.asked)
        guard let bars = recall(request) else { return .unknown }
        if windows.count >= FoldCore.windowsKept { windows.removeAll(keepingCapacity: true) }
        let window = RecallWindow(from: start, bars: bars)
        windows[key] = window
        return window.bar(start).map { .bar($0) } ?? .none
    }

    /// A bar was journaled: what was recalled is brought up to date.
    @inline(__always)
    mutating func noteJournaled(_ bar: hub_bar, _ instrument: Int32) {
        if !windows.isEmpty { windows[FoldCore.order(bar.interval, instrument)]?.note(bar) }
    }

    /// All bars of a series within [from, to) as journaled so far, this record's own included.
    mutating func recalledBars(_ instrument: Int32, _ interval: UInt32, from: Int64, to: Int64) -> [hub_bar]? {
        guard let recall, let step = FoldCore.interval(interval)?.nanoseconds, to > from else { return nil }
        counters.recalls &+= 1
        let request = RecallRequest(
            symbol: symbols[Int(instrument)], interval: interval, from: from, before: seq &+ caused &+ 1,
            limit: Int((to &- from) / step) + 4)
        return recall(request)?.filter { $0.head.ts_event < to }
    }
}

extension BarState {
    /// A bar as its newest record shows it: sums are those of the record's doubles, and when open and close were is not
    /// known.
    init(_ record: hub_bar, floor: Int64, end: Int64) {
        self.init(floor: floor, end: end)
        start = record.head.ts_event
        volume = ExactAmount.units(ofDecimal: record.volume)
        openTime = start
        closeTime = start
        open = record.open
        high = record.high
        low = record.low
        close = record.close
        count = record.count
        firstSeq = record.first_seq
        lastSeq = record.last_seq
        openInterest = record.open_interest
        stream = record.head.stream
        revision = record.revision
        builtFrom = record.built_from
        let flags = record.head.flags
        if flags & UInt16(HUB_FLAG_SIMULATED) != 0 { bits |= Bits.simulated }
        if flags & UInt16(HUB_FLAG_BACKFILLED) != 0 { bits |= Bits.backfilled }
        if record.built_from == UInt8(HUB_BUILT_FROM_BAR) { bits |= Bits.rolledUp }
        if !record.notional.isNaN {
            notional = ExactAmount.units(ofDecimal: record.notional) &* 1_000_000_000
            bits |= Bits.notional
        }
    }
}
