import EventFormat
import Foundation
import HubFold
import HubModel
import PluginABI
import Testing

/// Bars are what all their trades come to, however late these are and whichever way they came.
@Suite struct AnyAgeTests {
    private struct Key: Hashable {
        var symbol: String
        var interval: UInt32
        var start: Int64
    }

    private struct Sum {
        var open: Int
        var high: Int
        var low: Int
        var close = 0
        var tenths = 0
        var notional = 0
        var count: UInt64 = 0
        var first: UInt64
        var last: UInt64 = 0
    }

    private static let intervals: [Interval] = [.s1, .m1, .m5, .m15, .h1, .h4, .d1, .w1, .month1]

    static var seeds: [UInt64] {
        ProcessInfo.processInfo.environment["HUB_SEED"].flatMap { UInt64($0) }.map { [$0] } ?? [301, 302, 303]
    }

    @Test(
        "trades of any age make the bars that all trades come to, of every interval",
        arguments: AnyAgeTests.seeds, [true, false])
    func anyAge(seed: UInt64, recorded: Bool) throws {
        print("seed \(seed)")
        var random = SeededNumbers(seed: seed)
        let venue = ["ARCA", "NSE", "SIM"][Int(seed % 3)]
        let symbols = try ["A", "B"].map { try Symbol("\(venue):\($0)") }
        let plan = FoldPlan(
            pipelines: [PipelinePlan(name: "p", sources: ["s"], instruments: symbols, bars: AnyAgeTests.intervals)],
            sources: [SourcePlan(name: "s", recorded: recorded)])
        let calendar = TradingCalendar.forVenue(venue)
        let run = FoldRun(plan)
        run.feed(Make.define(StreamDefinition(id: 1, symbol: "", source: "s")))
        run.feed(Make.define(StreamDefinition(id: 2, symbol: "", source: "import")))
        for (index, symbol) in symbols.enumerated() {
            run.feed(Make.define(StreamDefinition(id: UInt32(index) + 3, symbol: symbol.text, source: "s")))
            run.feed(Make.define(StreamDefinition(id: UInt32(index) + 5, symbol: symbol.text, source: "import")))
        }
        var sums: [Key: Sum] = [:]
        var newest: [Key: hub_bar] = [:]
        func take(_ bars: [hub_bar]) {
            for bar in bars {
                guard let symbol = run.fold.definitions.stream(bar.head.stream)?.symbol else { continue }
                let key = Key(symbol: symbol, interval: bar.interval, start: bar.head.ts_event)
                #expect(Int(bar.revision) == newest[key].map { Int($0.revision) + 1 } ?? 0)
                #expect(Int(bar.state) == (bar.revision == 0 ? HUB_BAR_CLOSED : HUB_BAR_REVISED))
                newest[key] = bar
            }
        }
        let day: Int64 = 86_400_000_000_000
        // A month and a change of clocks in New York pass meanwhile.
        let begin: Int64 = 1_740_800_000_000_000_000
        var time = begin
        var fetched = begin
        var recalls: UInt64 = 0
        func end() -> [UInt8] {
            var record = Make.control(HUB_CONTROL_END, stream: 2, time)
            record[3] |= UInt8(HUB_FLAG_FETCHED >> 8)
            return record
        }
        for round in 0..<6_000 {
            time += Int64.random(in: 0..<900_000_000_000, using: &random)
            if !recorded, random.chance(20) { take(run.feed(Make.clock(time)).bars) }
            // Restored now and then from what was saved: nothing that was recalled may matter.
            recalls += run.fold.counters.recalls
            if round % 1_000 == 999 { run.fold = try Fold(plan: plan, restoring: run.fold.save()) }
            let isFetched = random.chance(30)
            var event = time
            if isFetched {
                // Runs through a stretch of the past, before the first trade of all too.
                if random.chance(3) { fetched = time - Int64.random(in: 0..<60 * day, using: &random) }
                fetched += Int64.random(in: 0..<30_000_000_000, using: &random)
                event = min(fetched, time)
                if random.chance(5) { take(run.feed(end()).bars) }
            } else if random.chance(20) {
                event -= Int64.random(in: 0..<45 * day, using: &random)
            } else if random.chance(20) {
                event -= Int64.random(in: 0..<600_000_000_000, using: &random)
            }
            let number = Int.random(in: 0..<2, using: &random)
            let cents = Int.random(in: 9_000...11_000, using: &random)
            let tenths = Int.random(in: 1...5_000, using: &random)
            let step = run.feed(
                Make.trade(
                    UInt32(number) + (isFetched ? 5 : 3), event, Double(cents) / 100, Double(tenths) / 10,
                    received: time, flags: isFetched ? HUB_FLAG_FETCHED : 0))
            #expect(step.admission == .take)
            take(step.bars)
            for interval in AnyAgeTests.intervals {
                let key = Key(
                    symbol: symbols[number].text, interval: interval.rawValue,
                    start: calendar.bucketStart(event, interval))
                var sum = sums[key] ?? Sum(open: cents, high: cents, low: cents, first: step.head.seq)
                sum.high = max(sum.high, cents)
                sum.low = min(sum.low, cents)
                sum.close = cents
                sum.tenths += tenths
                sum.notional += cents * tenths
                sum.count += 1
                sum.last = step.head.seq
                sums[key] = sum
            }
        }
        take(run.feed(end()).bars)
        take(run.feed(recorded ? Make.control(HUB_CONTROL_END, stream: 1, time) : Make.clock(time + 70 * day)).bars)
        #expect(recalls > 1_000)
        #expect(run.fold.counters.lateWithoutRevision == 0)
        #expect(newest.count == sums.count)
        for (key, sum) in sums {
            let bar = try #require(newest[key], "no bar \(key)")
            let isRight =
                bar.open == Double(sum.open) / 100 && bar.close == Double(sum.close) / 100
                && bar.high == Double(sum.high) / 100 && bar.low == Double(sum.low) / 100
                && bar.volume == Double(sum.tenths) / 10 && bar.notional == Double(sum.notional) / 1000
                && bar.count == sum.count && bar.first_seq == sum.first && bar.last_seq == sum.last
            if !isRight {
                Issue.record("\(key) is \(bar), expected \(sum)")
                return
            }
        }
    }

    @Test("bars of the past that come in any order make the larger ones that they all come to", arguments: seeds)
    func barsInAnyOrder(seed: UInt64) throws {
        print("seed \(seed)")
        var random = SeededNumbers(seed: seed)
        let symbol = try Symbol("ARCA:SPY")
        let plan = FoldPlan(
            pipelines: [
                PipelinePlan(name: "p", sources: ["s"], instruments: [symbol], bars: [.m1, .m5, .h1, .d1, .w1])
            ],
            sources: [SourcePlan(name: "s")])
        let run = FoldRun(plan)
        run.feed(Make.define(StreamDefinition(id: 1, symbol: "", source: "s")))
        run.feed(Make.define(StreamDefinition(id: 2, symbol: "", source: "import")))
        run.feed(Make.define(StreamDefinition(id: 3, symbol: symbol.text, source: "s")))
        run.feed(Make.define(StreamDefinition(id: 4, symbol: symbol.text, source: "import")))
        let minute: Int64 = 60_000_000_000
        // Ten days of Eastern trading from a Monday on.
        let begin: Int64 = 1_736_121_600_000_000_000
        let now = begin + 20 * 1440 * minute
        run.feed(Make.trade(3, now, 100, 1))
        run.feed(Make.clock(now + 1_000_000_000))
        var minutes: [Int64: (open: Double, high: Double, low: Double, close: Double)] = [:]
        for day in 0..<10 where day % 7 < 5 {
            for number in stride(from: 14 * 60, to: 21 * 60, by: 1) where random.chance(80) {
                let prices = (0..<4).map { _ in Double(Int.random(in: 9_000...9_999, using: &random)) / 100 }.sorted()
                minutes[begin + Int64(day * 1440 + number) * minute] = (prices[1], prices[3], prices[0], prices[2])
            }
        }
        var newest: [UInt32: [Int64: hub_bar]] = [:]
        func take(_ bars: [hub_bar]) { for bar in bars { newest[bar.interval, default: [:]][bar.head.ts_event] = bar } }
        func end() {
            var record = Make.control(HUB_CONTROL_END, stream: 2, now)
            record[3] |= UInt8(HUB_FLAG_FETCHED >> 8)
            take(run.feed(record).bars)
        }
        // In pieces that overlap; what came before is left out.
        var left = minutes.keys.sorted()
        var dropped = 0
        while !left.isEmpty {
            let first = Int.random(in: 0..<left.count, using: &random)
            let length = min(left.count - first, Int.random(in: 1...300, using: &random))
            for start in left[first..<(first + length)] {
                let bar = try #require(minutes[start])
                let record = Make.bar(
                    4, start, interval: 60, open: bar.open, high: bar.high, low: bar.low, close: bar.close, volume: 2,
                    received: now, flags: HUB_FLAG_FETCHED)
                let step = run.feed(record)
                #expect(step.admission == .take)
                take(step.bars)
                if random.chance(10) {
                    #expect(run.feed(record).admission == .rejected)
                    dropped += 1
                }
            }
            left.removeSubrange(first..<(first + length))
            end()
        }
        #expect(dropped > 100)
        let calendar = TradingCalendar.usEquities
        for interval in [Interval.m5, .h1, .d1, .w1] {
            var groups: [Int64: [Int64]] = [:]
            for start in minutes.keys.sorted() {
                groups[calendar.bucketStart(start, interval), default: []].append(start)
            }
            #expect(newest[interval.rawValue]?.count == groups.count)
            for (start, parts) in groups {
                let bars = parts.compactMap { minutes[$0] }
                let bar = try #require(newest[interval.rawValue]?[start], "no bar \(interval.text) \(start)")
                let isRight =
                    bar.open == bars.first?.open && bar.close == bars.last?.close
                    && bar.high == bars.map(\.high).max() && bar.low == bars.map(\.low).min()
                    && bar.volume == Double(2 * bars.count) && bar.count == UInt64(bars.count)
                    && Int(bar.built_from) == HUB_BUILT_FROM_BAR
                if !isRight {
                    Issue.record("\(interval.text) at \(start) is \(bar), expected \(bars.count) parts")
                    return
                }
            }
        }
    }

    @Test("without anybody to ask, a record older than what is remembered is counted and revises nothing")
    func nobodyToAsk() throws {
        let plan = FoldPlan(
            pipelines: [
                PipelinePlan(name: "p", sources: ["s"], instruments: [try Symbol("SIM:A")], bars: [.m1])
            ], sources: [SourcePlan(name: "s", recorded: true)])
        let run = FoldRun(plan, recalls: false)
        run.feed(Make.define(StreamDefinition(id: 1, symbol: "SIM:A", source: "s")))
        for minute in 0..<100 {
            run.feed(Make.trade(1, 1_736_121_600_000_000_000 + Int64(minute) * 60_000_000_000, 1, 1))
        }
        #expect(run.feed(Make.trade(1, 1_736_121_600_000_000_000, 1, 1)).bars.isEmpty)
        #expect(run.fold.counters.lateWithoutRevision == 1)
    }
}
