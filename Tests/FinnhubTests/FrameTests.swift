import PluginKit
import Testing

@testable import FinnhubCore
@testable import PluginTestSupport

private let frames = [
    #"{"data":[{"c":["1","12"],"p":243.15,"s":"AAPL","t":1736174100123,"v":100},"#
        + #"{"c":null,"p":98212.41,"s":"BINANCE:BTCUSDT","t":1736174100200,"v":0.00153}],"type":"trade"}"#,
    #"{"type":"ping"}"#,
    #"{"msg":"Invalid symbol OANDA:EUR_USD","type":"error"}"#,
    #"{"data":[{"category":"company","datetime":1,"headline":"x","id":1}],"type":"news"}"#,
    #"{"type":"trade","data":[{"v":0,"t":1736174100300,"s":"OANDA:EUR_USD","p":1.03125}]}"#,
]
private let streams: [(String, UInt32)] = [("AAPL", 1), ("BINANCE:BTCUSDT", 2), ("OANDA:EUR_USD", 3)]

@Suite("frames of Finnhub's stream")
struct FrameTests {
    @Test("the vendor's one-trade sample is a trade of that price, size and millisecond")
    func sample() throws {
        let (kind, records) = try frame(fixture("websocket-trades.json"), [("BINANCE:BTCUSDT", 9)])
        #expect(kind == .trades(records: 1, unknown: 0, bad: 0))
        #expect(records == [.trade(9, 1_575_526_691_134_000_000, 7296.89, 0.011467, 0, 1)])
    }

    @Test("a frame has trades of several symbols, and conditions where the vendor names them")
    func several() throws {
        let (kind, records) = try frame(Array(frames[0].utf8), streams)
        #expect(kind == .trades(records: 2, unknown: 0, bad: 0))
        let oddLot: TradeConditions = [.oddLot, .notLast, .notHighLow]
        #expect(
            records == [
                .trade(1, 1_736_174_100_123_000_000, 243.15, 100, oddLot.rawValue, 0),
                .trade(2, 1_736_174_100_200_000_000, 98212.41, 0.00153, 0, 1),
            ])
    }

    @Test("a change of the price without a size is a tick, never a trade")
    func withoutSize() throws {
        let (_, records) = try frame(Array(frames[4].utf8), streams)
        #expect(records == [.tick(3, 1_736_174_100_300_000_000, 1.03125, -1, 1)])
        let missing = #"{"data":[{"p":2,"s":"AAPL","t":1}],"type":"trade"}"#
        #expect(try frame(Array(missing.utf8), streams).1 == [.tick(1, 1_000_000, 2, -1, 1)])
        #expect(try frame(Array(frames[4].utf8), streams, kinds: .trade).1.isEmpty)
    }

    @Test("signs of life, errors and news are told apart wherever the type stands")
    func others() throws {
        #expect(try frame(Array(frames[1].utf8), streams).0 == .ping)
        #expect(try frame(Array(frames[2].utf8), streams).0 == .failure("Invalid symbol OANDA:EUR_USD"))
        #expect(try frame(Array(frames[3].utf8), streams).0 == .other("news"))
        #expect(try frame(Array(#"{"type":"trade","data":null}"#.utf8), streams).1.isEmpty)
    }

    @Test("where the data stands and how the message ends does not change what is read")
    func order() throws {
        let items = #"[{"p":2,"s":"AAPL","t":1,"v":3}]"#
        for text in [
            #"{"data":\#(items),"type":"trade"}"#, #"{"data":\#(items),"type":"trade"} "#,
            #"{"type":"trade","data":\#(items)}"#, #"{"data": \#(items), "type": "trade", "x": 1}"#,
        ] {
            #expect(try frame(Array(text.utf8), streams).1 == [.trade(1, 1_000_000, 2, 3, 0, 1)], "\(text)")
        }
        // Of two types the last one counts, as with every key.
        let twice = #"{"data":\#(items),"x":{"type":"trade"},"type":"news","type":"trade"}"#
        #expect(try frame(Array(twice.utf8), streams).0 == .trades(records: 1, unknown: 0, bad: 0))
        #expect(throws: PluginError.self) {
            try frame(Array(#"{"data":\#(items),"x":"type":"trade"}"#.utf8), streams)
        }
    }

    @Test("an item without a price is counted, one of an unknown symbol passed, the others stay")
    func badItems() throws {
        let text =
            #"{"data":[{"s":"AAPL","t":1,"v":1},{"s":"X","p":1,"v":1},{"s":"AAPL","p":"7","v":"2","t":"5"},"#
            + #"{"s":null,"p":1,"v":1}],"type":"trade"}"#
        let (kind, records) = try frame(Array(text.utf8), streams)
        #expect(kind == .trades(records: 1, unknown: 2, bad: 1))
        #expect(records == [.trade(1, 5_000_000, 7, 2, 0, 1)])
    }

    @Test("every code of a condition has a bit but those of an ordinary trade")
    func conditions() {
        #expect(FinnhubConditions.bits(1) == [])
        #expect(FinnhubConditions.bits(8) == .sweep)
        #expect(FinnhubConditions.bits(24) == .extendedHours)
        #expect(FinnhubConditions.bits(3).contains([.averagePrice, .notLast]))
        for code in 2...60 where ![1, 7].contains(code) { #expect(!FinnhubConditions.bits(code).isEmpty, "\(code)") }
    }

    @Test("a frame that is cut off is an error that tells the byte, and emits nothing")
    func cut() {
        #expect {
            try frame(Array(frames[0].utf8.prefix(100)), streams)
        } throws: { error in
            let error = error as? PluginError
            return error?.status == .protocolViolation && error?.text.contains("byte 100") == true
        }
    }

    @Test("mutated frames are read or refused, and never make records that no hub would take")
    func mutations() {
        var random = Random(state: seed)
        var taken = 0
        for round in 0..<30_000 {
            let bytes = random.mutated(Array(frames[round % frames.count].utf8))
            guard let (_, records) = try? frame(bytes, streams) else { continue }
            taken += records.count
            for record in records {
                switch record {
                case .trade(let stream, _, let price, let size, _, _):
                    #expect((1...3).contains(stream) && price.isFinite && size > 0 && size.isFinite, "seed \(seed)")
                case .tick(let stream, _, let last, _, _):
                    #expect((1...3).contains(stream) && last.isFinite, "seed \(seed)")
                default: Issue.record("\(record), seed \(seed)")
                }
            }
        }
        #expect(taken > 200, "seed \(seed)")
    }
}
