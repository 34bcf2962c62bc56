/// What was spent within one moving window: at no moment is more than the limit spent in the window before it.
///
/// A bucket that refills while it is drawn from would let through up to twice the limit in one window, which vendors
/// answer with a refusal that lasts; so spending is remembered until it is a whole window old. It is remembered in
/// slots of a 1024th of the window, rounded up to the slot's end, so memory stays bounded whatever the limit is. Belongs
/// to one thread; the clock is the caller's.
struct RateWindow: Sendable {
    private struct Slot {
        /// The end of the slot: everything in it counts as spent then.
        var end: Int64
        var cost: Int
    }

    let limit: RateLimit
    /// How much longer than the window spending is remembered: requests sent a window apart may arrive closer together.
    let slackNanoseconds: Int64
    private let slotNanoseconds: Int64
    private var slots: [Slot] = []
    private var first = 0
    private(set) var used = 0

    init(_ limit: RateLimit) {
        self.limit = limit
        slackNanoseconds = min(limit.windowNanoseconds / 20, 100_000_000)
        slotNanoseconds = max(limit.windowNanoseconds / 1024, 1)
    }

    private var keptNanoseconds: Int64 { limit.windowNanoseconds + slackNanoseconds }

    mutating func forget(now: Int64) {
        while first < slots.count, slots[first].end <= now - keptNanoseconds {
            used -= slots[first].cost
            first += 1
        }
        if first > 64, first * 2 > slots.count {
            slots.removeFirst(first)
            first = 0
        }
    }

    /// When so much may be spent at the earliest: `now`, or later.
    ///
    /// What costs more than the limit may go once the window is empty: else it never could.
    mutating func earliest(cost: Int, now: Int64) -> Int64 {
        forget(now: now)
        var excess = used + min(cost, limit.requests) - limit.requests
        var index = first
        var time = now
        while excess > 0, index < slots.count {
            excess -= slots[index].cost
            time = slots[index].end + keptNanoseconds
            index += 1
        }
        return max(now, time)
    }

    mutating func spend(_ cost: Int, now: Int64) {
        forget(now: now)
        let end = (now / slotNanoseconds + 1) * slotNanoseconds
        used += cost
        if first < slots.count, let last = slots.last, last.end >= end {
            slots[slots.count - 1].cost += cost
        } else {
            slots.append(Slot(end: end, cost: cost))
        }
    }

    /// When everything that is spent now is forgotten: `now` where nothing is.
    func resets(now: Int64) -> Int64 {
        first < slots.count ? slots[slots.count - 1].end + keptNanoseconds : now
    }
}
