/// When events are due: event n at `base + n / rate`, on absolute deadlines, so nothing drifts.
struct EventSchedule {
    /// What is added to every time; it moves when a stretch of time is left out (market closed, far behind).
    var base: Int64
    private(set) var event: UInt64
    private var offset: Int64 = 0
    private var remainder: UInt64 = 0
    // The rate in events per 10^6 seconds; a period is whole + fraction / rate nanoseconds.
    private let rate: UInt64
    private let whole: Int64
    private let fraction: UInt64

    private static let scale: UInt64 = 1_000_000_000_000_000  // nanoseconds in 10^6 seconds

    /// `rate` in events a second, 0.001 to 10 million.
    init(base: Int64, event: UInt64, rate: Double) {
        self.base = base
        self.event = event
        self.rate = max(1, UInt64((rate * 1_000_000).rounded()))
        whole = Int64(Self.scale / self.rate)
        fraction = Self.scale % self.rate
        (offset, remainder) = place(event)
    }

    /// Time of the next event.
    @inline(__always)
    var time: Int64 { base &+ offset }

    /// Time the event before the next has under the present base.
    var timeBefore: Int64 { base &+ place(event &- 1).0 }

    /// Mean distance of two events in nanoseconds.
    var periodNanoseconds: Double { Double(Self.scale) / Double(rate) }

    @inline(__always)
    mutating func advance() {
        event &+= 1
        offset &+= whole
        remainder &+= fraction
        if remainder >= rate {
            remainder &-= rate
            offset &+= 1
        }
    }

    private func place(_ event: UInt64) -> (Int64, UInt64) {
        let product = event.multipliedFullWidth(by: Self.scale)
        let (quotient, remainder) = rate.dividingFullWidth(product)
        return (Int64(quotient), remainder)
    }
}
