internal import HubModel
internal import PluginABI

/// The trading day so far.
struct DayState: BitwiseCopyable {
    /// Days since 1970-01-01 of the session date; `none` before the first trade.
    var number = DayState.none
    var open = 0.0
    var high = 0.0
    var low = 0.0
    var close = 0.0
    /// 1e-9 units.
    var volume: Int128 = 0
    /// 1e-18 units.
    var notional: Int128 = 0
    /// Prices there were; of a provider's bars at least one each.
    var count: UInt64 = 0
    /// Event times of the parts that gave the open and the close.
    var openTime: Int64 = 0
    var closeTime: Int64 = 0

    static let none = Int.min
}

/// A trade that may still be corrected.
struct RecentTrade: BitwiseCopyable {
    var id: UInt64
    var seq: UInt64
    var time: Int64
    var price: Double
    var size: Double
    var source: Int32
}

/// The newest record of one kind that has several series: a value by its definition, a bar by an interval that is not
/// made.
struct ExtraRecord: BitwiseCopyable {
    var kind: UInt8
    var key: UInt32
    var slot: RecordSlot
}

/// All that is known of one instrument but its bars.
struct Instrument: BitwiseCopyable {
    /// Kinds 1 to 9 have one newest record each.
    static let slotCount = 10
    /// So many trades with an id are kept for corrections.
    static let recentLimit = 128

    /// Index into the plan's pipelines; -1: none has it.
    var pipeline: Int32 = -1
    var calendar: Int32 = 0
    /// The source that is active for it.
    var active: Int32 = -1
    /// The source that a failover named for this instrument alone; -1: that of its pipeline.
    var assigned: Int32 = -1
    var seriesBase: Int32 = 0
    var seriesCount: Int32 = 0
    var price = BarPrice.last
    /// Whether no trade came yet since another source took over. Not saved: after a restart there is a hole anyway.
    var isHandedOver = false
    /// `HUB_STATE_…` of its subscription upstream.
    var subscription: UInt8 = 0
    /// Whether a series holds an unfinished roll-up of history.
    var hasHistory = false
    /// The smallest interval of a provider's bars: larger bars are rolled up from these and no others; 0 = none came
    /// yet.
    var rollBase: UInt32 = 0
    /// Trades before this belong to times for which a provider's bar stands.
    var providerFrontier = Int64.min
    /// `seq` of the newest bar of history.
    var lastHistorySeq: UInt64 = 0
    /// The newest date there was a record of.
    var day = TradingDay(number: 0, start: 0, end: 0, anchor: 0)
    var today = DayState()
    /// NaN = not known.
    var previousClose = Double.nan
    var previousDay = DayState.none
    /// Event time of what gave `previousClose`.
    var previousCloseTime = Int64.min
    /// Whether trades came for it from any source: then fetched ticks make no bars.
    var givesTrades = false
    /// What its pipeline checks its records for, and how far a price may be from the last, as a fraction.
    var checks = QualityChecks()
    var spikeBand = Double.infinity
    /// Of trades and ticks, and of the middle of quotes.
    var prices = PriceReference()
    var middles = PriceReference()
    var prints = Prints()
    let slots: UnsafeMutablePointer<RecordSlot>
    var extras: UnsafeMutablePointer<ExtraRecord>?
    var extraCount: Int32 = 0
    private var extraCapacity: Int32 = 0
    /// A ring; `recentNext` is where the next trade goes once it is full.
    var recent: UnsafeMutablePointer<RecentTrade>?
    var recentCount: Int32 = 0
    var recentNext: Int32 = 0
    private var recentCapacity: Int32 = 0

    init() {
        slots = .allocate(capacity: Instrument.slotCount)
        slots.initialize(repeating: RecordSlot(), count: Instrument.slotCount)
    }

    mutating func free() {
        for kind in 0..<Instrument.slotCount { slots[kind].free() }
        slots.deallocate()
        for index in 0..<Int(extraCount) { extras?[index].slot.free() }
        extras?.deallocate()
        recent?.deallocate()
        prints.free()
    }

    /// The slot for a series of records of a kind, made if it is new.
    mutating func extra(kind: UInt8, key: UInt32) -> UnsafeMutablePointer<ExtraRecord> {
        if let extras {
            for index in 0..<Int(extraCount) where extras[index].key == key && extras[index].kind == kind {
                return extras + index
            }
        }
        if extraCount == extraCapacity {
            extraCapacity = max(4, extraCapacity * 2)
            let larger = UnsafeMutablePointer<ExtraRecord>.allocate(capacity: Int(extraCapacity))
            if let extras {
                larger.moveInitialize(from: extras, count: Int(extraCount))
                extras.deallocate()
            }
            extras = larger
        }
        let added = extras.unsafelyUnwrapped + Int(extraCount)
        added.initialize(to: ExtraRecord(kind: kind, key: key, slot: RecordSlot()))
        extraCount += 1
        return added
    }

    /// Remembers a trade in place of the oldest.
    mutating func remember(_ trade: RecentTrade) {
        if recentCount < Int32(Instrument.recentLimit) {
            if recentCount == recentCapacity {
                recentCapacity = min(Int32(Instrument.recentLimit), max(16, recentCapacity * 2))
                let larger = UnsafeMutablePointer<RecentTrade>.allocate(capacity: Int(recentCapacity))
                if let recent {
                    larger.moveInitialize(from: recent, count: Int(recentCount))
                    recent.deallocate()
                }
                recent = larger
            }
            recent.unsafelyUnwrapped[Int(recentCount)] = trade
            recentCount += 1
        } else {
            recent.unsafelyUnwrapped[Int(recentNext)] = trade
            recentNext = recentNext + 1 == Int32(Instrument.recentLimit) ? 0 : recentNext + 1
        }
    }

    /// Whether a trade of that id and time, of any source, is still remembered.
    func hasRecent(id: UInt64, time: Int64) -> Bool {
        guard let recent else { return false }
        for index in 0..<Int(recentCount) where recent[index].id == id && recent[index].time == time { return true }
        return false
    }

    /// The newest trade of that source and id, if it is still remembered.
    func recentTrade(id: UInt64, source: Int32) -> UnsafeMutablePointer<RecentTrade>? {
        guard let recent else { return nil }
        var found: UnsafeMutablePointer<RecentTrade>?
        for index in 0..<Int(recentCount) where recent[index].id == id && recent[index].source == source {
            if let known = found, known.pointee.seq > recent[index].seq { continue }
            found = recent + index
        }
        return found
    }
}
