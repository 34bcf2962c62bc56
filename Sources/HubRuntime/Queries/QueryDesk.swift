public import HubConfig
import Synchronization

/// Where on-demand questions go: the cache in front of the providers.
///
/// Identical questions in flight become one call; an answer past its time is served while a new one is fetched.
public final class QueryDesk: Sendable {
    /// For `/v1/status` and `/metrics`.
    public struct Figures: Sendable, Hashable {
        public var entries = 0
        public var maximumEntries = 0
        public var bytes = 0
        public var hits: UInt64 = 0
        public var misses: UInt64 = 0
        public var coalesced: UInt64 = 0
        public var staleServed: UInt64 = 0
        public var expired: UInt64 = 0
        public var evicted: UInt64 = 0
        public init() {}
    }

    typealias Outcome = Result<QueryAnswer, QueryFailure>

    private struct State {
        var cache: QueryCache<Query, Outcome>
        /// What is being fetched, with those who wait for it.
        var flights: [Query: Flight] = [:]

        /// Looks a question up; with it the flight to wait for, or to settle.
        mutating func find(_ query: Query, now: Int64, fresh: Bool) -> (QueryCache<Query, Outcome>.Finding, Flight?) {
            let finding = cache.find(query, now: now, fresh: fresh)
            switch finding {
            case .fresh, .stale(_, refresh: false): return (finding, nil)
            case .fetch, .stale(_, refresh: true):
                let flight = Flight()
                flights[query] = flight
                return (finding, flight)
            case .join: return (finding, flights[query])
            }
        }
    }

    let broker: QueryBroker
    private let settings: CacheSettings
    private let clock: @Sendable () -> Int64
    private let state: Mutex<State>

    /// - Parameter clock: nanoseconds; never goes back.
    init(
        broker: QueryBroker, settings: CacheSettings, clock: @escaping @Sendable () -> Int64 = { MonotonicClock.now }
    ) {
        self.broker = broker
        self.settings = settings
        self.clock = clock
        state = Mutex(
            State(
                cache: QueryCache(
                    maximumEntries: settings.maximumEntries, maximumBytes: Int(clamping: settings.maximumBytes))))
    }

    public var figures: Figures {
        state.withLock { state in
            var figures = Figures()
            figures.entries = state.cache.count
            figures.maximumEntries = state.cache.maximumEntries
            figures.bytes = state.cache.bytes
            figures.hits = state.cache.counters.hits
            figures.misses = state.cache.counters.misses
            figures.coalesced = state.cache.counters.coalesced
            figures.staleServed = state.cache.counters.staleServed
            figures.expired = state.cache.counters.expired
            figures.evicted = state.cache.counters.evicted
            return figures
        }
    }

    /// Whether some provider could be asked for something, be it healthy or not.
    public func canAsk(_ kind: QueryKind, symbol: String? = nil, venue: String? = nil) -> Bool {
        broker.canAsk(kind, symbol: symbol, venue: venue)
    }

    /// The names of the providers that could be asked, in order.
    public func providers(_ kind: QueryKind, symbol: String? = nil, venue: String? = nil) -> [String] {
        broker.chain(kind, symbol: symbol, venue: venue).map(\.name)
    }

    /// Asks for one thing: bars, a profile, news.
    ///
    /// - Parameter fresh: an answer that is kept does not count.
    /// - Throws: `QueryFailure`.
    public func ask(_ query: Query, fresh: Bool = false) async throws(QueryFailure) -> ServedAnswer {
        let (finding, flight) = state.withLock { $0.find(query, now: clock(), fresh: fresh) }
        switch finding {
        case .fresh(let kept): return try ServedAnswer(answer: kept.get(), isStale: false)
        case .stale(let kept, let refresh):
            if refresh { fetch(query) }
            return try ServedAnswer(answer: kept.get(), isStale: true)
        case .fetch: fetch(query)
        case .join: break
        }
        guard let flight else { throw QueryFailure(.failed, "the question was lost") }
        return try ServedAnswer(answer: await flight.outcome().get(), isStale: false)
    }

    /// In a task of its own: who asked may give up, and others may have joined.
    private func fetch(_ query: Query) {
        Task.detached { [self] in settle(query, await broker.ask(query)) }
    }

    /// Asks past the cache, and keeps nothing.
    ///
    /// - Throws: `QueryFailure`.
    public func askPastCache(_ query: Query) async throws(QueryFailure) -> QueryAnswer {
        try await broker.ask(query).get()
    }

    /// The newest prices of instruments, an outcome for each in their order; what is not kept is asked for together.
    public func quotes(_ symbols: [String], fresh: Bool = false) async -> [Result<ServedAnswer, QueryFailure>] {
        let now = clock()
        var outcomes: [(outcome: Outcome, isStale: Bool)?] = Array(repeating: nil, count: symbols.count)
        var waiting: [(place: Int, flight: Flight)] = []
        var wanted: [String] = []
        state.withLock { state in
            for (place, symbol) in symbols.enumerated() {
                let (finding, flight) = state.find(Query(.quotes, symbols: [symbol]), now: now, fresh: fresh)
                switch finding {
                case .fresh(let kept): outcomes[place] = (kept, false)
                case .stale(let kept, let refresh):
                    outcomes[place] = (kept, true)
                    if refresh { wanted.append(symbol) }
                    continue
                case .fetch: wanted.append(symbol)
                case .join: break
                }
                if let flight { waiting.append((place, flight)) }
            }
        }
        if !wanted.isEmpty {
            Task.detached { [self, wanted] in
                let outcomes = await broker.quotes(wanted)
                for (symbol, outcome) in zip(wanted, outcomes) { settle(Query(.quotes, symbols: [symbol]), outcome) }
            }
        }
        for (place, flight) in waiting { outcomes[place] = (await flight.outcome(), false) }
        return outcomes.map { found in
            guard let found else { return .failure(QueryFailure(.failed, "the question was lost")) }
            return found.outcome.map { ServedAnswer(answer: $0, isStale: found.isStale) }
        }
    }

    /// Keeps an answer as long as it may be, and gives it to everybody who waits.
    private func settle(_ query: Query, _ outcome: Outcome) {
        let flight = state.withLock { state -> Flight? in
            switch outcome {
            case .success(let answer):
                state.cache.store(
                    query, outcome, bytes: answer.bytes,
                    timeToLive: settings.timeToLive(of: query.kind.cacheClass), stale: settings.staleNanoseconds,
                    now: clock())
            case .failure(let failure) where failure.isLasting:
                state.cache.store(
                    query, outcome, bytes: 256 + failure.detail.utf8.count,
                    timeToLive: settings.negativeNanoseconds, stale: 0, now: clock())
            case .failure: state.cache.fail(query)
            }
            return state.flights.removeValue(forKey: query)
        }
        flight?.settle(outcome)
    }
}

/// One call upstream with those who wait for its answer.
private final class Flight: Sendable {
    typealias Outcome = QueryDesk.Outcome

    private struct State {
        var outcome: Outcome?
        var waiting: [CheckedContinuation<Outcome, Never>] = []
    }

    private let state = Mutex(State())

    func outcome() async -> Outcome {
        await withCheckedContinuation { waiter in
            let settled = state.withLock { state -> Outcome? in
                if state.outcome == nil { state.waiting.append(waiter) }
                return state.outcome
            }
            if let settled { waiter.resume(returning: settled) }
        }
    }

    func settle(_ outcome: Outcome) {
        let waiting = state.withLock { state in
            state.outcome = outcome
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.resume(returning: outcome) }
    }
}

extension QueryDesk {
    /// History of one instrument, in parts that are no wider than the provider takes.
    ///
    /// - Parameters:
    ///   - interval: seconds.
    ///   - from: nanoseconds, inclusive.
    ///   - to: nanoseconds, exclusive.
    /// - Throws: `QueryFailure`.
    public func bars(
        of symbol: String, interval: UInt32, from: Int64, to: Int64, fresh: Bool = false
    ) async throws(QueryFailure) -> QueryAnswer {
        var attempts: [QueryFailure.Attempt] = []
        var retryAfter: Int?
        for port in chain(.bars, symbol) {
            do throws(QueryFailure) {
                return try await bars(
                    of: symbol, interval, from, to, days: port.days(ofInterval: interval), port.name, fresh)
            } catch {
                attempts += error.attempts
                retryAfter = error.retryAfterMilliseconds ?? retryAfter
            }
        }
        throw .chain(attempts, retryAfter: retryAfter, what: "bars of \(symbol)")
    }

    /// Parts of a range that a provider can be asked for one by one.
    static func parts(from: Int64, to: Int64, days: UInt32?) -> [(from: Int64, to: Int64)] {
        guard let days, days > 0 else { return [(from, to)] }
        let width = Int64(days) * 86_400_000_000_000
        var parts: [(from: Int64, to: Int64)] = []
        var start = from
        while start < to {
            // On whole multiples, so that ranges that overlap share their parts.
            let end = min(to, (start / width + 1) * width)
            parts.append((start, end))
            start = end
        }
        return parts
    }

    /// More parts than this are a backfill, not a question.
    private static let mostParts = 200

    private func bars(
        of symbol: String, _ interval: UInt32, _ from: Int64, _ to: Int64, days: UInt32?, _ provider: String,
        _ fresh: Bool
    ) async throws(QueryFailure) -> QueryAnswer {
        if days == 0 {
            let detail = "it offers no such bars"
            throw QueryFailure(
                .unsupported, detail, attempts: [.init(provider: provider, reason: .unsupported, detail: detail)])
        }
        let parts = Self.parts(from: from, to: to, days: days)
        guard parts.count <= Self.mostParts else {
            let detail = "the range takes \(parts.count) calls, at most \(Self.mostParts) are made; ask for less"
            throw QueryFailure(
                .unsupported, detail, attempts: [.init(provider: provider, reason: .unsupported, detail: detail)])
        }
        var whole: QueryAnswer?
        for part in parts {
            var query = Query(
                .bars, symbols: [symbol], interval: interval, from: part.from, to: part.to, provider: provider)
            var pages = 0
            while true {
                let answer = try await ask(query, fresh: fresh).answer
                if whole == nil { whole = answer } else { whole?.records += answer.records }
                pages += 1
                // A provider that never comes to an end is not followed for ever.
                guard !answer.next.isEmpty, answer.next != query.next, pages < Self.mostParts else { break }
                query.next = answer.next
            }
        }
        return whole ?? QueryAnswer(provider: provider, fetchedNanoseconds: 0)
    }

    private func chain(_ kind: QueryKind, _ symbol: String) -> [any QueryPort] {
        broker.chain(kind, symbol: symbol, venue: nil)
    }
}

extension QueryDesk {
    /// Days that one question for bars of an instrument may span, with whoever is asked first; `nil` = no limit known.
    func days(ofInterval interval: UInt32, symbol: String, provider: String?) -> UInt32? {
        let ports = broker.chain(.bars, symbol: symbol, venue: nil, only: provider)
        return ports.compactMap { $0.days(ofInterval: interval) }.filter { $0 > 0 }.min()
    }
}
