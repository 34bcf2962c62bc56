internal import HubModel
internal import PluginABI

/// The bars of one instrument and interval: the open one, those that may still be revised, and the newest record.
struct Series: BitwiseCopyable {
    /// Not forming: `end` is `BarState.notForming` and `floor` the frontier, before which all bars are closed.
    var forming = BarState(floor: .min, end: BarState.notForming)
    let interval: UInt32
    let instrument: Int32
    /// Whose watermark closes the open bar.
    var source: Int32 = -1
    /// Oldest first, ascending `start`.
    var closed: UnsafeMutablePointer<BarState>?
    var closedCount: Int32 = 0
    private var closedCapacity: Int32 = 0
    /// `start` of the newest bar that can no longer be revised; the least number when there is none.
    var evictedStart = Int64.min
    /// `start` of the first bar that the hub itself made of trades, ticks or quotes; the greatest number when there
    /// is none.
    var ownFirst = Int64.max
    /// A bar older than the frontier that backfill is changing: rolled up from a provider's history, or made of trades
    /// that were fetched. Its record is made when the backfill has gone beyond it, not for each of its parts.
    var history = BarState(floor: 0, end: 0)
    /// Whether `history` has parts that no record shows yet.
    var hasHistory = false
    /// Whether there is a record of that bar already: then the next one revises it.
    var historyExists = false
    /// Whether the parts' own times are not known: then it is made anew from the bars below it.
    var historyIsRemade = false
    var hasNewest = false
    /// The newest bar, as journaled.
    var newest = hub_bar()

    init(interval: UInt32, instrument: Int32) {
        self.interval = interval
        self.instrument = instrument
    }

    @inline(__always) var isForming: Bool { forming.end != BarState.notForming }

    /// Times before this are of closed bars.
    @inline(__always) var frontier: Int64 { forming.floor }

    /// How many closed bars are kept for revision: a minute of seconds, half an hour of minutes, some hours, some days.
    static func kept(_ interval: UInt32) -> Int32 {
        switch interval {
        case ..<60: 64
        case ..<3600: 32
        case ..<86_400: 8
        default: 4
        }
    }

    /// The closed bar with that start, if it is still kept.
    func find(_ start: Int64) -> UnsafeMutablePointer<BarState>? {
        guard let closed else { return nil }
        var index = Int(closedCount) - 1
        while index >= 0, closed[index].start > start { index -= 1 }
        return index >= 0 && closed[index].start == start ? closed + index : nil
    }

    /// Whether a closed bar with that start would be kept, and none that was forgotten can have had it.
    func remembers(_ start: Int64) -> Bool {
        if start <= evictedStart { return false }
        guard closedCount == Series.kept(interval), let closed else { return true }
        return start > closed[0].start
    }

    /// Keeps a closed bar in its place; the oldest goes when there are too many.
    mutating func keep(_ bar: BarState) {
        let limit = Series.kept(interval)
        if closedCount == limit, let closed {
            if bar.start < closed[0].start {
                evictedStart = max(evictedStart, bar.start)
                return
            }
            evictedStart = max(evictedStart, closed[0].start)
            (closed).update(from: closed + 1, count: Int(limit) - 1)
            closedCount -= 1
        } else if closedCount == closedCapacity {
            grow(limit)
        }
        guard let closed else { return }
        var index = Int(closedCount)
        while index > 0, closed[index - 1].start > bar.start {
            closed[index] = closed[index - 1]
            index -= 1
        }
        closed[index] = bar
        closedCount += 1
    }

    mutating func free() {
        closed?.deallocate()
        closed = nil
        closedCount = 0
        closedCapacity = 0
    }

    private mutating func grow(_ limit: Int32) {
        let capacity = min(limit, max(4, closedCapacity * 2))
        let larger = UnsafeMutablePointer<BarState>.allocate(capacity: Int(capacity))
        if let closed {
            larger.moveInitialize(from: closed, count: Int(closedCount))
            closed.deallocate()
        }
        closed = larger
        closedCapacity = capacity
    }
}
