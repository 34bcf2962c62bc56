internal import PluginABI

/// A bar in the making or one that may still be revised.
struct BarState: BitwiseCopyable {
    struct Bits {
        static let simulated: UInt8 = 1
        /// No part came without sizes: the notional is known.
        static let notional: UInt8 = 2
        /// Rolled up from backfilled bars.
        static let backfilled: UInt8 = 4
        /// Some part was a bar.
        static let rolledUp: UInt8 = 8
    }

    /// 1e-9 units.
    var volume: Int128 = 0
    /// 1e-18 units.
    var notional: Int128 = 0
    /// Times before this belong to other bars; with `end` the stretch of time that is this bar's.
    var floor: Int64
    /// From this instant on nothing belongs to it; `notForming` in a series without an open bar.
    var end: Int64
    /// What `ts_event` of its record says.
    var start: Int64 = 0
    /// Event times of the parts that gave the open and the close.
    var openTime: Int64 = 0
    var closeTime: Int64 = 0
    var open = 0.0
    var high = 0.0
    var low = 0.0
    var close = 0.0
    var count: UInt64 = 0
    var firstSeq: UInt64 = 0
    var lastSeq: UInt64 = 0
    /// NaN = none.
    var openInterest = Double.nan
    /// Of the last part, its market centre the symbol's own venue.
    var stream: UInt32 = 0
    var revision: UInt16 = 0
    /// `HUB_BUILT_FROM_TRADE` … of the last part.
    var builtFrom: UInt8 = 0
    var bits: UInt8 = 0

    static let notForming = Int64.min

    init(floor: Int64, end: Int64) {
        self.floor = floor
        self.end = end
    }

    /// The bar's record but for its `seq` and `ts_recv`.
    func record(interval: UInt32, state: Int) -> hub_bar {
        var bar = hub_bar()
        bar.head.lines = 2
        bar.head.kind = UInt8(HUB_BAR)
        bar.head.flags = UInt16(HUB_FLAG_DERIVED)
        if bits & Bits.simulated != 0 { bar.head.flags |= UInt16(HUB_FLAG_SIMULATED) }
        if bits & Bits.backfilled != 0 { bar.head.flags |= UInt16(HUB_FLAG_BACKFILLED) }
        bar.head.stream = stream
        bar.head.ts_event = start
        bar.interval = interval
        bar.state = UInt8(state)
        bar.built_from = bits & Bits.rolledUp != 0 ? UInt8(HUB_BUILT_FROM_BAR) : builtFrom
        bar.revision = revision
        bar.open = open
        bar.high = high
        bar.low = low
        bar.close = close
        bar.volume = ExactAmount.double(units: volume)
        bar.notional = bits & Bits.notional != 0 ? ExactAmount.double(product: notional) : .nan
        bar.count = count
        bar.first_seq = firstSeq
        bar.last_seq = lastSeq
        bar.open_interest = openInterest
        return bar
    }
}

/// What one trade, tick or quote adds to each bar of its instrument.
struct Contribution: BitwiseCopyable {
    var size: Int128
    var notional: Int128
    var time: Int64
    var price: Double
    var seq: UInt64
    var openInterest: Double
    var stream: UInt32
    var source: Int32
    var builtFrom: UInt8
    /// `BarState.Bits` that are set by it; without `notional` it takes that bit away.
    var bits: UInt8
}

extension BarState {
    /// Begins the bar with its first part.
    mutating func begin(_ part: Contribution, start: Int64, floor: Int64, end: Int64) {
        self = BarState(floor: floor, end: end)
        self.start = start
        volume = part.size
        notional = part.notional
        openTime = part.time
        closeTime = part.time
        open = part.price
        high = part.price
        low = part.price
        close = part.price
        count = 1
        firstSeq = part.seq
        lastSeq = part.seq
        openInterest = part.openInterest
        stream = part.stream
        builtFrom = part.builtFrom
        bits = part.bits
    }

    /// Adds one more part, which is the last by `seq`.
    @inline(__always)
    mutating func add(_ part: Contribution) {
        if part.price > high { high = part.price }
        if part.price < low { low = part.price }
        close = part.price
        closeTime = part.time
        // Sizes end at 1e28 units: no number of trades there can be leaves 128 bits.
        volume &+= part.size
        notional = ExactAmount.sum(notional, part.notional)
        count &+= 1
        lastSeq = part.seq
        stream = part.stream
        builtFrom = part.builtFrom
        bits = bits & (part.bits | ~Bits.notional) | (part.bits & ~Bits.notional)
        if !part.openInterest.isNaN { openInterest = part.openInterest }
    }
}
