import HubConfig
import HubModel

/// One provider as the broker sees it.
protocol QueryPort: Sendable {
    var name: String { get }
    var isSimulated: Bool { get }
    var kinds: Set<QueryKind> { get }
    /// It is used for these only; empty = all it knows.
    var venues: [String] { get }
    /// Symbols that one query for quotes may have.
    var batch: Int { get }
    /// Days that one query for bars may span; 0 = not offered, `nil` = no limit known.
    func days(ofInterval interval: UInt32) -> UInt32?
    /// Why it is not to be asked now.
    var refusal: (reason: QueryFailure.Reason, detail: String, retryAfterMilliseconds: Int?)? { get }
    /// Asks it once; comes back at the latest when the time is over.
    func ask(_ query: Query, timeoutNanoseconds: Int64) async -> QueryReply
}

extension QueryPort {
    func days(ofInterval interval: UInt32) -> UInt32? { nil }
}

/// What one provider answered to one query.
struct QueryReply: Sendable {
    /// `nil` = it answered, perhaps with nothing.
    var failure: (reason: QueryFailure.Reason, detail: String, retryAfterMilliseconds: Int?)?
    /// By the place of the symbol in the query.
    var records: [Int: [UInt8]] = [:]
    var json = ""
    var next = ""
    /// Wall time at which it came.
    var fetchedNanoseconds: Int64 = 0
}

/// Asks providers in the order in which they may serve an instrument, until one answers.
struct QueryBroker: Sendable {
    typealias Outcome = Result<QueryAnswer, QueryFailure>

    let ports: [any QueryPort]
    private let pipelines: [PipelineConfiguration]
    private let settings: QuerySettings
    /// Names of simulated providers, whether they answer questions or not.
    private let simulators: Set<String>

    init(
        ports: [any QueryPort], pipelines: [PipelineConfiguration], settings: QuerySettings,
        simulators: Set<String> = []
    ) {
        self.simulators = simulators
        self.ports = ports
        self.pipelines = pipelines
        self.settings = settings
    }

    // MARK: Who is asked

    /// Providers that may answer, in order: those of the symbol's pipeline, then others that may be used for its venue;
    /// simulated ones last, and only where the pipeline lists them.
    func chain(_ kind: QueryKind, symbol: String?, venue: String?, only: String? = nil) -> [any QueryPort] {
        var real: [any QueryPort] = []
        var simulated: [any QueryPort] = []
        let symbol = symbol.flatMap { try? Symbol($0) }
        let venue = symbol?.venue ?? venue
        func mayServe(_ port: any QueryPort) -> Bool {
            guard let venue, !port.venues.isEmpty else { return true }
            return port.venues.contains(venue)
        }
        let pipeline = symbol.flatMap { symbol in
            pipelines.first { $0.takes(symbol) } ?? pipelines.first { $0.offers(symbol) }
        }
        for source in pipeline?.sources ?? [] {
            guard let port = ports.first(where: { $0.name == source.provider }), mayServe(port) else { continue }
            if port.isSimulated { simulated.append(port) } else { real.append(port) }
        }
        // What is made up here nobody else knows.
        let isMadeUp = pipeline.map {
            !$0.sources.isEmpty && $0.sources.allSatisfy { simulators.contains($0.provider) }
        }
        for port in ports
        where isMadeUp != true && !port.isSimulated && mayServe(port) && !real.contains(where: { $0.name == port.name })
        {
            real.append(port)
        }
        return (real + simulated).filter { $0.kinds.contains(kind) && (only == nil || $0.name == only) }
    }

    /// Whether anybody could be asked at all.
    func canAsk(_ kind: QueryKind, symbol: String?, venue: String? = nil) -> Bool {
        !chain(kind, symbol: symbol, venue: venue).isEmpty
    }

    // MARK: Asking

    /// Asks for one thing.
    func ask(_ query: Query) async -> Outcome {
        if query.kind == .quotes { return await quotes(query.symbols, only: query.provider)[0] }
        let symbol = query.symbols.first
        let chain = chain(
            query.kind, symbol: symbol, venue: query.text.isEmpty ? nil : query.text, only: query.provider)
        var attempts: [QueryFailure.Attempt] = []
        var retryAfter: Int?
        for port in chain {
            let reply = await reply(of: port, query)
            guard let failure = reply.failure else {
                return .success(
                    QueryAnswer(
                        provider: port.name, isSimulated: port.isSimulated, records: reply.records[0] ?? [],
                        json: reply.json, next: reply.next, fetchedNanoseconds: reply.fetchedNanoseconds))
            }
            attempts.append(.init(provider: port.name, reason: failure.reason, detail: failure.detail))
            retryAfter = QueryBroker.sooner(retryAfter, failure.retryAfterMilliseconds)
        }
        return .failure(.chain(attempts, retryAfter: retryAfter, what: what(query.kind, symbol)))
    }

    /// Asks for the newest prices of many instruments at once: those with the same providers share their calls.
    ///
    /// - Returns: an outcome for each symbol, in their order.
    func quotes(_ symbols: [String], only: String? = nil) async -> [Outcome] {
        var groups: [(chain: [any QueryPort], places: [Int])] = []
        var byNames: [[String]: Int] = [:]
        for (place, symbol) in symbols.enumerated() {
            let chain = chain(.quotes, symbol: symbol, venue: nil, only: only)
            let names = chain.map(\.name)
            if let group = byNames[names] {
                groups[group].places.append(place)
            } else {
                byNames[names] = groups.count
                groups.append((chain, [place]))
            }
        }
        let turns = Turns(settings.parallel)
        var outcomes: [Outcome?] = Array(repeating: nil, count: symbols.count)
        await withTaskGroup(of: [(Int, Outcome)].self) { tasks in
            for group in groups {
                tasks.addTask { await quotes(symbols, group.places, group.chain, turns) }
            }
            for await results in tasks {
                for (place, outcome) in results { outcomes[place] = outcome }
            }
        }
        return outcomes.enumerated().map { place, outcome in
            outcome ?? .failure(QueryFailure(.unsupported, what(.quotes, symbols[place])))
        }
    }

    private func quotes(
        _ symbols: [String], _ places: [Int], _ chain: [any QueryPort], _ turns: Turns
    ) async -> [(Int, Outcome)] {
        var results: [(Int, Outcome)] = []
        var open = places
        var attempts: [Int: [QueryFailure.Attempt]] = [:]
        var retryAfter: Int?
        for port in chain where !open.isEmpty {
            let size = max(1, port.batch)
            let chunks = stride(from: 0, to: open.count, by: size).map { Array(open[$0..<min($0 + size, open.count)]) }
            let replies = await withTaskGroup(of: (Int, QueryReply).self) { tasks in
                for (number, chunk) in chunks.enumerated() {
                    tasks.addTask {
                        await turns.take()
                        let reply = await reply(of: port, Query(.quotes, symbols: chunk.map { symbols[$0] }))
                        await turns.give()
                        return (number, reply)
                    }
                }
                var replies = Array(repeating: QueryReply(), count: chunks.count)
                for await (number, reply) in tasks { replies[number] = reply }
                return replies
            }
            var left: [Int] = []
            for (chunk, reply) in zip(chunks, replies) {
                if let failure = reply.failure {
                    retryAfter = QueryBroker.sooner(retryAfter, failure.retryAfterMilliseconds)
                }
                for (index, place) in chunk.enumerated() {
                    if reply.failure == nil, let records = reply.records[index], !records.isEmpty {
                        results.append(
                            (
                                place,
                                .success(
                                    QueryAnswer(
                                        provider: port.name, isSimulated: port.isSimulated, records: records,
                                        fetchedNanoseconds: reply.fetchedNanoseconds))
                            ))
                        continue
                    }
                    left.append(place)
                    let failure = reply.failure
                    attempts[place, default: []].append(
                        .init(
                            provider: port.name, reason: failure?.reason ?? .noData,
                            detail: failure?.detail ?? "it has no price of \(symbols[place])"))
                }
            }
            open = left
        }
        for place in open {
            results.append(
                (
                    place,
                    .failure(
                        .chain(attempts[place] ?? [], retryAfter: retryAfter, what: what(.quotes, symbols[place])))
                ))
        }
        return results
    }

    /// One provider's answer, with the tries it gets.
    private func reply(of port: any QueryPort, _ query: Query) async -> QueryReply {
        var reply = QueryReply()
        for _ in 0...settings.retries {
            if let refusal = port.refusal {
                reply.failure = reply.failure ?? refusal
                return reply
            }
            reply = await port.ask(query, timeoutNanoseconds: settings.timeoutNanoseconds)
            guard let failure = reply.failure, failure.reason.isWorthATry else { return reply }
        }
        return reply
    }

    private func what(_ kind: QueryKind, _ symbol: String?) -> String {
        let name = kind.name.split(separator: "_").joined(separator: " ")
        return symbol.map { "\(name) of \($0)" } ?? name
    }

    private static func sooner(_ one: Int?, _ other: Int?) -> Int? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }
}

/// So many may do something at once; the others wait in order.
actor Turns {
    private var left: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) {
        left = max(1, count)
    }

    func take() async {
        if left > 0 {
            left -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func give() {
        if waiting.isEmpty { left += 1 } else { waiting.removeFirst().resume() }
    }
}
