import PluginABI
import PluginKit
import Testing

@testable import PluginTestSupport
@testable import ReplayCore

private let registration = Registration.pullProvider(Replay.self, Replay.descriptor)
private let begin: Int64 = 1_736_174_100_000_000_000

private func hub(
    _ settings: Setting, _ symbols: [String] = ["ARCA:SPY"], now: Int64 = begin, lastPosition: [UInt8]? = nil
) throws -> FakeHub {
    let hub = try FakeHub(registration, settings, now: now, lastPosition: lastPosition)
    try hub.check()
    try hub.start(symbols)
    return hub
}

private func file(_ path: String, _ symbol: String = "ARCA:SPY", _ kind: String = "trade") -> Setting {
    ["path": .text(path), "symbol": .text(symbol), "kind": .text(kind)]
}

@Suite("playing files")
struct ReplayRunTests {
    @Test("every row of a file comes once, in order, with its numbers", arguments: ["plain", "gzip"])
    func whole(packing: String) throws {
        let folder = TestFolder()
        let made = MadeTrades(30_000, seed: 11)
        let path = packing == "gzip" ? folder.gzip("t.csv.gz", made.text) : folder.plain("t.csv", made.text)
        let hub = try hub(["files": [file(path)], "speed": "max"])
        #expect(try hub.run())
        let trades = hub.trades
        #expect(trades.count == made.trades.count)
        let centres = ["P": "", "Q": "NASDAQ", "Z": "BATS", "N": "NYSE", "T": "NASDAQ"] as [Character: String]
        for (trade, expected) in zip(trades, made.trades) {
            #expect(trade.head.ts_event == expected.time && trade.price == expected.price)
            #expect(trade.size == expected.size && trade.head.flags == RecordFlags.recorded.rawValue)
            #expect(trade.conditions == 0)
            let stream = hub.host.streams[Int(trade.head.stream) - 1]
            #expect(stream.symbol == "ARCA:SPY" && stream.marketCentre == centres[expected.exchange])
        }
        #expect(hub.host.subscriptions == [1: 2])
    }

    @Test("columns may stand in any order, with others between them, and lines may end as on Windows")
    func columns() throws {
        let folder = TestFolder()
        let path = folder.plain(
            "t.csv",
            "size,note,ts_event_ns,suspicious,price\r\n100,\"x y\",1381219217034000000,1,167.42\r\n\r\n5,,1381219217034000001,0,-0.5"
        )
        let hub = try hub(["files": [file(path)], "speed": "max"])
        #expect(try hub.run())
        #expect(hub.trades.map(\.price) == [167.42, -0.5])
        #expect(hub.trades.map(\.size) == [100, 5])
        #expect(
            hub.trades.map(\.head.flags)
                == [(RecordFlags.recorded.union(.suspect)).rawValue, RecordFlags.recorded.rawValue])
        #expect(hub.host.log.isEmpty)
    }

    @Test("several files come merged by time, of equal times the file named first comes first")
    func merging() throws {
        let folder = TestFolder()
        var settings: [Setting] = []
        var expected: [(time: Int64, file: Int, price: Double)] = []
        for index in 0..<4 {
            let made = MadeTrades(3000, seed: UInt64(index + 21), meanGap: 3)
            settings.append(file(folder.gzip("\(index).csv.gz", made.text), "SIM:S\(index)"))
            expected += made.trades.map { ($0.time, index, $0.price) }
        }
        let sorted = expected.enumerated().sorted {
            ($0.element.time, $0.element.file, $0.offset) < ($1.element.time, $1.element.file, $1.offset)
        }
        let hub = try hub(["files": .list(settings), "speed": "max"], (0..<4).map { "SIM:S\($0)" })
        #expect(try hub.run(budget: 33))
        let trades = hub.trades
        #expect(trades.count == 12_000)
        for (trade, row) in zip(trades, sorted) {
            let stream = hub.host.streams[Int(trade.head.stream) - 1]
            #expect(stream.symbol == "SIM:S\(row.element.file)")
            #expect(trade.head.ts_event == row.element.time && trade.price == row.element.price)
        }
    }

    @Test("a bar comes when it is over, between the trades of its file's neighbours")
    func bars() throws {
        let folder = TestFolder()
        let trades = folder.plain(
            "t.csv", "ts_event_ns,price,size\n59999999999,1,1\n60000000000,2,1\n60000000001,3,1\n")
        let bars = folder.plain("b.csv", "ts_open_ns,open,high,low,close,volume\n0,10,12,9,11,500.25\n")
        let hub = try hub(
            ["files": [file(bars, "ARCA:SPY", "bar:1m"), file(trades)], "speed": "max"])
        #expect(try hub.run())
        var kinds: [UInt8] = []
        hub.forEachRecord { record, _ in if record.pointee.kind != 128 { kinds.append(record.pointee.kind) } }
        #expect(kinds == [1, 5, 1, 1])
        let bar = try #require(hub.bars.first)
        #expect(bar.head.ts_event == 0 && bar.interval == 60 && bar.state == 1 && bar.built_from == 5)
        #expect(bar.open == 10 && bar.high == 12 && bar.low == 9 && bar.close == 11 && bar.volume == 500.25)
        #expect(bar.notional.isNaN && bar.open_interest.isNaN && bar.count == 0)
    }

    @Test("a quote with one side keeps the other side of its exchange")
    func quotes() throws {
        let folder = TestFolder()
        let path = folder.plain(
            "q.csv",
            """
            ts_event_ns,bid,bid_size,ask,ask_size,exchange
            1,180.01,200,0,0,P
            2,0,0,182.62,100,P
            3,180.5,300,181,400,N
            4,180.02,100,,,P
            5,0,0,180.9,50,N
            """)
        let hub = try hub(["files": [file(path, "NYSE:IBM", "quote")], "speed": "max"], ["NYSE:IBM"])
        #expect(try hub.run())
        let quotes = hub.quotes
        func same(_ quote: hub_quote, _ centre: String, _ values: [Double]) -> Bool {
            hub.host.streams[Int(quote.head.stream) - 1].marketCentre == centre
                && zip([quote.bid, quote.bid_size, quote.ask, quote.ask_size], values).allSatisfy {
                    $0 == $1 || $0.isNaN && $1.isNaN
                }
        }
        try #require(quotes.count == 5)
        #expect(same(quotes[0], "ARCA", [180.01, 200, .nan, .nan]))
        #expect(same(quotes[1], "ARCA", [180.01, 200, 182.62, 100]))
        #expect(same(quotes[2], "", [180.5, 300, 181, 400]))
        #expect(same(quotes[3], "ARCA", [180.02, 100, 182.62, 100]))
        #expect(same(quotes[4], "", [180.5, 300, 180.9, 50]))
    }

    @Test("condition bits of the sample data become the hub's conditions")
    func conditions() throws {
        let known: [(UInt64, TradeConditions)] = [
            (0, []), (0x1, []), (0x2000_0001, []), (0x20, .sweep), (0x2000_0020, .sweep),
            (0x2000_2020, [.sweep, .extendedHours]), (0x2000, .extendedHours), (0x40, .auctionOpen),
            (0x80, .auctionClose), (0x10_2000, [.averagePrice, .extendedHours]), (0x2, .other),
            (0x8000_0000, .oddLot), (0x4_2000, [.contingent, .extendedHours]), (0x20_0000, .cross),
            (0x1_0000_0000, .other), (0x4000, .outOfSequence),
        ]
        for (mask, expected) in known { #expect(TapeCodes.conditions(mask) == expected, "\(mask)") }
        let folder = TestFolder()
        let path = folder.plain("t.csv", "ts_event_ns,price,size,condition\n1,2,3,20002020\n2,2,3,\n")
        let hub = try hub(["files": [file(path)], "speed": "max"])
        try hub.run()
        #expect(hub.trades.map(\.conditions) == [(TradeConditions([.sweep, .extendedHours])).rawValue, 0])
    }

    @Test("a file nobody wants is read past, and an instrument without a file is told so")
    func unwanted() throws {
        let folder = TestFolder()
        let one = folder.plain("1.csv", MadeTrades(10_000, seed: 1).text)
        let two = folder.plain("2.csv", MadeTrades(10, seed: 2).text)
        let hub = try hub(["files": [file(one, "SIM:A"), file(two, "SIM:B")], "speed": "max"], ["SIM:B", "SIM:C"])
        #expect(try hub.run())
        #expect(hub.trades.count == 10)
        #expect(hub.host.subscriptions == [1: 2, 2: 8])
    }
}

@Suite("going on from a position")
struct ReplayResumeTests {
    @Test("a run that goes on from any position emits exactly the rest", arguments: [false, true])
    func resumes(paced: Bool) throws {
        let folder = TestFolder()
        let quotes =
            "ts_event_ns,bid,bid_size,ask,ask_size,exchange\n"
            + (0..<4000).map { index in
                let time = 1_381_219_200_000_000_000 + Int64(index) * 300_000_000
                return index % 3 == 0
                    ? "\(time),\(index),1,0,0,P\n" : "\(time),0,0,\(index + 9),2,\(index % 2 == 0 ? "P" : "Q")\n"
            }.joined()
        let settings: Setting = [
            "files": [
                file(folder.gzip("t.csv.gz", MadeTrades(4000, seed: 3).text)),
                file(folder.plain("q.csv", quotes), "ARCA:SPY", "quote"),
            ],
            "speed": paced ? 50 : "max",
        ]
        let whole = try hub(settings)
        #expect(try whole.run())
        let positions = whole.positions
        #expect(positions.count >= 8)
        for (data, place) in positions {
            let resumed = try hub(settings, lastPosition: data)
            #expect(try resumed.run())
            // Handles of market centres are given out anew, so streams are compared by what they name.
            #expect(Self.named(resumed, from: 0) == Self.named(whole, from: place))
        }
    }

    private static func named(_ hub: FakeHub, from place: Int) -> [String] {
        var lines: [String] = []
        hub.forEachRecord { record, at in
            guard at >= place else { return }
            let stream = Int(record.pointee.stream)
            let name = stream == 0 ? "" : "\(hub.host.streams[stream - 1])"
            let body = hub.bytes[(at + 8)..<(at + Int(record.pointee.lines) * 64)]
            lines.append("\(record.pointee.kind) \(name) \(body.hashValue)")
        }
        return lines
    }

    @Test("going on after the end ends at once")
    func afterEnd() throws {
        let folder = TestFolder()
        let settings: Setting = [
            "files": [file(folder.plain("t.csv", MadeTrades(3000, seed: 4).text))], "speed": "max",
        ]
        let whole = try hub(settings)
        try whole.run()
        #expect(whole.positions.last?.end == whole.bytes.count)
        let resumed = try hub(settings, lastPosition: whole.positions.last?.data)
        #expect(try resumed.pull(budget: 10) == .end)
        #expect(resumed.bytes.isEmpty)
    }

    @Test("files that changed since are refused, not played from the wrong row")
    func changedFiles() throws {
        let folder = TestFolder()
        let made = MadeTrades(3000, seed: 5)
        let settings: Setting = ["files": [file(folder.plain("t.csv", made.text))], "speed": "max"]
        let whole = try hub(settings)
        try whole.run()
        let position = whole.positions[2].data
        _ = folder.plain("t.csv", MadeTrades(3000, seed: 6).text)
        let refusal = #expect(throws: Refusal.self) { try hub(settings, lastPosition: position).run() }
        #expect(refusal?.text.contains("their contents differ") == true)
        _ = folder.plain("t.csv", MadeTrades(100, seed: 5).text)
        let cut = #expect(throws: Refusal.self) { try hub(settings, lastPosition: position).run() }
        #expect(cut?.text.contains("end after 100") == true)
    }

    @Test("a loop shifts each pass by whole days, so that time goes on, and goes on in any pass")
    func looping() throws {
        let folder = TestFolder()
        let made = MadeTrades(2500, seed: 7)
        let settings: Setting = [
            "files": [file(folder.gzip("t.csv.gz", made.text))], "speed": "max", "loop": true,
        ]
        let whole = try hub(settings)
        try whole.run(records: 9000)
        let trades = whole.trades
        let day: Int64 = 86_400_000_000_000
        for (index, trade) in trades.enumerated() {
            let expected = made.trades[index % 2500]
            #expect(trade.head.ts_event == expected.time + Int64(index / 2500) * day)
            #expect(trade.price == expected.price)
        }
        for (data, place) in whole.positions {
            let resumed = try hub(settings, lastPosition: data)
            try resumed.run(records: 2000)
            let rest = Array(Self.named(whole, from: place).prefix(1500))
            #expect(Array(Self.named(resumed, from: 0).prefix(rest.count)) == rest)
        }
        // Two days of data are shifted by two days.
        let long = folder.plain("l.csv", "ts_event_ns,price,size\n0,1,1\n\(day + 5),2,1\n")
        let two = try hub(["files": [file(long)], "speed": "max", "loop": true])
        try two.run(records: 8)
        #expect(two.trades.prefix(4).map(\.head.ts_event) == [0, day + 5, 2 * day, 3 * day + 5])
    }
}

@Suite("pace")
struct ReplayPaceTests {
    @Test(
        "rows come when their time has come, by the distance from the first, at any factor", arguments: [1.0, 60, 0.5])
    func paced(speed: Double) throws {
        let folder = TestFolder()
        let path = folder.plain(
            "t.csv", "ts_event_ns,price,size\n1000000000,1,1\n1000000000,2,1\n4000000000,3,1\n7000000000,4,1\n")
        let hub = try hub(["files": [file(path)], "speed": .number(speed)])
        let step = Int64(3e9 / speed)
        #expect(try hub.pull(budget: 100) == .until(begin + step))
        #expect(hub.trades.count == 2)
        hub.now = begin + step - 1
        #expect(try hub.pull(budget: 100) == .until(begin + step))
        #expect(hub.trades.count == 2)
        // A late call does not delay what follows.
        hub.now = begin + step + step / 2
        #expect(try hub.pull(budget: 100) == .until(begin + 2 * step))
        #expect(hub.trades.count == 3)
        hub.now = begin + 2 * step
        #expect(try hub.pull(budget: 100) == .end)
        #expect(hub.trades.count == 4)
    }

    @Test("a paced run says about every second where it can go on, so little is played again")
    func positions() throws {
        let folder = TestFolder()
        let rows = (0..<50).map { "\(Int64($0) * 400_000_000),1,1\n" }.joined()
        let path = folder.plain("t.csv", "ts_event_ns,price,size\n" + rows)
        let hub = try hub(["files": [file(path)], "speed": 1])
        try hub.run()
        #expect(hub.positions.count >= 17 && hub.positions.count <= 20)
    }

    @Test("no more than the budget is emitted in one call")
    func budget() throws {
        let folder = TestFolder()
        let hub = try hub(["files": [file(folder.plain("t.csv", MadeTrades(50, seed: 8).text))], "speed": "max"])
        var before = 0
        while true {
            let result = try hub.pull(budget: 7)
            #expect(hub.bytes.count - before <= 7 * 64)
            before = hub.bytes.count
            if result == .end { break }
        }
        #expect(hub.trades.count == 50)
    }
}
