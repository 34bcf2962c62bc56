import PluginABI
import PluginKit
import Testing

@testable import PluginTestSupport
@testable import SimulatorCore

private let registration = Registration.pullProvider(Simulator.self, Simulator.descriptor)
private let begin: Int64 = 1_736_174_100_123_456_789
private let symbols = ["SIM:ALPHA", "SIM:BETA", "SIM:GAMMA"]

private func hub(_ settings: Setting, now: Int64 = begin, lastPosition: [UInt8]? = nil) throws -> FakeHub {
    let hub = try FakeHub(registration, settings, now: now, lastPosition: lastPosition)
    try hub.check()
    try hub.start(symbols)
    return hub
}

@Suite("the simulator as a source")
struct SimulatorRunTests {
    static let models: [Setting] = ["gbm", "jump", "garch"]

    private func settings(_ model: Setting, history: Setting = 0, rate: Setting = 500) -> Setting {
        [
            "seed": 7, "rate": rate, "model": model, "history": history, "kinds": ["trade", "quote", "book"],
            "correlation": 0.4, "instruments": ["SIM:BETA": ["price": 1250, "tick_size": 0.05, "currency": "INR"]],
        ]
    }

    @Test("two runs with the same settings are the same byte for byte", arguments: models)
    func reproducible(model: Setting) throws {
        let first = try hub(settings(model))
        let again = try hub(settings(model))
        try first.run(until: begin + 20 * second)
        try again.run(until: begin + 20 * second, budget: 7)
        #expect(first.bytes.count > 64 * 10_000)
        #expect(first.bytes == again.bytes)
        let other = try hub(["seed": 8, "rate": 500, "history": 0, "model": model])
        try other.run(until: begin + 20 * second)
        #expect(other.trades.map(\.price) != first.trades.map(\.price))
    }

    @Test("a run that goes on from any position emits what the uninterrupted run did", arguments: models)
    func resumes(model: Setting) throws {
        let end = begin + 4 * second
        let whole = try hub(settings(model, history: .integer(3_600_000_000_000)))
        try whole.run(until: end, budget: 100)
        #expect(whole.positions.count > 10)
        for (data, place) in whole.positions {
            let resumed = try hub(
                settings(model, history: .integer(3_600_000_000_000)), now: begin + second, lastPosition: data)
            try resumed.run(until: end, budget: 100)
            let rest = Array(whole.bytes[place...])
            // The clock stands elsewhere, so history and events may take turns elsewhere; without history nothing may
            // differ, and with it each of the two must be the same in itself.
            #expect(Self.split(resumed.bytes).0 == Self.split(rest).0)
            #expect(Self.split(resumed.bytes).1 == Self.split(rest).1)
        }
    }

    @Test("what was taken since the last position is repeated in the same order, also while history is made")
    func repeatsInOrder() throws {
        let settings = settings("gbm", history: .integer(3_600_000_000_000), rate: 5000)
        let whole = try hub(settings)
        // A clock that moves while history is made, so that the two take turns.
        for _ in 0..<400 {
            whole.now += 3_000_000
            _ = try whole.pull(budget: 40)
        }
        let positions = whole.positions
        #expect(whole.bars.count == 180)
        for (index, position) in positions.enumerated() {
            let until = index + 1 < positions.count ? positions[index + 1].end - 64 : whole.bytes.count
            // Taken since: everything up to the next position, or a part of it.
            let lines = (until - position.end) / 64
            let taken = Array(whole.bytes[position.end..<until])
            let resumed = try hub(settings, now: whole.now, lastPosition: position.data)
            for _ in 0..<40 { _ = try resumed.pull(budget: 40) }
            #expect(Array(resumed.bytes.prefix(lines * 64)) == taken, "position \(index)")
        }
    }

    @Test("without history a resumed run is the same byte for byte, positions included")
    func resumesExactly() throws {
        let end = begin + 20 * second
        let whole = try hub(settings("garch"))
        try whole.run(until: end)
        for (data, place) in whole.positions {
            let resumed = try hub(settings("garch"), now: begin + 21 * second, lastPosition: data)
            while true {
                guard case .more = try resumed.pull(budget: 100) else { break }
            }
            let rest = Array(whole.bytes[place...])
            #expect(Array(resumed.bytes.prefix(rest.count)) == rest)
        }
    }

    @Test("the first record is a position, so that a run cut short at once can go on")
    func firstPosition() throws {
        let hub = try hub(settings("gbm"))
        _ = try hub.pull(budget: 1)
        #expect(hub.positions.count == 1)
        #expect(hub.bytes.count == 64)
    }

    @Test("events come at the rate, on absolute deadlines, from one in three seconds to 200,000 a second")
    func rate() throws {
        for (rate, seconds) in [(1.0 / 3, 3000), (10, 100), (200_000, 1)] as [(Double, Int64)] {
            let hub = try hub(["rate": .number(rate), "kinds": ["trade"], "history": 0])
            try hub.run(until: begin + seconds * second - 1)
            let trades = hub.trades
            #expect(abs(Double(trades.count) - rate * Double(seconds)) <= 1)
            let strays = trades.enumerated().filter { index, trade in
                let due = Double(index) / ((rate * 1e6).rounded() / 1e6) * 1e9
                return abs(Double(trade.head.ts_event - begin) - due) > 1
            }
            #expect(strays.isEmpty, "rate \(rate)")
        }
    }

    @Test("nothing is emitted before it is due, and the time of the next event is told")
    func until() throws {
        let hub = try hub(["rate": 10, "kinds": ["trade"], "history": 0])
        #expect(try hub.pull(budget: 100) == .until(begin + 100_000_000))
        #expect(hub.trades.count == 1)
        hub.now += 99_999_999
        #expect(try hub.pull(budget: 100) == .until(begin + 100_000_000))
        #expect(hub.trades.count == 1)
        hub.now += 900_000_001
        #expect(try hub.pull(budget: 4) == .more)
        #expect(try hub.pull(budget: 100) == .until(begin + 1_100_000_000))
        #expect(hub.trades.count == 11)
    }

    @Test("prices lie on the tick grid without binary dust, quotes are a spread apart, trades print at bid or ask")
    func grid() throws {
        let hub = try hub(settings("jump"))
        try hub.run(until: begin + 60 * second)
        let ticks = [1: 0.01, 2: 0.05, 3: 0.01]
        for trade in hub.trades {
            let steps = (trade.price / ticks[Int(trade.head.stream)]!).rounded()
            #expect(trade.price == (steps * ticks[Int(trade.head.stream)]! * 100).rounded() / 100)
            #expect(trade.size >= 1 && trade.size == trade.size.rounded())
            #expect(trade.side == 1 || trade.side == 2)
        }
        for quote in hub.quotes {
            let tick = ticks[Int(quote.head.stream)]!
            #expect(abs((quote.ask - quote.bid) - (tick == 0.05 ? 0.05 : 0.02)) < 1e-9)
        }
        #expect(hub.quotes.count > hub.trades.count)
    }

    @Test("every book comes right after the quote of its first level, with five levels a side, best first")
    func books() throws {
        let hub = try hub(settings("gbm"))
        try hub.run(until: begin + 20 * second)
        var previous = hub_quote()
        var books = 0
        hub.forEachRecord { record, _ in
            if record.pointee.kind == 2 { previous = UnsafeRawPointer(record).load(as: hub_quote.self) }
            guard record.pointee.kind == 4 else { return }
            books += 1
            let book = UnsafeRawPointer(record).load(as: hub_book.self)
            #expect(book.bids == 5 && book.asks == 5 && record.pointee.lines == 5)
            let levels = (UnsafeRawPointer(record) + 40).assumingMemoryBound(to: hub_level.self)
            #expect(book.head.stream == previous.head.stream)
            #expect(levels[0].price == previous.bid && levels[0].size == previous.bid_size)
            #expect(levels[5].price == previous.ask && levels[5].size == previous.ask_size)
            for depth in 1..<5 {
                #expect(levels[depth].price < levels[depth - 1].price)
                #expect(levels[5 + depth].price > levels[4 + depth].price)
            }
        }
        #expect(books > 1000)
    }

    @Test("streams are described with currency, tick and lot, and every subscription is answered")
    func describes() throws {
        let hub = try hub(settings("gbm"))
        #expect(hub.host.described[2]?.currency == "INR")
        #expect(hub.host.described[2]?.tickSize == 0.05)
        #expect(hub.host.subscriptions == [1: 2, 2: 2, 3: 2])
    }

    /// Live records and history, without positions.
    static func split(_ bytes: [UInt8]) -> ([UInt8], [UInt8]) {
        var live: [UInt8] = []
        var history: [UInt8] = []
        var at = 0
        while at < bytes.count {
            let end = at + Int(bytes[at]) * 64
            if bytes[at + 1] == 5 {
                history += bytes[at..<end]
            } else if bytes[at + 1] != 128 {
                live += bytes[at..<end]
            }
            at = end
        }
        return (live, history)
    }
}

private let second: Int64 = 1_000_000_000
