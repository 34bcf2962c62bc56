import PluginABI
import PluginKit
import Testing

@testable import PluginTestSupport
@testable import SimulatorCore

private let registration = Registration.pullProvider(Simulator.self, Simulator.descriptor)
private let begin: Int64 = 1_736_174_123_456_789_012
private let minute: Int64 = 60_000_000_000
private let day = 1440 * minute

private func hub(_ settings: Setting, symbols: [String] = ["SIM:A", "SIM:B"], now: Int64 = begin) throws -> FakeHub {
    let hub = try FakeHub(registration, settings, now: now)
    try hub.start(symbols)
    return hub
}

@Suite("seeded history")
struct HistoryTests {
    @Test(
        "five days of minutes end where live begins, whole, in order, on the path of the live prices",
        arguments: [
            "gbm", "jump", "garch",
        ])
    func connects(model: String) throws {
        let hub = try hub(["history": .integer(5 * day), "model": .text(model), "rate": 100])
        try hub.run(until: begin + 60_000_000_000)
        for handle in [1, 2] as [UInt32] {
            let bars = hub.bars.filter { $0.head.stream == handle }
            #expect(bars.count == 7200)
            let end = begin - begin % minute
            for (index, bar) in bars.enumerated() {
                #expect(bar.head.ts_event == end - 5 * day + Int64(index) * minute)
                #expect(bar.interval == 60 && bar.state == 1 && bar.built_from == 5)
                #expect(bar.head.flags == RecordFlags.backfilled.rawValue)
                #expect(bar.low <= min(bar.open, bar.close) && bar.high >= max(bar.open, bar.close))
                #expect(bar.volume >= Double(bar.count) && bar.count >= 1)
                let average = bar.notional / bar.volume
                #expect(average >= bar.low - 1e-9 && average <= bar.high + 1e-9)
                // A minute of 20 % a year is 0.03 %.
                if index > 0, model == "gbm" { #expect(abs(bar.open / bars[index - 1].close - 1) < 0.002) }
            }
            let live = try #require(hub.trades.first { $0.head.stream == handle })
            #expect(abs(live.price / bars[7199].close - 1) < (model == "gbm" ? 0.003 : 0.05))
            #expect(abs(live.price - 100) < 0.5)
        }
    }

    @Test("live events are not delayed by history: due ones come first at every turn")
    func interleaved() throws {
        let hub = try hub(["history": .integer(5 * day), "rate": 1000, "kinds": ["trade"]])
        var longest = 0
        while hub.bars.count < 2000 {
            hub.now += 1_000_000
            let before = hub.bytes.count
            _ = try hub.pull(budget: 256)
            longest = max(longest, (hub.bytes.count - before) / 64)
            let trades = hub.trades
            #expect(hub.now - (trades.last?.head.ts_event ?? begin) <= 1_000_000)
        }
        #expect(longest <= 512)
    }

    @Test("history is made at the first start only")
    func once() throws {
        let first = try hub(["history": .integer(day), "rate": 100])
        try first.run(until: begin + 10_000_000_000)
        #expect(first.bars.count == 2880)
        let position = try #require(first.positions.last)
        let second = try FakeHub(
            registration, ["history": .integer(day), "rate": 100], now: begin + 60_000_000_000,
            lastPosition: position.data)
        try second.start(["SIM:A", "SIM:B"])
        try second.run(until: begin + 90_000_000_000)
        #expect(second.bars.isEmpty)
        #expect(second.trades.count > 100)
    }

    @Test("outside the sessions of its calendar nothing is made")
    func sessions() throws {
        // Friday 2025-01-03 20:59:30 UTC, half a minute before New York's close.
        let friday: Int64 = 1_735_937_970_000_000_000
        let hub = try hub(
            ["history": .integer(2 * day), "rate": 10, "calendar": "us-equities", "kinds": ["trade"]], now: friday)
        try hub.run(records: 2 * 780 + 600)
        let monday: Int64 = 1_736_173_800_000_000_000
        for trade in hub.trades {
            #expect(trade.head.ts_event < friday + 30_000_000_000 || trade.head.ts_event >= monday)
        }
        #expect(hub.trades.contains { $0.head.ts_event >= monday })
        #expect(hub.trades.filter { $0.head.ts_event < monday }.count == 300)
        // Two days back from Friday 20:59 lie Thursday, and Friday but for its last minute; Wednesday was a weekday too.
        let bars = hub.bars.filter { $0.head.stream == 1 }
        #expect(
            bars.allSatisfy { ($0.head.ts_event / minute) % 1440 >= 870 && ($0.head.ts_event / minute) % 1440 < 1260 })
        #expect(bars.count == 390 + 389 + 1)
    }

    @Test("New York's clock change moves the session by an hour in UTC")
    func summer() {
        let calendar = SessionCalendar.usEquities
        // Friday 2025-03-07 and Monday 2025-03-10; Friday 2025-10-31 and Monday 2025-11-03.
        let dates: [(Int64, Int64)] = [(20154, 14), (20157, 13), (20392, 13), (20395, 14)]
        for (date, hour) in dates {
            let session = calendar.session(atOrAfter: date * day)
            #expect(session.open == date * day + (hour * 60 + 30) * minute)
            #expect(session.close - session.open == 390 * minute)
        }
        #expect(SessionCalendar.nse.session(atOrAfter: 20154 * day).open == 20154 * day + 225 * minute)
    }

    @Test("after a stop longer than it catches up on, the range that is left out is told as a gap")
    func longStop() throws {
        let first = try hub(["history": 0, "rate": 100])
        try first.run(until: begin + 10_000_000_000)
        let position = try #require(first.positions.last)
        let late = begin + 7 * day
        let second = try FakeHub(registration, ["history": 0, "rate": 100], now: late, lastPosition: position.data)
        try second.start(["SIM:A", "SIM:B"])
        while try second.pull(budget: 100) == .more {}
        let gap = try #require(second.host.gaps.first)
        #expect(second.host.gaps.count == 1 && gap.to == late)
        let times = second.trades.map(\.head.ts_event) + second.quotes.map(\.head.ts_event)
        #expect(times.allSatisfy { $0 < gap.from || $0 >= gap.to })
        // What the host may have taken since the last position is repeated first.
        #expect(times.filter { $0 < gap.from }.count == 256)
    }

    @Test("at rate max the events keep up with the clock")
    func unpaced() throws {
        let hub = try hub(["history": 0, "rate": "max", "kinds": ["trade"]])
        _ = try hub.pull(budget: 10)
        for _ in 0..<50 {
            hub.now += 20_000_000
            for _ in 0..<4 { #expect(try hub.pull(budget: 500) == .more) }
        }
        #expect(hub.trades.count > 90_000)
        let last = try #require(hub.trades.last)
        #expect(hub.now - last.head.ts_event < 100_000_000 && last.head.ts_event <= hub.now)
        #expect(hub.host.gaps.isEmpty)
    }
}
