import Foundation
import HubModel
import PluginABI
import Testing

@Suite("HTTP: quality")
struct HTTPQualityTests {
    private static let time: Int64 = 1_700_000_000_000_000_000
    private static let second: Int64 = 1_000_000_000

    @Test("a gap is listed by source, state and range, and makes incomplete what it touches")
    func gaps() async throws {
        let engine = try FakeEngine()
        let stream = engine.stream("NSE:TCS")
        for number in 0..<200 { engine.trade(stream, price: 2, time: Self.time + Int64(number) * Self.second) }
        engine.trade(engine.stream("BSE:TCS"), price: 2, time: Self.time)
        engine.gap(symbols: ["NSE:*"], from: Self.time + 50 * Self.second, to: Self.time + 60 * Self.second)
        try await withServer(engine) { server in
            func rows(_ target: String) throws -> [SettingsTree] {
                try server.get(target).json["data"]?.listValue ?? []
            }
            let all = try rows("/v1/quality/gaps")
            #expect(all.count == 1)
            #expect(all.first?["type"] == .text("gap"))
            #expect(try rows("/v1/quality/gaps?symbols=NSE:TCS&source=fake&state=closed") == all)
            #expect(try rows("/v1/quality/gaps?symbols=BSE:TCS").isEmpty)
            #expect(try rows("/v1/quality/gaps?state=open").isEmpty)
            #expect(try rows("/v1/quality/gaps?source=other").isEmpty)
            let micros = (Self.time + 61 * Self.second) / 1000
            #expect(try rows("/v1/quality/gaps?from=\(micros)").isEmpty)
            #expect(try rows("/v1/quality/gaps?from=\(micros - 5_000_000)") == all)
            let trades = try rows("/v1/quality/coverage?types=trade")
            #expect(trades.map { $0["symbol"]?.textValue } == ["BSE:TCS", "NSE:TCS"])
            #expect(trades.map { $0["complete"] } == [.bool(true), .bool(false)])
            #expect(trades.last?["count"] == .integer(200))
            let later = try rows("/v1/quality/coverage?symbols=NSE:TCS&types=trade,bar:1m&from=\(micros)")
            #expect(later.map { $0["complete"] } == [.bool(true), .bool(true)])
            #expect(later.map { $0["interval"] } == [nil, .text("1m")])
        }
    }

    @Test("the price in force is the trade where there is one, else the quote")
    func asOf() async throws {
        let engine = try FakeEngine()
        engine.trade(engine.stream("NSE:TCS"), price: 2, time: Self.time)
        engine.quote(engine.stream("NSE:TCS"), bid: 1, ask: 3, time: Self.time + 5)
        engine.quote(engine.stream("FX:EURUSD"), bid: 1, ask: 3, time: Self.time)
        _ = engine.stream("BSE:TCS")
        try await withServer(engine) { server in
            let at = Self.time / 1000
            let rows =
                try server.get("/v1/asof?symbols=NSE:TCS,FX:EURUSD,BSE:TCS,NSE:NOBODY&times=\(at - 1),\(at)")
                .json["data"]?.listValue ?? []
            #expect(rows.map { $0["event"]?["type"]?.textValue } == [nil, "trade", nil, "quote", nil, nil])
            let old = try server.get("/v1/asof?symbol=NSE:TCS&times=\(at + 1_000_000_000_000)").json["data"]?.listValue
            #expect(old?.first?["event"]?["type"] == .text("trade"))
            #expect(try server.get("/v1/asof?symbols=NSE:TCS&symbol=NSE:TCS&times=now").status == 400)
        }
    }
}
