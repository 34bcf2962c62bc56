/// How long to wait before the next try: twice as long after each failure, and any part of that at random ("full
/// jitter"), so that many clients that lost the same server do not come back at once.
///
/// Pure: time and randomness are the caller's. Belongs to one thread.
public struct Backoff: Sendable {
    public let minimumNanoseconds: Int64
    public let maximumNanoseconds: Int64
    /// Up for that long: the next failure begins at the minimum again.
    public let healthyNanoseconds: Int64
    /// Tries that failed since it was last healthy.
    public private(set) var attempts = 0
    private var upSince: Int64?

    public init(
        minimumNanoseconds: Int64 = 1_000_000_000, maximumNanoseconds: Int64 = 60_000_000_000,
        healthyNanoseconds: Int64 = 60_000_000_000
    ) {
        self.minimumNanoseconds = max(minimumNanoseconds, 0)
        self.maximumNanoseconds = max(maximumNanoseconds, self.minimumNanoseconds)
        self.healthyNanoseconds = healthyNanoseconds
    }

    /// The connection stands.
    public mutating func connected(now: Int64) {
        if upSince == nil { upSince = now }
    }

    /// It ended, or did not come about: how long to wait.
    ///
    /// - Parameters:
    ///   - floorNanoseconds: at least so long, whatever the dice say: what the server asked for.
    ///   - random: anything in 0 ..< 1.
    /// - Returns: from the minimum to the bound of this try. (A wait of nothing at all would hammer the server.)
    public mutating func failed(now: Int64, floorNanoseconds: Int64 = 0, random: Double) -> Int64 {
        if let up = upSince, now - up >= healthyNanoseconds { attempts = 0 }
        upSince = nil
        let bound = boundNanoseconds
        attempts += 1
        let share = min(max(random, 0), 1)
        let wait = minimumNanoseconds + Int64(Double(bound - minimumNanoseconds) * share)
        return max(min(wait, bound), floorNanoseconds)
    }

    /// The longest the next wait can be.
    public var boundNanoseconds: Int64 {
        var bound = max(minimumNanoseconds, 1)
        for _ in 0..<min(attempts + 1, 62) {
            guard bound < maximumNanoseconds else { break }
            bound = bound > .max / 2 ? .max : bound * 2
        }
        return min(bound, maximumNanoseconds)
    }
}
