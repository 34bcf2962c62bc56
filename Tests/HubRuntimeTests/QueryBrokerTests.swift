import HubConfig
import HubModel
import PluginABI
import Synchronization
import Testing

@testable import HubRuntime

/// A provider of the tests: it counts what it is asked, and answers as it is told.
private final class FakePort: QueryPort {
    let name: String
    let isSimulated: Bool
    let kinds: Set<QueryKind>
    let venues: [String]
    let batch: Int
    let refusing: QueryFailure.Reason?
    private let answer: @Sendable (Query, Int) -> QueryFailure.Reason?
    private let asked = Mutex<[Query]>([])
    private let gate: Gate?

    init(
        _ name: String, simulated: Bool = false, kinds: Set<QueryKind> = Set(QueryKind.allCases),
        venues: [String] = [], batch: Int = 1, refusing: QueryFailure.Reason? = nil, gate: Gate? = nil,
        answer: @escaping @Sendable (Query, Int) -> QueryFailure.Reason? = { _, _ in nil }
    ) {
        self.name = name
        isSimulated = simulated
        self.kinds = kinds
        self.venues = venues
        self.batch = batch
        self.refusing = refusing
        self.gate = gate
        self.answer = answer
    }

    var queries: [Query] { asked.withLock { $0 } }

    var refusal: (reason: QueryFailure.Reason, detail: String, retryAfterMilliseconds: Int?)? {
        refusing.map { ($0, "refused", 500) }
    }

    func ask(_ query: Query, timeoutNanoseconds: Int64) async -> QueryReply {
        let number = asked.withLock { asked in
            asked.append(query)
            return asked.count
        }
        await gate?.pass()
        var reply = QueryReply()
        if let reason = answer(query, number) {
            reply.failure = (reason, "\(reason)", nil)
            return reply
        }
        for (place, symbol) in query.symbols.enumerated() where !symbol.hasSuffix("NONE") {
            reply.records[place] = Array(symbol.utf8)
        }
        reply.json = "\(name) \(number)"
        return reply
    }
}

/// Holds those who come until it is opened.
private actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func pass() async {
        if isOpen { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    func open() {
        isOpen = true
        for one in waiting { one.resume() }
        waiting = []
    }
}

/// Who is asked in which order, and what becomes of it.
@Suite struct QueryBrokerTests {
    private func broker(_ ports: [FakePort], retries: Int = 1, onDemand: [String] = ["NSE:*"]) throws -> QueryBroker {
        var settings = QuerySettings()
        settings.retries = retries
        return QueryBroker(ports: ports, pipelines: try pipelines(ports, onDemand), settings: settings)
    }

    private func pipelines(_ ports: [FakePort], _ onDemand: [String]) throws -> [PipelineConfiguration] {
        let registry = NoPlugins()
        var yaml = "providers:\n"
        for port in ports { yaml += "  \(port.name): { plugin: \(port.isSimulated ? "sim" : "real") }\n" }
        let listed = ports.map(\.name).filter { !$0.hasPrefix("other") }
        yaml += "pipelines:\n  one:\n    from: [\(listed.joined(separator: ", "))]\n    on_demand: ["
        yaml += onDemand.map { "\"\($0)\"" }.joined(separator: ", ") + "]\n"
        let loaded = ConfigurationLoader(environment: [:], plugins: registry).load(Array(yaml.utf8), path: "hub.yaml")
        let text = loaded.diagnostics.map { "\($0)" }.joined(separator: "\n")
        return try #require(loaded.configuration, "\(text)").pipelines
    }

    private struct NoPlugins: PluginCatalogue {
        var ids: [String] { ["real", "sim"] }
        func descriptor(_ id: String) -> PluginDescription? {
            PluginDescription(id: id, kind: .provider, traits: id == "sim" ? [.simulated] : [])
        }
    }

    private func profile(_ symbol: String) -> Query { Query(.profile, symbols: [symbol]) }

    private func failure(_ outcome: QueryBroker.Outcome) -> QueryFailure? {
        guard case .failure(let failure) = outcome else { return nil }
        return failure
    }

    @Test func theFirstOfTheListThatAnswersServes() async throws {
        let first = FakePort("first", answer: { _, _ in .notFound })
        let second = FakePort("second")
        let answer = try await broker([first, second]).ask(profile("NSE:TCS")).get()
        #expect(answer.provider == "second" && answer.json == "second 1")
        #expect(first.queries.count == 1)
    }

    @Test func aFailureIsTriedOnceMoreAndThenTheNextIsAsked() async throws {
        let flaky = FakePort("flaky", answer: { _, number in number == 1 ? .failed : nil })
        let next = FakePort("next")
        #expect(try await broker([flaky, next]).ask(profile("NSE:TCS")).get().provider == "flaky")
        #expect(flaky.queries.count == 2 && next.queries.isEmpty)
        let dead = FakePort("dead", answer: { _, _ in .timeout })
        #expect(try await broker([dead, next]).ask(profile("NSE:TCS")).get().provider == "next")
        #expect(dead.queries.count == 2)
    }

    @Test func providersThatWaitForALoginOrHaveSpentTheirBudgetArePassedOver() async throws {
        let locked = FakePort("locked", refusing: .authNeeded)
        let spent = FakePort("spent", refusing: .limited)
        let good = FakePort("good")
        #expect(try await broker([locked, spent, good]).ask(profile("NSE:TCS")).get().provider == "good")
        #expect(locked.queries.isEmpty && spent.queries.isEmpty)
        let failed = failure(try await broker([locked, spent]).ask(profile("NSE:TCS")))
        #expect(failed?.reason == .limited && failed?.retryAfterMilliseconds == 500)
        #expect(failed?.attempts.map(\.provider) == ["locked", "spent"])
        #expect(failed?.attempts.map(\.reason) == [.authNeeded, .limited])
    }

    @Test func aSimulatorIsLastAndOnlyAskedWhereThePipelineListsIt() async throws {
        let simulator = FakePort("asim", simulated: true)
        let real = FakePort("real", answer: { _, _ in .notFound })
        let broker = try broker([simulator, real])
        #expect(broker.chain(.profile, symbol: "NSE:TCS", venue: nil).map(\.name) == ["real", "asim"])
        let answer = try await broker.ask(profile("NSE:TCS")).get()
        #expect(answer.provider == "asim" && answer.isSimulated)
        // No pipeline has it: real providers may know it, a simulator would make it up.
        #expect(broker.chain(.profile, symbol: "BSE:TCS", venue: nil).map(\.name) == ["real"])
    }

    @Test func othersAreAskedForTheVenuesTheyAreUsedFor() throws {
        let listed = FakePort("listed", kinds: [.quotes])
        let other = FakePort("other", venues: ["NSE"])
        let foreign = FakePort("other2", venues: ["NYSE"])
        let broker = try broker([other, foreign, listed])
        #expect(broker.chain(.quotes, symbol: "NSE:TCS", venue: nil).map(\.name) == ["listed", "other"])
        #expect(broker.chain(.profile, symbol: "NSE:TCS", venue: nil).map(\.name) == ["other"])
        #expect(broker.chain(.search, symbol: nil, venue: nil).map(\.name) == ["other", "other2"])
        #expect(broker.chain(.calendar, symbol: nil, venue: "NYSE").map(\.name) == ["other2", "listed"].dropLast())
    }

    @Test(arguments: [
        ([QueryFailure.Reason.notFound, .unsupported], QueryFailure.Reason.notFound),
        ([.unsupported, .unsupported], .unsupported), ([.plan, .unsupported], .plan),
        ([.notFound, .failed], .failed), ([.notFound, .timeout], .timeout), ([.notFound, .limited], .limited),
    ])
    func whatAChainAnswersIsTheTruth(reasons: [QueryFailure.Reason], expected: QueryFailure.Reason) async throws {
        let ports = reasons.enumerated().map { index, reason in FakePort("p\(index)", answer: { _, _ in reason }) }
        let failed = failure(try await broker(ports).ask(profile("NSE:TCS")))
        #expect(failed?.reason == expected)
        #expect(failed?.attempts.map(\.reason) == reasons)
    }

    @Test func nobodyToAskIsUnsupported() async throws {
        let failed = failure(try await broker([FakePort("a", kinds: [.bars])]).ask(profile("NSE:TCS")))
        #expect(failed?.reason == .unsupported && failed?.attempts.isEmpty == true)
    }

    @Test func quotesOfManyShareCallsAndWhatOneLacksTheNextIsAskedFor() async throws {
        let wide = FakePort("wide", batch: 3, answer: { _, _ in nil })
        let narrow = FakePort("znarrow", batch: 1)
        let symbols = (0..<7).map { "NSE:S\($0)" } + ["NSE:NONE"]
        let outcomes = try await broker([wide, narrow]).quotes(symbols)
        #expect(wide.queries.map(\.symbols.count).sorted() == [2, 3, 3])
        #expect(narrow.queries.map(\.symbols) == [["NSE:NONE"]])
        for (symbol, outcome) in zip(symbols.dropLast(), outcomes) {
            #expect(try outcome.get().records == Array(symbol.utf8))
        }
        #expect(failure(outcomes[7])?.reason == .noData)
    }

    // MARK: With the cache in front

    @Test func aThousandConcurrentIdenticalQuestionsAreOneCall() async throws {
        let gate = Gate()
        let port = FakePort("one", gate: gate)
        let desk = QueryDesk(broker: try broker([port]), settings: CacheSettings())
        let outcomes = await withTaskGroup(of: Result<ServedAnswer, QueryFailure>.self) { tasks in
            for _ in 0..<1000 { tasks.addTask { await desk.quotes(["NSE:TCS"])[0] } }
            // All of them wait by now, or come while the one call is under way.
            while desk.figures.coalesced < 999 { await Task.yield() }
            await gate.open()
            var outcomes: [Result<ServedAnswer, QueryFailure>] = []
            for await outcome in tasks { outcomes.append(outcome) }
            return outcomes
        }
        #expect(port.queries.count == 1)
        #expect(outcomes.count == 1000 && outcomes.allSatisfy { (try? $0.get().answer.provider) == "one" })
        #expect(desk.figures.misses == 1 && desk.figures.coalesced == 999 && desk.figures.entries == 1)
    }

    @Test func aStaleAnswerIsServedAtOnceWhileANewOneIsFetched() async throws {
        let clock = Atomic<Int64>(0)
        let port = FakePort("one")
        let desk = QueryDesk(
            broker: try broker([port]), settings: CacheSettings(), clock: { clock.load(ordering: .relaxed) })
        #expect(try await desk.ask(profile("NSE:TCS")).answer.json == "one 1")
        #expect(try await desk.ask(profile("NSE:TCS")).answer.json == "one 1")
        clock.store(24 * 3_600_000_000_000 + 1, ordering: .relaxed)
        let served = try await desk.ask(profile("NSE:TCS"))
        #expect(served.isStale && served.answer.json == "one 1")
        var newer = served
        while newer.isStale { newer = try await desk.ask(profile("NSE:TCS")) }
        #expect(newer.answer.json == "one 2" && port.queries.count == 2)
    }

    @Test func freshAsksTheProviderAgain() async throws {
        let port = FakePort("one")
        let desk = QueryDesk(broker: try broker([port]), settings: CacheSettings())
        _ = try await desk.ask(profile("NSE:TCS"))
        #expect(try await desk.ask(profile("NSE:TCS"), fresh: true).answer.json == "one 2")
        #expect(try await desk.ask(profile("NSE:TCS")).answer.json == "one 2")
    }

    @Test func whatDoesNotExistIsRememberedForAWhileAndFailuresAreNot() async throws {
        let clock = Atomic<Int64>(0)
        let missing = FakePort("one", answer: { _, _ in .notFound })
        let desk = QueryDesk(
            broker: try broker([missing]), settings: CacheSettings(), clock: { clock.load(ordering: .relaxed) })
        for _ in 0..<3 {
            await #expect(throws: QueryFailure.self) { try await desk.ask(profile("NSE:TCS")) }
        }
        #expect(missing.queries.count == 1)
        clock.store(30_000_000_001, ordering: .relaxed)
        _ = try? await desk.ask(profile("NSE:TCS"))
        #expect(missing.queries.count == 2)
        let broken = FakePort("one", answer: { _, _ in .failed })
        let other = QueryDesk(broker: try broker([broken], retries: 0), settings: CacheSettings())
        for _ in 0..<3 { _ = try? await other.ask(profile("NSE:TCS")) }
        #expect(broken.queries.count == 3)
    }
}
