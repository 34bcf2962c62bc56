/// Answers that are kept for a while: a value without a clock or a lock of its own.
///
/// Who finds nothing is told to fetch, and everybody after that to wait for the same answer. Times are nanoseconds of any
/// clock that does not go back. Bounded in entries and bytes: the least recently used goes first.
struct QueryCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// What is to be done about a key.
    enum Finding {
        case fresh(Value)
        /// Past its time. `refresh`: whoever is told so fetches a new one, nobody else.
        case stale(Value, refresh: Bool)
        /// Somebody fetches it already.
        case join
        case fetch
    }

    struct Counters: Sendable, Hashable {
        var hits: UInt64 = 0
        var misses: UInt64 = 0
        var coalesced: UInt64 = 0
        var staleServed: UInt64 = 0
        /// Answers that were too old to be served any more.
        var expired: UInt64 = 0
        /// Answers that went to make room.
        var evicted: UInt64 = 0
    }

    private struct Slot {
        var key: Key
        var value: Value
        var bytes: Int
        var freshUntil: Int64
        var staleUntil: Int64
        var newer: Int
        var older: Int
    }

    let maximumEntries: Int
    let maximumBytes: Int
    private(set) var counters = Counters()
    private(set) var bytes = 0
    private var places: [Key: Int] = [:]
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var newest = -1
    private var oldest = -1
    private var inFlight: Set<Key> = []

    init(maximumEntries: Int, maximumBytes: Int) {
        self.maximumEntries = maximumEntries
        self.maximumBytes = maximumBytes
    }

    var count: Int { places.count }
    /// Keys that are being fetched.
    var flights: Int { inFlight.count }

    /// Looks a key up and says what to do. After `fetch` or `refresh` the caller has to `store` or `fail` it.
    ///
    /// - Parameter fresh: what is kept does not count; a fetch that is under way does.
    mutating func find(_ key: Key, now: Int64, fresh: Bool = false) -> Finding {
        if let place = places[key], !fresh {
            if now < slots[place].freshUntil {
                touch(place)
                counters.hits += 1
                return .fresh(slots[place].value)
            }
            if now < slots[place].staleUntil {
                touch(place)
                counters.staleServed += 1
                return .stale(slots[place].value, refresh: inFlight.insert(key).inserted)
            }
            counters.expired += 1
            remove(place)
        }
        guard inFlight.insert(key).inserted else {
            counters.coalesced += 1
            return .join
        }
        counters.misses += 1
        return .fetch
    }

    /// Keeps an answer that was fetched.
    ///
    /// - Parameters:
    ///   - timeToLive: how long it is fresh; 0 or less: it is not kept.
    ///   - stale: how much longer it may be served while a new one is fetched.
    mutating func store(_ key: Key, _ value: Value, bytes size: Int, timeToLive: Int64, stale: Int64, now: Int64) {
        inFlight.remove(key)
        if let place = places[key] { remove(place) }
        guard timeToLive > 0, size <= maximumBytes, maximumEntries > 0 else { return }
        while places.count >= maximumEntries || bytes > maximumBytes - size {
            counters.evicted += 1
            remove(oldest)
        }
        let freshUntil = now.addingClamped(timeToLive)
        let slot = Slot(
            key: key, value: value, bytes: size, freshUntil: freshUntil,
            staleUntil: freshUntil.addingClamped(max(0, stale)), newer: -1, older: -1)
        let place: Int
        if let empty = free.popLast() {
            place = empty
            slots[place] = slot
        } else {
            place = slots.count
            slots.append(slot)
        }
        places[key] = place
        bytes += size
        link(place)
    }

    /// A fetch that brought nothing to keep; what there is stays for its time.
    mutating func fail(_ key: Key) {
        inFlight.remove(key)
    }

    // MARK: The order of use

    private mutating func touch(_ place: Int) {
        guard newest != place else { return }
        unlink(place)
        link(place)
    }

    private mutating func link(_ place: Int) {
        slots[place].newer = -1
        slots[place].older = newest
        if newest >= 0 { slots[newest].newer = place }
        newest = place
        if oldest < 0 { oldest = place }
    }

    private mutating func unlink(_ place: Int) {
        let (newer, older) = (slots[place].newer, slots[place].older)
        if newer >= 0 { slots[newer].older = older } else { newest = older }
        if older >= 0 { slots[older].newer = newer } else { oldest = newer }
    }

    private mutating func remove(_ place: Int) {
        unlink(place)
        bytes -= slots[place].bytes
        places[slots[place].key] = nil
        free.append(place)
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
