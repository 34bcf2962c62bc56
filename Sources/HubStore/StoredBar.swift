public import PluginABI

/// A bar as the store keeps it for reading: the newest revision, without what only its event tells.
///
/// Eleven fields of eight bytes, so that columns can be put in and taken out alike.
public struct StoredBar: Sendable, Hashable {
    /// Open of the bar, nanoseconds.
    public var time: Int64
    /// Position of its event.
    public var seq: UInt64
    public var open: Double
    public var high: Double
    public var low: Double
    public var close: Double
    public var volume: Double
    /// Sum of price × size; NaN = not known.
    public var notional: Double
    /// At the end of the bar; NaN = none.
    public var openInterest: Double
    public var count: UInt64
    /// Revision in bits 0 to 15, state in 16 to 23, flags from 32 on.
    private var bits: UInt64

    public init(_ bar: hub_bar) {
        time = bar.head.ts_event
        seq = bar.head.seq
        open = bar.open
        high = bar.high
        low = bar.low
        close = bar.close
        volume = bar.volume
        notional = bar.notional
        openInterest = bar.open_interest
        count = bar.count
        bits = UInt64(bar.revision) | UInt64(bar.state) << 16 | UInt64(bar.head.flags) << 32
    }

    /// Nothing, to be filled column by column.
    init() {
        time = 0
        seq = 0
        open = 0
        high = 0
        low = 0
        close = 0
        volume = 0
        notional = 0
        openInterest = 0
        count = 0
        bits = 0
    }

    public var revision: UInt16 { UInt16(truncatingIfNeeded: bits) }
    /// `HUB_BAR_CLOSED` or `HUB_BAR_REVISED`.
    public var state: UInt8 { UInt8(truncatingIfNeeded: bits >> 16) }
    /// `HUB_FLAG_…`
    public var flags: UInt16 { UInt16(truncatingIfNeeded: bits >> 32) }
    public var isSimulated: Bool { flags & UInt16(HUB_FLAG_SIMULATED) != 0 }

    /// Where each column stands in a bar; whether it holds doubles.
    static let columns: [(offset: Int, isDouble: Bool)] = [
        (0, false), (8, false), (16, true), (24, true), (32, true), (40, true), (48, true), (56, true), (64, true),
        (72, false), (80, false),
    ]

    /// Bytes of a bar, in memory and in the table of single bars.
    static let bytes = 88
}
