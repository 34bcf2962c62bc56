import EventFormat
import Foundation
import PluginABI
import Testing

@testable import HubRuntime

/// Questions on their way through a real plugin: asked on its thread, answered over the ABI.
@Suite struct EngineQueryTests {
    private nonisolated(unsafe) static let folder = Result { try PluginFolder() }
    private static let library = Result {
        let source = try String(contentsOfFile: Repository.folder + "/Tests/System/vendor.c", encoding: .utf8)
        return try PluginLibrary.open(folder.get().compile(source, to: "vendor.so"))
    }

    private func fixture(hub: String = "") throws -> EngineFixture {
        try EngineFixture(
            pipelines: "  all: { from: [acme], on_demand: [\"NSE:*\"] }", more: "  acme: { plugin: vendor }",
            hub: hub, libraries: [Self.library.get()])
    }

    private func tick(_ answer: QueryAnswer) -> hub_tick {
        answer.records.withUnsafeBytes { $0.loadUnaligned(as: hub_tick.self) }
    }

    @Test func quotesComeFromThePluginAndThenFromTheCache() async throws {
        let fixture = try fixture()
        let desk = fixture.engine.queryDesk
        let symbols = ["NSE:A", "NSE:MISSING", "NSE:B"]
        let first = await desk.quotes(symbols)
        let answer = try first[0].get().answer
        #expect(answer.provider == "acme" && answer.records.count == 128 && !answer.isSimulated)
        #expect(tick(answer).last == 101.5 && answer.fetchedNanoseconds >= tick(answer).head.ts_recv)
        // All three in one call.
        #expect(try tick(answer).volume == 1 && tick(first[2].get().answer).volume == 1)
        guard case .failure(let failure) = first[1] else {
            Issue.record("\(first[1])")
            return
        }
        #expect(failure.reason == .noData)
        let again = await desk.quotes(symbols)
        #expect(try tick(again[0].get().answer).volume == 1)
        let fresh = await desk.quotes(["NSE:A"], fresh: true)
        #expect(try tick(fresh[0].get().answer).volume == 2)
        #expect(desk.figures.hits == 3 && desk.figures.misses == 4)
    }

    @Test(arguments: [
        ("NSE:MISSING", QueryFailure.Reason.notFound), ("NSE:PLAN", .plan), ("NSE:BROKEN", .failed),
    ])
    func whatThePluginSaysIsToldApart(symbol: String, reason: QueryFailure.Reason) async throws {
        let fixture = try fixture()
        do {
            _ = try await fixture.engine.queryDesk.ask(Query(.profile, symbols: [symbol]))
            Issue.record("it answered")
        } catch {
            #expect(error.reason == reason)
            #expect(error.attempts.map(\.provider) == ["acme"])
        }
    }

    @Test func aPluginThatNeverAnswersTimesOut() async throws {
        let fixture = try fixture(hub: "  query: { timeout: 50ms, retries: 0 }")
        do {
            _ = try await fixture.engine.queryDesk.ask(Query(.profile, symbols: ["NSE:MUTE"]))
            Issue.record("it answered")
        } catch {
            #expect(error.reason == .timeout && error.detail.contains("50 ms"))
        }
    }

    @Test func barsAndTextsComeWhole() async throws {
        let fixture = try fixture()
        let minute: Int64 = 60_000_000_000
        let from: Int64 = 1_736_135_100_000_000_000
        let bars = try await fixture.engine.queryDesk.ask(
            Query(.bars, symbols: ["NSE:A"], interval: 60, from: from, to: from + 5000 * minute))
        #expect(bars.answer.records.count == 5000 * 128)
        let news = try await fixture.engine.queryDesk.ask(Query(.news, symbols: ["NSE:A"]))
        #expect(news.answer.json.contains("\"n2\""))
    }
}
