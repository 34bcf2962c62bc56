/// What one class of requests may still ask of a vendor: all its limits together, and what the vendor itself said.
///
/// Pure: times are monotonic nanoseconds that the caller gives, never falling. Belongs to one thread.
public struct RateBudget: Sendable {
    /// One limit and what is used of it, for `quota` in the status.
    public struct Usage: Hashable, Sendable {
        public let used: Int
        public let limit: Int
        public let windowNanoseconds: Int64
        /// When all of it is free again, monotonic.
        public let resets: Int64
    }

    private var windows: [RateWindow]
    private var limitedUntil: Int64 = .min

    /// - Parameter limits: all of them hold; none = only the vendor's own refusals count.
    public init(_ limits: [RateLimit]) {
        windows = limits.map { RateWindow($0) }
    }

    /// When a request may go at the earliest: `now`, or later.
    ///
    /// - Parameter cost: what it takes of each limit: vendors count heavy calls more than once.
    public mutating func earliest(cost: Int = 1, now: Int64) -> Int64 {
        var time = max(now, limitedUntil)
        for index in windows.indices { time = max(time, windows[index].earliest(cost: cost, now: now)) }
        return time
    }

    /// Spends for a request if it may go now.
    public mutating func take(cost: Int = 1, now: Int64) -> Bool {
        guard earliest(cost: cost, now: now) <= now else { return false }
        spend(cost: cost, now: now)
        return true
    }

    /// Spends without asking: for requests that go by another way.
    public mutating func spend(cost: Int = 1, now: Int64) {
        for index in windows.indices { windows[index].spend(cost, now: now) }
    }

    /// Nothing may go before that time: the vendor said so. A later time holds; an earlier one does not shorten it.
    public mutating func limited(until time: Int64) {
        limitedUntil = max(limitedUntil, time)
    }

    /// Takes over the vendor's own count where it is higher: another program uses the same account.
    ///
    /// - Parameter windowNanoseconds: which of the limits the count is for.
    public mutating func observed(used: Int, windowNanoseconds: Int64, now: Int64) {
        for index in windows.indices where windows[index].limit.windowNanoseconds == windowNanoseconds {
            windows[index].forget(now: now)
            let missing = min(used, windows[index].limit.requests) - windows[index].used
            if missing > 0 { windows[index].spend(missing, now: now) }
        }
    }

    /// Each limit with what is used of it, in the order given.
    public mutating func usage(now: Int64) -> [Usage] {
        windows.indices.map { index in
            windows[index].forget(now: now)
            let window = windows[index]
            return Usage(
                used: window.used, limit: window.limit.requests, windowNanoseconds: window.limit.windowNanoseconds,
                resets: max(window.resets(now: now), limitedUntil))
        }
    }
}
