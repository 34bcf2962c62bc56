internal import PluginABI

/// All that is known of one source but its names.
struct Source: BitwiseCopyable {
    var isRecorded = false
    var isSimulated = false
    /// Whether the plan names it; others are known from definitions of an earlier configuration.
    var isPlanned = false
    var hasPosition = false
    var hasDigest = false
    /// `HUB_STATE_…`, and the one before.
    var state: UInt8 = 0
    var previousState: UInt8 = 0
    /// Its own stream, 0 until it is defined.
    var stream: UInt32 = 0
    var finalizeAfter: Int64 = 2_000_000_000
    /// Bars that end at or before it are over.
    var watermark = Int64.min
    /// Event time of the control record that set the state.
    var since: Int64 = 0
    /// `seq`, event time and receive time of its newest record.
    var lastSeq: UInt64 = 0
    var lastEvent: Int64 = 0
    var lastReceived: Int64 = 0
    /// Its data records in the journal.
    var taken: UInt64 = 0
    /// Its data records since the last position, those a failover reported as skipped included.
    var sincePosition: UInt64 = 0
    /// Dropped since the last position and not yet reported by a failover. Not saved: a source that resumes sends
    /// them again.
    var skipped: UInt64 = 0
    /// Dropped in all since the process started.
    var standby: UInt64 = 0
    /// Flagged suspect since the process started, by check.
    var suspects = SuspectCounts()
    /// `seq` of the first record of the newest vendor message, and whether its last was there.
    var messageSeq: UInt64 = 0
    var messageIsOver = true
    /// Still to be dropped because the journal has them, bars apart.
    var duplicates: UInt64 = 0
    /// Bars that are still to be dropped, as an index into `bars`: those before it came again already.
    var duplicateBars = 0
    var duplicateBarsEnd = 0
    var positionSeq: UInt64 = 0
    var position: (UInt64, UInt64, UInt64) = (0, 0, 0)
    var digest: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var due = DueHeap()
    var bars = AcceptedBars()

    mutating func free() {
        due.free()
        bars.free()
    }
}

/// The bars of a source that were taken since its last position.
///
/// Whether a provider's bar is taken depends on what the hub has by then, so a source that resumes and sends again
/// what followed its position cannot be followed by counting alone: these are told by what they are.
struct AcceptedBars: BitwiseCopyable {
    struct Key: BitwiseCopyable, Equatable {
        var start: Int64
        var stream: UInt32
        var interval: UInt32
    }

    /// A source that sends so many bars without a position does not resume.
    static let limit = 16_384

    private var base: UnsafeMutablePointer<Key>?
    private(set) var count = 0
    private var capacity = 0

    init() {}

    subscript(index: Int) -> Key { base.unsafelyUnwrapped[index] }

    mutating func insert(_ key: Key) {
        guard count < AcceptedBars.limit else { return }
        if count == capacity {
            capacity = max(16, capacity * 2)
            let larger = UnsafeMutablePointer<Key>.allocate(capacity: capacity)
            if let base {
                larger.moveInitialize(from: base, count: count)
                base.deallocate()
            }
            base = larger
        }
        base.unsafelyUnwrapped[count] = key
        count += 1
    }

    mutating func removeAll() { count = 0 }

    mutating func free() {
        base?.deallocate()
        self = AcceptedBars()
    }
}

/// One stream: which instrument, which source.
struct Stream: BitwiseCopyable {
    /// -1: the source itself, or not defined.
    var instrument: Int32 = -1
    /// -1: not defined.
    var source: Int32 = -1
    /// Of the same instrument and source with the symbol's own venue: bars are given this one.
    var barStream: UInt32 = 0
    var isSimulated = false
    /// Whether trades came from this source for the instrument: then ticks make no bars. Kept on `barStream`.
    var givesTrades = false
    /// Cumulative volume of the newest tick in 1e-9 units, and its date. Kept on `barStream`.
    var tickDay = DayState.none
    var tickVolume: Int128 = 0
}
