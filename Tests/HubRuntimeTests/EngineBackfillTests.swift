import EventFormat
import Foundation
import HubModel
import HubStore
import PluginABI
import Testing

@testable import HubRuntime

@Suite("Backfill through the engine")
struct EngineBackfillTests {
    private static let second: Int64 = 1_000_000_000
    /// 2025-01-06T00:00:00Z, a Monday.
    private static let monday: Int64 = 1_736_121_600 * second
    private static let pipeline = "  p: { from: [quiet], instruments: [\"SIM:A\"], bars: [1s, 1m, 5m, 1h, 1d] }"
    private static let intervals: [Interval] = [.s1, .m1, .m5, .h1, .d1]

    private struct Key: Hashable {
        var interval: UInt32
        var start: Int64
    }

    private struct Sum {
        var open = 0.0
        var high = 0.0
        var low = 0.0
        var close = 0.0
        var hundredths = 0
        var count: UInt64 = 0
    }

    @Test(
        "days of trades that come in any order make the bars that all of them come to", arguments: [1, 2] as [UInt64])
    func trades(seed given: UInt64) throws {
        let seed = ProcessInfo.processInfo.environment["HUB_SEED"].flatMap { UInt64($0) } ?? given
        print("seed \(seed)")
        var random = Numbers(seed)
        let fixture = try EngineFixture(pipelines: Self.pipeline)
        var sums: [Key: Sum] = [:]
        var accepted = 0
        let days = [3, 1, 4, 0, 2, 1, 3]
        for day in days {
            var batch = BatchMaker(["SIM:A"])
            var time = Self.monday + Int64(day) * 86_400 * Self.second
            for _ in 0..<2_000 {
                time += Int64.random(in: 0..<20 * Self.second, using: &random)
                let price = Double(Int.random(in: 9_000...11_000, using: &random)) / 100
                let size = Int.random(in: 1...900, using: &random)
                batch.trade(0, time, price, Double(size) / 100)
                for interval in Self.intervals {
                    let key = Key(
                        interval: interval.rawValue, start: TradingCalendar.always.bucketStart(time, interval))
                    var sum = sums[key] ?? Sum(open: price, high: price, low: price)
                    sum.high = max(sum.high, price)
                    sum.low = min(sum.low, price)
                    sum.close = price
                    sum.hundredths += size
                    sum.count += 1
                    sums[key] = sum
                }
            }
            let result = try fixture.engine.takeBackfill(batch.batch)
            #expect(result.accepted == batch.count && result.dropped == 0)
            #expect(fixture.engine.journal.head >= result.last)
            accepted += result.accepted
        }
        var newest: [Key: hub_bar] = [:]
        for (symbol, bar) in fixture.bars() {
            #expect(symbol == "SIM:A")
            let key = Key(interval: bar.interval, start: bar.head.ts_event)
            #expect(Int(bar.revision) == newest[key].map { Int($0.revision) + 1 } ?? 0)
            newest[key] = bar
        }
        for interval in Self.intervals {
            // What is not over by anybody's clock is still open.
            let forming = fixture.engine.withFold { fold, _ in
                fold.formingBar(of: "SIM:A", interval: interval.rawValue)
            }
            if let bar = forming { newest[Key(interval: bar.interval, start: bar.head.ts_event)] = bar }
        }
        #expect(newest.count == sums.count)
        for (key, sum) in sums {
            let bar = try #require(newest[key], "no bar \(key)")
            let isRight =
                bar.open == sum.open && bar.high == sum.high && bar.low == sum.low && bar.close == sum.close
                && bar.volume == Double(sum.hundredths) / 100 && bar.count == sum.count
            if !isRight {
                Issue.record("\(key): \(bar), expected \(sum)")
                return
            }
        }
        // A record a bar and visit, not one a trade.
        #expect(fixture.bars().count < 3 * accepted)
        let trades = fixture.records().filter { $0[1] == UInt8(HUB_TRADE) }
        #expect(trades.count == accepted)
        for trade in trades {
            let head = trade.withUnsafeBytes { $0.loadUnaligned(as: hub_record.self) }
            guard Int(head.flags) & HUB_FLAG_BACKFILLED != 0 else {
                Issue.record("a trade that was fetched does not say so")
                return
            }
        }
    }

    @Test("bars of the past stand where the hub has none, and the same ones again are left out")
    func bars() throws {
        let fixture = try EngineFixture(pipelines: Self.pipeline)
        var trades = BatchMaker(["SIM:A"])
        let later = Self.monday + 3 * 86_400 * Self.second
        trades.trade(0, later, 5, 1)
        trades.trade(0, later + 7200 * Self.second, 6, 1)
        _ = try fixture.engine.takeBackfill(trades.batch)
        var batch = BatchMaker(["SIM:A", "NYSE:IBM"])
        for minute in 0..<600 {
            let time = Self.monday + Int64(minute) * 60 * Self.second
            let price = Double(100 + minute % 7)
            batch.bar(0, time, .m1, (price, price + 1, price - 1, price), volume: 10)
            batch.bar(1, time, .m1, (price, price + 1, price - 1, price), volume: 10)
        }
        // Here the hub has its own.
        batch.bar(0, later, .m1, (1, 1, 1, 1), volume: 1)
        let first = try fixture.engine.takeBackfill(batch.batch)
        #expect(first.accepted == 1200 && first.dropped == 1)
        let again = try fixture.engine.takeBackfill(batch.batch)
        #expect(again.accepted == 0 && again.dropped == 1201)
        let bars = fixture.bars()
        let hours = bars.filter { $0.symbol == "SIM:A" && $0.bar.interval == 3600 && $0.bar.head.ts_event < later }
        #expect(hours.count == 10)
        #expect(hours.allSatisfy { $0.bar.volume == 600 && Int($0.bar.built_from) == HUB_BUILT_FROM_BAR })
        let fives = bars.filter { $0.symbol == "SIM:A" && $0.bar.interval == 300 && $0.bar.head.ts_event < later }
        #expect(fives.count == 120 && fives.allSatisfy { $0.bar.revision == 0 && $0.bar.volume == 50 })
        let days = bars.filter { $0.symbol == "SIM:A" && $0.bar.interval == 86_400 && $0.bar.head.ts_event < later }
        #expect(days.count == 1 && days.first?.bar.open == 100 && days.first?.bar.close == Double(100 + 599 % 7))
        // An instrument of no pipeline has what was brought and nothing made of it.
        #expect(bars.filter { $0.symbol == "NYSE:IBM" }.count == 600)
        fixture.engine.store.waitUntil(fixture.engine.journal.head)
        let stored = try fixture.engine.store.bars(
            symbol: "NYSE:IBM", interval: 60, from: nil, to: nil, through: .max, limit: 10_000, newest: false)
        #expect(stored.count == 600)
    }

    @Test("a batch with one bad record is refused whole, and the words name it")
    func refusals() throws {
        let fixture = try EngineFixture(pipelines: Self.pipeline)
        let head = fixture.engine.journal.head
        var bad = BatchMaker(["SIM:A"])
        bad.trade(0, Self.monday, 1, 1)
        bad.trade(0, Self.monday, .nan, 1)
        let price = #expect(throws: BackfillError.self) { try fixture.engine.takeBackfill(bad.batch) }
        #expect(price?.description.contains("record 2") == true)
        var stray = BatchMaker(["SIM:A"])
        stray.trade(1, Self.monday, 1, 1)
        #expect(throws: BackfillError.self) { try fixture.engine.takeBackfill(stray.batch) }
        var untimed = BatchMaker(["SIM:A"])
        untimed.trade(0, 0, 1, 1)
        #expect(throws: BackfillError.self) { try fixture.engine.takeBackfill(untimed.batch) }
        let source = BackfillBatch(source: "nobody", symbols: ["SIM:A"], records: [])
        #expect(throws: BackfillError.self) { try fixture.engine.takeBackfill(source) }
        let symbol = BackfillBatch(source: "import", symbols: ["sim a"], records: [])
        #expect(throws: BackfillError.self) { try fixture.engine.takeBackfill(symbol) }
        let cut = BackfillBatch(source: "import", symbols: ["SIM:A"], records: [1, 2, 3])
        #expect(throws: BackfillError.self) { try fixture.engine.takeBackfill(cut) }
        #expect(fixture.engine.journal.head == head)
    }

    @Test("after a restart bars of any age are revised as if there had been none")
    func restart() throws {
        let folder = NSTemporaryDirectory() + "hub-engine-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func run(_ body: (EngineFixture) throws -> Void) throws {
            let fixture = try EngineFixture(pipelines: Self.pipeline, folder: folder, keepsFolder: true)
            try body(fixture)
        }
        try run { fixture in
            var batch = BatchMaker(["SIM:A"])
            for minute in 0..<3000 { batch.trade(0, Self.monday + Int64(minute) * 60 * Self.second, 100, 1) }
            _ = try fixture.engine.takeBackfill(batch.batch)
        }
        try run { fixture in
            var batch = BatchMaker(["SIM:A"])
            batch.trade(0, Self.monday + 61 * Self.second, 90, 2)
            let result = try fixture.engine.takeBackfill(batch.batch)
            #expect(result.accepted == 1)
            let revised = fixture.bars().filter { Int($0.bar.state) == HUB_BAR_REVISED }.map(\.bar)
            #expect(revised.map(\.interval) == [60, 300, 3600, 86_400])
            #expect(revised.map(\.volume) == [3, 7, 62, 1442])
            #expect(revised.allSatisfy { $0.low == 90 && $0.close == 90 && $0.open == 100 && $0.revision == 1 })
        }
    }
}

/// Random numbers from a seed (SplitMix64), the same on every machine.
struct Numbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
