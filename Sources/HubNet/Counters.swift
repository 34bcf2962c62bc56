import Synchronization

/// What happened between the hub and one provider, for the metrics. Any thread counts and reads.
public final class ProviderCounters: Sendable {
    /// Bounds of the latency's classes, in milliseconds; the last class has none.
    public static let latencyBoundsMilliseconds: [Int64] = [
        5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
    ]

    /// The numbers at one moment.
    public struct Reading: Equatable, Sendable {
        /// WebSockets that opened, that the server refused, that could not be reached, and that ended after opening.
        public var connects = 0
        public var refused = 0
        public var connectFailures = 0
        public var closes = 0
        /// Bytes of WebSockets on the wire without TLS, and of HTTP bodies.
        public var bytesIn = 0
        public var bytesOut = 0
        /// WebSocket messages.
        public var messagesIn = 0
        public var messagesOut = 0
        /// HTTP requests answered, by the first digit of the status: index 0 = 1xx.
        public var responses = [0, 0, 0, 0, 0]
        /// HTTP requests that got no answer, by why.
        public var failures: [NetworkFailure.Kind: Int] = [:]
        /// Requests by how long the answer took: a count for each of the bounds, and one above.
        public var latency: [Int] = []
        public var latencySumMilliseconds = 0
        public var retries = 0
        /// Requests that had to wait for a budget.
        public var rateWaits = 0
        public var breakerOpened = 0
        public var breakerState = CircuitBreaker.State.closed
    }

    let connects = Atomic(0)
    let refused = Atomic(0)
    let connectFailures = Atomic(0)
    let closes = Atomic(0)
    let bytesIn = Atomic(0)
    let bytesOut = Atomic(0)
    let messagesIn = Atomic(0)
    let messagesOut = Atomic(0)
    let retries = Atomic(0)
    let rateWaits = Atomic(0)
    /// What is counted once a request, not once a message.
    private let requests = Mutex(Reading())

    public init() {}

    public func read() -> Reading {
        var reading = requests.withLock { $0 }
        reading.connects = connects.load(ordering: .relaxed)
        reading.refused = refused.load(ordering: .relaxed)
        reading.connectFailures = connectFailures.load(ordering: .relaxed)
        reading.closes = closes.load(ordering: .relaxed)
        reading.bytesIn = bytesIn.load(ordering: .relaxed)
        reading.bytesOut = bytesOut.load(ordering: .relaxed)
        reading.messagesIn = messagesIn.load(ordering: .relaxed)
        reading.messagesOut = messagesOut.load(ordering: .relaxed)
        reading.retries = retries.load(ordering: .relaxed)
        reading.rateWaits = rateWaits.load(ordering: .relaxed)
        return reading
    }

    /// A request is made once more: counted by whoever decides so.
    public func retried() { Self.add(1, to: retries) }

    static func add(_ count: Int, to counter: borrowing Atomic<Int>) {
        counter.wrappingAdd(count, ordering: .relaxed)
    }

    func answered(status: Int, latencyNanoseconds: Int64) {
        let milliseconds = latencyNanoseconds / 1_000_000
        requests.withLock { reading in
            if (100..<600).contains(status) { reading.responses[status / 100 - 1] += 1 }
            if reading.latency.isEmpty {
                reading.latency = Array(repeating: 0, count: Self.latencyBoundsMilliseconds.count + 1)
            }
            let place = Self.latencyBoundsMilliseconds.firstIndex { milliseconds <= $0 }
            reading.latency[place ?? Self.latencyBoundsMilliseconds.count] += 1
            reading.latencySumMilliseconds += Int(milliseconds)
        }
    }

    func failed(_ kind: NetworkFailure.Kind) {
        requests.withLock { $0.failures[kind, default: 0] += 1 }
    }

    func breaker(_ state: CircuitBreaker.State) {
        requests.withLock { reading in
            if state == .open, reading.breakerState == .closed { reading.breakerOpened += 1 }
            reading.breakerState = state
        }
    }
}
