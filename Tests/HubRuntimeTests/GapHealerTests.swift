import EventFormat
import HubModel
import Logging
import PluginABI
import Synchronization
import Testing

@testable import HubConfig
@testable import HubRuntime

/// A vendor with a bar for each minute it is asked for, if it does not fail.
private final class HistoryPort: QueryPort {
    let name = "acme"
    let isSimulated = false
    let kinds: Set<QueryKind> = [.bars]
    let venues: [String] = []
    let batch = 1
    let refusal: (reason: QueryFailure.Reason, detail: String, retryAfterMilliseconds: Int?)? = nil
    private let asked = Mutex<[Query]>([])
    private let failure: @Sendable (Query, Int) -> QueryFailure.Reason?

    init(failure: @escaping @Sendable (Query, Int) -> QueryFailure.Reason? = { _, _ in nil }) {
        self.failure = failure
    }

    var queries: [Query] { asked.withLock { $0 } }

    func days(ofInterval interval: UInt32) -> UInt32? { 1 }

    func ask(_ query: Query, timeoutNanoseconds: Int64) async -> QueryReply {
        let number = asked.withLock { asked in
            asked.append(query)
            return asked.count
        }
        var reply = QueryReply()
        if let reason = failure(query, number) {
            reply.failure = (reason, "\(reason)", nil)
            return reply
        }
        var maker = BatchMaker(query.symbols)
        for time in stride(from: query.from, to: query.to, by: Int(query.interval) * 1_000_000_000) {
            maker.bar(0, time, .m1, (1, 2, 1, 2), volume: 5)
        }
        reply.records[0] = maker.batch.records
        return reply
    }
}

/// A healer whose outcomes are awaited.
private final class Healing: Sendable {
    struct Outcome: Equatable {
        var symbols: [String]
        var repair: Int
        var isOwn: Bool
    }

    let port: HistoryPort
    let healer: GapHealer
    private let told: AsyncStream<Outcome>

    init(_ port: HistoryPort, symbols: [String] = ["X:A"]) throws {
        self.port = port
        let (told, teller) = AsyncStream.makeStream(of: Outcome.self)
        self.told = told
        var pipeline = PipelineConfiguration(
            name: "p", sources: [.init(provider: "acme", kinds: .max)], stoppedBecause: nil,
            instruments: try symbols.map { try Symbol($0) }, globs: [], exclude: [], kinds: .max, bars: [.m1],
            price: nil, indicators: [], sinks: [], failoverAfterNanoseconds: 0, failoverBackAfterNanoseconds: 0)
        pipeline.backfill.providers = ["acme"]
        var query = QuerySettings()
        query.retries = 0
        let desk = QueryDesk(
            broker: QueryBroker(ports: [port], pipelines: [pipeline], settings: query), settings: CacheSettings())
        var limits = GapHealer.Limits()
        limits.graceNanoseconds = 0
        limits.pauseNanoseconds = 1_000_000
        limits.tries = 4
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        healer = GapHealer(
            GapHealer.Surroundings(
                fetch: HistoryFetch(
                    desk: desk, now: { WallClock.now },
                    take: { batch in BackfillResult(accepted: batch.records.count / 128, dropped: 0, last: 0) },
                    calendar: { _ in .always }),
                plan: HealingPlan(pipelines: [pipeline]), sources: ["acme"],
                tell: { _, symbols, repair, isOwn in
                    teller.yield(Outcome(symbols: symbols, repair: Int(repair), isOwn: isOwn))
                }, logger: logger, limits: limits))
    }

    func heal(_ symbols: [String] = ["X:A"], from: Int64 = 600, to: Int64 = 700) {
        healer.heal(
            ClosedGap(
                number: 7, source: 0, reason: UInt8(HUB_GAP_SOURCE_DOWN), kinds: 1 << UInt32(HUB_TRADE),
                symbols: symbols, fromNanoseconds: from * 1_000_000_000, toNanoseconds: to * 1_000_000_000,
                closedNanoseconds: WallClock.now))
    }

    /// The next outcomes, as many as are wanted.
    func outcomes(_ count: Int) async -> [Outcome] {
        var found: [Outcome] = []
        for await outcome in told {
            found.append(outcome)
            if found.count == count { break }
        }
        return found
    }
}

@Suite("Healing of gaps")
struct GapHealerTests {
    @Test("whole bars are asked for: from the first that was touched to the end of the last")
    func wholeBars() async throws {
        let healing = try Healing(HistoryPort())
        healing.heal(from: 601, to: 719)
        #expect(await healing.outcomes(1) == [.init(symbols: ["X:A"], repair: HUB_REPAIR_PARTIAL, isOwn: false)])
        let query = try #require(healing.port.queries.first)
        #expect(query.from == 600_000_000_000 && query.to == 720_000_000_000 && query.interval == 60)
        #expect(healing.port.queries.count == 1)
        #expect(healing.healer.figures.healed == 1 && healing.healer.figures.bars == 2)
    }

    @Test("a range that is wider than the vendor takes is asked for in parts")
    func parts() async throws {
        let healing = try Healing(HistoryPort())
        healing.heal(from: 0, to: 3 * 86_400 - 60)
        _ = await healing.outcomes(1)
        #expect(healing.port.queries.count == 3)
        #expect(healing.healer.figures.bars == 3 * 1440)
    }

    @Test("a vendor that fails is asked again")
    func again() async throws {
        let healing = try Healing(HistoryPort { _, number in number < 3 ? .failed : nil })
        healing.heal()
        #expect(await healing.outcomes(1).map(\.repair) == [HUB_REPAIR_PARTIAL])
        #expect(healing.port.queries.count == 3 && healing.healer.figures.failures == 2)
    }

    @Test(
        "one that goes on failing is left after so many rounds, each of a few calls whatever the number of instruments")
    func left() async throws {
        let names = (0..<500).map { "X:N\($0)" }
        let healing = try Healing(HistoryPort { _, _ in .timeout }, symbols: names)
        healing.heal(names)
        #expect(await healing.outcomes(1) == [.init(symbols: names, repair: HUB_REPAIR_IMPOSSIBLE, isOwn: false)])
        #expect(healing.port.queries.count == 4 * 3)
        #expect(healing.healer.figures.left == 1 && healing.healer.figures.waiting == 0)
    }

    @Test("what one instrument lacks does not keep the others from being healed, and is told by itself")
    func mixed() async throws {
        let names = ["X:A", "X:B", "X:C"]
        let healing = try Healing(
            HistoryPort { query, _ in query.symbols == ["X:B"] ? .notFound : nil }, symbols: names)
        healing.heal(names)
        #expect(
            await healing.outcomes(2) == [
                .init(symbols: ["X:A", "X:C"], repair: HUB_REPAIR_PARTIAL, isOwn: false),
                .init(symbols: ["X:B"], repair: HUB_REPAIR_IMPOSSIBLE, isOwn: true),
            ])
    }
}

@Suite("What the supervisor says of holes that can be healed")
struct GapWatchTests {
    /// Two sources of one pipeline, the first one serving.
    private final class Watched {
        let sources: [Source]
        private(set) var supervisor: Supervisor
        private(set) var repairs: [Int] = []
        private(set) var closed: [ClosedGap] = []
        private var last: UInt64 = 0
        private var active = 0

        init() {
            let sources = ["first", "second"].map { name in
                Source(name: name) { _ in StreamDefinition(id: 0, symbol: "SIM:A", source: name) }
            }
            self.sources = sources
            supervisor = Supervisor(
                plans: [], sources: [], pipelines: [], active: [], states: [], lastClock: 0, now: 0,
                skipped: { _ in 0 }, stream: { _, _ in nil }, say: { _ in nil })
            supervisor = Supervisor(
                plans: sources.map {
                    .init(
                        name: $0.name, isRecorded: false, resumes: false, staleAfterNanoseconds: 0,
                        symbols: ["SIM:A"], kinds: 1 << UInt32(HUB_TRADE), calendars: [.always])
                }, sources: sources,
                pipelines: [.init(name: "p", sources: [0, 1], afterNanoseconds: 100, backAfterNanoseconds: 100)],
                active: [0], states: [.ok, .ok], lastClock: 0, now: 0, skipped: { _ in 0 }, stream: { _, _ in 2 },
                say: { [unowned self] record in
                    last += 1
                    if record[1] == UInt8(HUB_GAP) {
                        repairs.append(record.withUnsafeBytes { Int($0.loadUnaligned(as: hub_gap.self).repair) })
                    }
                    return last
                })
            supervisor.watch = GapWatch(
                isHealable: { _ in true },
                served: { [unowned self] source, symbols in
                    supervisor.activeSource(ofPipeline: 0) == source ? symbols : []
                },
                onClosed: { [unowned self] in closed.append($0) })
        }

        func event(_ source: Int, _ time: Int64) {
            var record = hub_record()
            record.ts_event = time
            record.ts_recv = time
            withUnsafePointer(to: &record) { sources[source].count(taken: 1, first: time, last: $0, sequence: 1) }
        }
    }

    @Test("what the next source takes over is missing until then, and can be had at once")
    func failover() throws {
        let watched = Watched()
        watched.event(0, 1000)
        watched.supervisor.tick(now: 1000)
        watched.supervisor.report(source: 0, state: .reconnecting, reason: "cut", now: 1050)
        watched.supervisor.tick(now: 1060)
        #expect(watched.repairs == [HUB_REPAIR_PENDING] && watched.closed.isEmpty)
        watched.supervisor.tick(now: 1200)
        #expect(watched.supervisor.activeSource(ofPipeline: 0) == 1)
        #expect(watched.closed.map(\.isOver) == [false])
        watched.supervisor.report(source: 0, state: .ok, reason: "", now: 1300)
        watched.event(0, 1310)
        watched.supervisor.tick(now: 1320)
        #expect(watched.repairs == [HUB_REPAIR_PENDING, HUB_REPAIR_PENDING])
        let gap = try #require(watched.closed.last)
        #expect(gap.isOver && gap.served == ["SIM:A"] && gap.leftAt == ["p": 1200])
        #expect(gap.fromNanoseconds == 1000 && gap.toNanoseconds == 1310 && gap.number > 0)
    }

    @Test("of a source that stood by nothing is missing")
    func standby() {
        let watched = Watched()
        watched.event(0, 1000)
        watched.event(1, 1000)
        watched.supervisor.report(source: 1, state: .reconnecting, reason: "cut", now: 1050)
        watched.supervisor.report(source: 1, state: .ok, reason: "", now: 1100)
        watched.event(1, 1110)
        watched.supervisor.tick(now: 1120)
        #expect(watched.repairs == [HUB_REPAIR_PENDING, HUB_REPAIR_DONE] && watched.closed.isEmpty)
    }

    @Test("what came of healing is told of the same gap, or of some of its instruments as one of their own")
    func repaired() {
        let watched = Watched()
        let gap = ClosedGap(
            number: 5, source: 0, reason: UInt8(HUB_GAP_SOURCE_DOWN), kinds: 2, symbols: ["SIM:A"],
            fromNanoseconds: 1, toNanoseconds: 2, closedNanoseconds: 3)
        watched.supervisor.repaired(
            gap, symbols: ["SIM:A"], repair: UInt8(HUB_REPAIR_PARTIAL), isOwn: false, now: 10)
        watched.supervisor.repaired(
            gap, symbols: ["SIM:B"], repair: UInt8(HUB_REPAIR_IMPOSSIBLE), isOwn: true, now: 10)
        #expect(watched.repairs == [HUB_REPAIR_PARTIAL, HUB_REPAIR_IMPOSSIBLE])
    }
}
