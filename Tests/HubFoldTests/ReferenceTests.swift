import EventFormat
import HubFold
import HubModel
import PluginABI
import Testing

/// The fold against the simplest thing that could be right: put all trades into their buckets, then look.
@Suite struct ReferenceTests {
    private struct Key: Hashable {
        var symbol: String
        var interval: UInt32
        var start: Int64
    }

    private struct Reference {
        var prices: [Int] = []
        var sizes: [Int] = []
        var seqs: [UInt64] = []
    }

    private static let intervals: [Interval] = [.s1, .s5, .m1, .m3, .m5, .m15, .h1, .h4, .d1]

    @Test(
        "after the end the newest revision of every bar is what all trades come to",
        arguments: [
            (UInt64(101), "ARCA", true), (102, "NSE", true), (103, "SIM", true), (104, "ARCA", false),
            (105, "NSE", false),
        ])
    func aggregation(seed: UInt64, venue: String, recorded: Bool) throws {
        print("seed \(seed)")
        var random = SeededNumbers(seed: seed)
        let symbols = try ["A", "B", "C"].map { try Symbol("\(venue):\($0)") }
        let plan = FoldPlan(
            pipelines: [
                PipelinePlan(name: "p", sources: ["s"], instruments: symbols, bars: ReferenceTests.intervals)
            ],
            sources: [SourcePlan(name: "s", recorded: recorded)])
        let calendar = TradingCalendar.forVenue(venue)
        let run = FoldRun(plan)
        run.feed(Make.define(StreamDefinition(id: 1, symbol: "", source: "s")))
        for (index, symbol) in symbols.enumerated() {
            run.feed(Make.define(StreamDefinition(id: UInt32(index) + 2, symbol: symbol.text, source: "s")))
        }
        var reference: [Key: Reference] = [:]
        var newest: [Key: hub_bar] = [:]
        // The evening before the clocks go forward in New York.
        var time: Int64 = 1_741_470_000_000_000_000
        func take(_ bars: [hub_bar]) {
            for bar in bars {
                guard let symbol = run.fold.definitions.stream(bar.head.stream)?.symbol else { continue }
                let key = Key(symbol: symbol, interval: bar.interval, start: bar.head.ts_event)
                // Revisions of one bar count up from 0.
                #expect(Int(bar.revision) == newest[key].map { Int($0.revision) + 1 } ?? 0)
                #expect(Int(bar.state) == (bar.revision == 0 ? HUB_BAR_CLOSED : HUB_BAR_REVISED))
                newest[key] = bar
            }
        }
        for _ in 0..<20_000 {
            time += Int64.random(in: 0..<400_000_000, using: &random)
            if random.chance(1), random.chance(10) { time += Int64.random(in: 0..<9_000_000_000_000, using: &random) }
            if !recorded, random.chance(10) { take(run.feed(Make.clock(time)).bars) }
            // As late as still can be revised: the last minute has at most 60 bars of a second.
            let event = time - (random.chance(5) ? Int64.random(in: 0..<30_000_000_000, using: &random) : 0)
            let number = Int.random(in: 0..<3, using: &random)
            let cents = Int.random(in: 9_000...11_000, using: &random)
            let tenths = Int.random(in: 1...5_000, using: &random)
            let step = run.feed(
                Make.trade(UInt32(number) + 2, event, Double(cents) / 100, Double(tenths) / 10, received: time))
            take(step.bars)
            for interval in ReferenceTests.intervals {
                let key = Key(
                    symbol: symbols[number].text, interval: interval.rawValue,
                    start: calendar.bucketStart(event, interval))
                reference[key, default: Reference()].prices.append(cents)
                reference[key, default: Reference()].sizes.append(tenths)
                reference[key, default: Reference()].seqs.append(step.head.seq)
            }
        }
        if recorded {
            take(run.feed(Make.control(HUB_CONTROL_END, stream: 1, time)).bars)
        } else {
            take(run.feed(Make.clock(time + 200_000_000_000_000)).bars)
        }
        #expect(run.fold.counters.late > 100)
        #expect(run.fold.counters.barsRevised > 100)
        #expect(run.fold.counters.lateWithoutRevision == 0)
        #expect(newest.count == reference.count)
        for (key, expected) in reference {
            guard let bar = newest[key] else {
                Issue.record("no bar \(key)")
                return
            }
            let sum = zip(expected.prices, expected.sizes).reduce(0) { $0 + $1.0 * $1.1 }
            let isRight =
                bar.open == Double(expected.prices[0]) / 100
                && bar.close == Double(expected.prices[expected.prices.count - 1]) / 100
                && bar.high == Double(expected.prices.max() ?? 0) / 100
                && bar.low == Double(expected.prices.min() ?? 0) / 100
                && bar.volume == Double(expected.sizes.reduce(0, +)) / 10
                && bar.notional == Double(sum) / 1000 && bar.count == UInt64(expected.prices.count)
                && bar.first_seq == expected.seqs[0] && bar.last_seq == expected.seqs[expected.seqs.count - 1]
                && Int(bar.built_from) == HUB_BUILT_FROM_TRADE
            if !isRight {
                Issue.record("\(key) is \(bar), expected \(expected)")
                return
            }
        }
    }

    @Test("bars rolled up from bars agree with bars made of the trades themselves, to the last bit")
    func rollUp() throws {
        let seed: UInt64 = 201
        print("seed \(seed)")
        var random = SeededNumbers(seed: seed)
        let symbol = try Symbol("ARCA:SPY")
        func plan(_ bars: [Interval]) -> FoldPlan {
            FoldPlan(
                pipelines: [PipelinePlan(name: "p", sources: ["s"], instruments: [symbol], bars: bars)],
                sources: [SourcePlan(name: "s", recorded: true)])
        }
        let definitions = [
            Make.define(StreamDefinition(id: 1, symbol: "", source: "s")),
            Make.define(StreamDefinition(id: 2, symbol: symbol.text, source: "s")),
        ]
        let direct = FoldRun(plan([.m1, .m5, .h1, .d1]))
        direct.feed(definitions)
        var time: Int64 = 1_741_600_000_000_000_000
        var made: [hub_bar] = []
        for _ in 0..<20_000 {
            time += Int64.random(in: 0..<20_000_000_000, using: &random)
            let price = Double(Int.random(in: 90_000...110_000, using: &random)) / 1000
            let size = Double(Int.random(in: 1...100_000, using: &random)) / 1000
            made += direct.feed(Make.trade(2, time, price, size)).bars
        }
        made += direct.feed(Make.control(HUB_CONTROL_END, stream: 1, time)).bars
        let rolled = FoldRun(plan([.m5, .h1, .d1]))
        rolled.feed(definitions)
        var rolledBars: [hub_bar] = []
        for bar in made where bar.interval == 60 {
            rolledBars +=
                rolled.feed(
                    Make.bar(
                        2, bar.head.ts_event, interval: 60, open: bar.open, high: bar.high, low: bar.low,
                        close: bar.close, volume: bar.volume, count: bar.count, notional: bar.notional)
                ).bars
        }
        rolledBars += rolled.feed(Make.control(HUB_CONTROL_END, stream: 1, time)).bars
        let larger = made.filter { $0.interval > 60 }
        #expect(larger.count > 500)
        #expect(larger.count == rolledBars.count)
        func order(_ one: hub_bar, _ two: hub_bar) -> Bool {
            (one.interval, one.head.ts_event) < (two.interval, two.head.ts_event)
        }
        for (one, two) in zip(larger.sorted(by: order), rolledBars.sorted(by: order)) {
            let agrees =
                one.interval == two.interval && one.head.ts_event == two.head.ts_event && one.open == two.open
                && one.high == two.high && one.low == two.low && one.close == two.close
                && one.volume == two.volume && one.count == two.count && Int(two.built_from) == HUB_BUILT_FROM_BAR
            if !agrees {
                Issue.record("\(one) against \(two)")
                return
            }
            // A bar's notional is a double of its own: rolled up, its last digit of 1e-9 may differ.
            #expect(abs(one.notional - two.notional) <= abs(one.notional) * 1e-12)
        }
    }
}
