import Foundation
import HubModel
import HubStore
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

    @Test("what was compacted counts as before, and what retention took of it makes incomplete what it touches")
    func compacted() async throws {
        let engine = try FakeEngine(segmentBytes: 64 << 10)
        let stream = engine.stream("NSE:TCS")
        let other = engine.stream("NSE:INFY")
        for number in 0..<3000 {
            let time = Self.time + Int64(number) * Self.second
            engine.trade(stream, price: 2, time: time, publish: false)
            if number % 3 == 0 { engine.trade(other, price: 5, time: time, publish: number % 100 == 0) }
        }
        engine.publish()
        try await withServer(engine) { server in
            func rows(_ target: String) throws -> [SettingsTree] {
                try server.get("/v1/quality/coverage?\(target)").json["data"]?.listValue ?? []
            }
            let from = (Self.time + 700 * Self.second) / 1000
            let to = (Self.time + 2100 * Self.second) / 1000
            let targets = ["types=trade", "types=trade&from=\(from)&to=\(to)", "types=trade,bar:1m&symbols=NSE:TCS"]
            let before = try targets.map(rows)
            #expect(before[0].map { $0["count"] } == [.integer(1000), .integer(3000)])
            #expect(before[1].map { $0["count"] } == [.integer(466), .integer(1400)])
            try engine.compact()
            #expect(try targets.map(rows) == before)
            // Something behind it, so that the journal lets go of all of it.
            engine.quote(engine.stream("FX:EURUSD"), bid: 1, ask: 3, time: Self.time)
            try engine.forget()
            #expect(try targets.map(rows) == before)
            // All trades of one instrument go; what comes afterwards stands alone.
            let retention = StoreRetention(ages: StoreAges()) { symbol in
                symbol == "NSE:TCS" ? StoreAges(ticks: 0) : nil
            }
            try engine.store.retain(retention, now: engine.wallNanoseconds + 2 * 86_400 * Self.second)
            for number in 4000..<4010 { engine.trade(stream, price: 2, time: Self.time + Int64(number) * Self.second) }
            let after = try rows("types=trade")
            #expect(after.map { $0["count"] } == [.integer(1000), .integer(10)])
            #expect(after.map { $0["complete"] } == [.bool(true), .bool(true)])
            let since = try rows("types=trade&from=\(from)")
            #expect(since.map { $0["symbol"] } == [.text("NSE:INFY"), .text("NSE:TCS")])
            #expect(since.map { $0["complete"] } == [.bool(true), .bool(false)])
        }
    }

    @Test("a trade that only takes another one back is never in force, compacted or not")
    func takenBack() async throws {
        let engine = try FakeEngine()
        let stream = engine.stream("NSE:TCS")
        engine.trade(stream, price: 2, time: Self.time, id: 1)
        engine.trade(stream, price: 3, time: Self.time + Self.second, id: 2)
        engine.trade(stream, price: 3.5, size: 2, time: Self.time + Self.second, id: 2, flags: HUB_FLAG_CORRECTION)
        engine.trade(stream, price: 2, size: 0, time: Self.time + 2 * Self.second, id: 1, flags: HUB_FLAG_CORRECTION)
        let micros = Self.time / 1000
        try await withServer(engine) { server in
            for isCompacted in [false, true] {
                if isCompacted { try engine.compact() }
                let rows =
                    try server.get("/v1/asof?symbol=NSE:TCS&times=\(micros),\(micros + 3_000_000)")
                    .json["data"]?.listValue ?? []
                #expect(rows.map { $0["event"]?["price"] } == [.integer(2), .number(3.5)])
            }
        }
    }
}
