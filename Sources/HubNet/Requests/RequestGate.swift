import NIOCore
import Synchronization

/// The way of one provider's requests to its vendor: each waits for its rate class, none goes while the circuit breaker
/// is open, and what the vendor says of its limits holds. Any thread may use it.
public final class RequestGate: Sendable {
    public struct Settings: Sendable {
        /// Rate class → its limits, all of which hold. A class without any is not limited here.
        public var rates: [String: [RateLimit]]
        public var breakerFailures: Int
        public var breakerOpenNanoseconds: Int64
        /// How many requests of one class may wait.
        public var queueCapacity: Int
        /// How long a class stops after a 429 that does not say so.
        public var limitedNanoseconds: Int64

        public init(
            rates: [String: [RateLimit]] = [:], breakerFailures: Int = 5,
            breakerOpenNanoseconds: Int64 = 30_000_000_000, queueCapacity: Int = 1_000,
            limitedNanoseconds: Int64 = 1_000_000_000
        ) {
            self.rates = rates
            self.breakerFailures = breakerFailures
            self.breakerOpenNanoseconds = breakerOpenNanoseconds
            self.queueCapacity = queueCapacity
            self.limitedNanoseconds = limitedNanoseconds
        }
    }

    /// One limit of one class, for the status. Times are monotonic.
    public struct Quota: Hashable, Sendable {
        public let rateClass: String
        public let usage: RateBudget.Usage
    }

    private struct State {
        var queues: [String: RateQueue<GatedCall>]
        var breaker: CircuitBreaker
        var nextID: UInt64 = 1
        /// When the timer fires, if one is set.
        var wake: Int64?
        var isStopped = false
    }

    private let network: NetworkLoop
    private let settings: Settings
    private let counters: ProviderCounters?
    private let clock: @Sendable () -> Int64
    private let state: Mutex<State>

    public convenience init(_ network: NetworkLoop, settings: Settings, counters: ProviderCounters? = nil) {
        self.init(network, settings: settings, counters: counters, clock: monotonicNanoseconds)
    }

    init(
        _ network: NetworkLoop, settings: Settings, counters: ProviderCounters?, clock: @escaping @Sendable () -> Int64
    ) {
        self.network = network
        self.settings = settings
        self.counters = counters
        self.clock = clock
        let queues = settings.rates.mapValues { limits in
            RateQueue<GatedCall>(RateBudget(limits), capacity: settings.queueCapacity)
        }
        state = Mutex(
            State(
                queues: queues,
                breaker: CircuitBreaker(
                    failures: settings.breakerFailures, openNanoseconds: settings.breakerOpenNanoseconds)))
    }

    /// Makes a request when its time comes. `timeoutMilliseconds` counts from now, waiting included.
    ///
    /// - Parameters:
    ///   - cost: what it takes of the class's limits.
    ///   - completion: called once, on the network's thread (after it stopped: at once). Failures of the kinds
    ///     `rateLimited`, `breaker` and `overload` were never sent.
    @discardableResult
    public func send(
        _ request: HTTPRequest, rateClass: String = "default", cost: Int = 1,
        completion: @escaping @Sendable (HTTPResult) -> Void
    ) -> any HTTPCall {
        let now = clock()
        let deadline = now + Int64(max(0, min(request.timeoutMilliseconds, Int(Int32.max)))) * 1_000_000
        let (call, failure) = state.withLock { state -> (GatedCall, NetworkFailure?) in
            let call = GatedCall(
                id: state.nextID, gate: self, request: request, rateClass: rateClass, deadline: deadline,
                completion: completion)
            state.nextID += 1
            if state.isStopped { return (call, NetworkFailure(.cancelled, "the provider is stopping")) }
            if let until = state.breaker.refusal(now: now) { return (call, Self.open(until)) }
            let admission = state.queues[
                rateClass, default: RateQueue(RateBudget([]), capacity: settings.queueCapacity)
            ].admit(call, id: call.id, cost: cost, deadline: deadline, now: now)
            switch admission {
            case .go:
                call.isGoing = true
                return (call, nil)
            case .wait: return (call, nil)
            case .full:
                return (
                    call, NetworkFailure(.overload, "\(settings.queueCapacity) requests of '\(rateClass)' wait already")
                )
            case .late(let time):
                return (
                    call,
                    NetworkFailure(
                        .rateLimited, "the budget of '\(rateClass)' is spent until after the deadline",
                        retryAtNanoseconds: time)
                )
            }
        }
        if let failure {
            counters?.failed(failure.kind)
            deliver(call, .failure(failure))
        } else if call.isGoing {
            start(call)
        } else {
            if let counters { ProviderCounters.add(1, to: counters.rateWaits) }
            setTimer()
        }
        return call
    }

    /// The vendor limits a class until then (monotonic nanoseconds), said in a way that only its plugin understands.
    public func limited(_ rateClass: String = "default", until time: Int64) {
        state.withLock { $0.queues[rateClass]?.budget.limited(until: time) }
    }

    /// The vendor's own count of what was used, where it is higher.
    public func observed(_ rateClass: String = "default", used: Int, windowNanoseconds: Int64) {
        let now = clock()
        state.withLock {
            $0.queues[rateClass]?.budget.observed(used: used, windowNanoseconds: windowNanoseconds, now: now)
        }
    }

    /// Each limit of each class, by name.
    public func quotas() -> [Quota] {
        let now = clock()
        return state.withLock { state in
            state.queues.keys.sorted().flatMap { name in
                state.queues[name]!.budget.usage(now: now).map { Quota(rateClass: name, usage: $0) }
            }
        }
    }

    public var breakerState: CircuitBreaker.State { state.withLock { $0.breaker.state } }

    /// Nothing goes any more: what waits is cancelled. What is on its way goes on.
    public func stop() {
        let waiting = state.withLock { state in
            state.isStopped = true
            return state.queues.keys.sorted().flatMap { state.queues[$0]!.removeAll() }
        }
        for call in waiting { deliver(call, .failure(NetworkFailure(.cancelled, "the provider is stopping"))) }
    }

    // MARK: - within

    private static func open(_ until: Int64) -> NetworkFailure {
        NetworkFailure(
            .breaker, "the last requests all failed: none are made for a while",
            retryAtNanoseconds: until == .max ? nil : until)
    }

    /// Its turn came.
    private func start(_ call: GatedCall) {
        let now = clock()
        let decision = state.withLock { state in
            let decision = state.breaker.ask(now: now)
            counters?.breaker(state.breaker.state)
            return decision
        }
        if case .refuse(let until) = decision {
            counters?.failed(.breaker)
            deliver(call, .failure(Self.open(until)))
            return
        }
        let wasProbe = decision == .probe
        var request = call.request
        request.timeoutMilliseconds = Int(max((call.deadline - now) / 1_000_000, 1))
        let inner = network.send(request, counters: counters) { [self] result in
            heard(result, of: call, wasProbe: wasProbe)
            call.finish(result)
        }
        call.attach(inner)
    }

    private func heard(_ result: HTTPResult, of call: GatedCall, wasProbe: Bool) {
        let now = clock()
        state.withLock { state in
            switch result {
            case .success(let response):
                if response.status >= 500 {
                    state.breaker.failed(wasProbe: wasProbe, now: now)
                } else {
                    state.breaker.succeeded(wasProbe: wasProbe)
                }
                if response.status == 429 || response.status == 503 {
                    let wait = response.headers.value(of: "retry-after").flatMap { RetryAfter($0) }?
                        .waitNanoseconds(wallNanoseconds: wallNanoseconds())
                    if let wait = wait ?? (response.status == 429 ? settings.limitedNanoseconds : nil) {
                        state.queues[call.rateClass]?.budget.limited(until: now + wait)
                    }
                }
            case .failure(let failure):
                switch failure.kind {
                case .dns, .connect, .proxy, .tls, .timeout, .protocol:
                    state.breaker.failed(wasProbe: wasProbe, now: now)
                case .tooLarge: state.breaker.succeeded(wasProbe: wasProbe)
                case .request, .cancelled, .overload, .rateLimited, .breaker:
                    state.breaker.abandoned(wasProbe: wasProbe, now: now)
                }
            }
            counters?.breaker(state.breaker.state)
        }
    }

    fileprivate func cancelWaiting(_ call: GatedCall) {
        let removed = state.withLock { $0.queues[call.rateClass]?.remove(id: call.id) }
        guard removed != nil else { return }
        deliver(call, .failure(NetworkFailure(.cancelled, "no longer wanted")))
    }

    private func deliver(_ call: GatedCall, _ result: HTTPResult) {
        guard let loop = try? network.eventLoop() else {
            call.finish(result)
            return
        }
        loop.execute { call.finish(result) }
    }

    /// One timer for all classes: the next time at which something may go or expires.
    private func setTimer() {
        guard let loop = try? network.eventLoop() else {
            stop()
            return
        }
        let now = clock()
        let wait = state.withLock { state -> Int64? in
            let next = state.queues.keys.compactMap { state.queues[$0]!.wake(now: now) }.min()
            guard let next, next < state.wake ?? .max else { return nil }
            state.wake = next
            return max(next - now, 0)
        }
        guard let wait else { return }
        loop.scheduleTask(in: .nanoseconds(wait)) { [weak self] in self?.pump() }
    }

    private func pump() {
        let now = clock()
        let (go, expired) = state.withLock { state -> ([GatedCall], [GatedCall]) in
            state.wake = nil
            var (go, expired): ([GatedCall], [GatedCall]) = ([], [])
            for name in state.queues.keys.sorted() {
                let due = state.queues[name]!.due(now: now)
                go += due.go
                expired += due.expired
            }
            return (go, expired)
        }
        for call in expired {
            counters?.failed(.rateLimited)
            call.finish(
                .failure(
                    NetworkFailure(.rateLimited, "its turn in '\(call.rateClass)' did not come before its deadline")))
        }
        for call in go { start(call) }
        setTimer()
    }
}

/// One request at the gate.
private final class GatedCall: HTTPCall {
    let id: UInt64
    let request: HTTPRequest
    let rateClass: String
    let deadline: Int64
    private let gate: RequestGate
    private let completion: @Sendable (HTTPResult) -> Void
    private let progress = Mutex(Progress())

    private struct Progress {
        var inner: (any HTTPCall)?
        var isGoing = false
        var isCancelled = false
        var isFinished = false
    }

    init(
        id: UInt64, gate: RequestGate, request: HTTPRequest, rateClass: String, deadline: Int64,
        completion: @escaping @Sendable (HTTPResult) -> Void
    ) {
        self.id = id
        self.gate = gate
        self.request = request
        self.rateClass = rateClass
        self.deadline = deadline
        self.completion = completion
    }

    /// Whether it went without waiting.
    var isGoing: Bool {
        get { progress.withLock { $0.isGoing } }
        set { progress.withLock { $0.isGoing = newValue } }
    }

    func attach(_ inner: any HTTPCall) {
        let isCancelled = progress.withLock { progress in
            progress.inner = inner
            return progress.isCancelled
        }
        if isCancelled { inner.cancel() }
    }

    func finish(_ result: HTTPResult) {
        let isFirst = progress.withLock { progress in
            defer {
                progress.isFinished = true
                progress.inner = nil
            }
            return !progress.isFinished
        }
        if isFirst { completion(result) }
    }

    func cancel() {
        let inner = progress.withLock { progress in
            progress.isCancelled = true
            return progress.inner
        }
        if let inner { inner.cancel() } else { gate.cancelWaiting(self) }
    }
}
