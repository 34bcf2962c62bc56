import PluginKit
import Testing

@testable import PluginTestSupport
@testable import TwelveDataCore

private let frames = [
    #"{"event":"price","symbol":"BTC/USD","currency_base":"Bitcoin","currency_quote":"US Dollar","#
        + #""exchange":"Coinbase Pro","type":"Digital Currency","timestamp":1736157600,"price":98212.4,"#
        + #""bid":98210.1,"ask":98214.9,"day_volume":8123}"#,
    #"{"event":"heartbeat","status":"ok"}"#,
    #"{"event":"subscribe-status","status":"ok","success":[{"symbol":"AAPL","exchange":"NASDAQ","mic_code":"XNGS"}],"#
        + #""fails":["NOPE",{"symbol":"EUR/USD"}]}"#,
    #"{"status":"error","code":401,"message":"apikey parameter is incorrect"}"#,
]
private let streams: [(symbol: String, venue: String, handle: UInt32)] = [
    ("AAPL", "NASDAQ", 1), ("BTC/USD", "CRYPTO", 2), ("EUR/USD", "FX", 3),
]

@Suite("messages of TwelveData's stream")
struct FrameTests {
    @Test("the sample of a price is a tick of that second, without volume")
    func sample() throws {
        let (kind, records) = try frame(fixture("websocket_price_event.json"), streams)
        #expect(kind == .price(records: 1))
        #expect(records == [.tick(1, 1_631_772_000_000_000_000, 150.25, -1, 1)])
        #expect(try frame(fixture("websocket_heartbeat.json"), streams).0 == .heartbeat)
    }

    @Test("a price with bid and ask is a tick with the day's volume and a quote, never a trade")
    func quote() throws {
        let (kind, records) = try frame(Array(frames[0].utf8), streams)
        #expect(kind == .price(records: 2))
        let time: Int64 = 1_736_157_600_000_000_000
        #expect(records == [.tick(2, time, 98212.4, 8123, 0), .quote(2, time, 98210.1, 98214.9)])
        #expect(try frame(Array(frames[0].utf8), streams, kinds: .quote).1 == [.quote(2, time, 98210.1, 98214.9)])
        #expect(try frame(Array(frames[0].utf8), streams, kinds: .tick).1 == [.tick(2, time, 98212.4, 8123, 1)])
    }

    @Test("a symbol that two venues have goes to the stream of the venue that the message names")
    func venues() throws {
        let both: [(symbol: String, venue: String, handle: UInt32)] = [("VOD", "NASDAQ", 1), ("VOD", "LSE", 2)]
        func stream(_ more: String) throws -> [Shown] {
            try frame(Array(#"{"event":"price","symbol":"VOD","price":1,"timestamp":1\#(more)}"#.utf8), both).1
        }
        #expect(try stream(#","mic_code":"XNGS""#) == [.tick(1, 1_000_000_000, 1, -1, 1)])
        #expect(try stream(#","mic_code":"XLON""#) == [.tick(2, 1_000_000_000, 1, -1, 1)])
        #expect(try stream(#","exchange":"LSE""#) == [.tick(2, 1_000_000_000, 1, -1, 1)])
        #expect(try stream("").isEmpty)
    }

    @Test("answers to subscriptions name what streams and what does not, whatever their form")
    func statuses() throws {
        #expect(
            try frame(Array(frames[2].utf8), streams).0
                == .subscribed(
                    isOK: true, success: [TwelveDataItem(symbol: "AAPL", mic: "XNGS", exchange: "NASDAQ")],
                    fails: [TwelveDataItem(symbol: "NOPE"), TwelveDataItem(symbol: "EUR/USD")]))
        let none = #"{"event":"subscribe-status","status":"error","success":null,"fails":null}"#
        #expect(try frame(Array(none.utf8), streams).0 == .subscribed(isOK: false, success: [], fails: []))
    }

    @Test("errors come with an event and without one")
    func errors() throws {
        let error = TwelveDataFrame.failure(code: 401, "apikey parameter is incorrect")
        #expect(try frame(Array(frames[3].utf8), streams).0 == error)
        let event = #"{"event":"error","code":401,"message":"apikey parameter is incorrect"}"#
        #expect(try frame(Array(event.utf8), streams).0 == error)
        #expect(try frame(Array(#"{"event":"reset-status","status":"ok"}"#.utf8), streams).0 == .other("reset-status"))
        #expect(throws: PluginError.self) { try frame(Array("<html>".utf8), streams) }
    }

    @Test("prices as text and escaped slashes are read, a price that is none is not")
    func lenient() throws {
        let text = #"{"event":"price","symbol":"EUR\/USD","timestamp":"5","price":"1.25","bid":null,"ask":""}"#
        #expect(try frame(Array(text.utf8), streams).1 == [.tick(3, 5_000_000_000, 1.25, -1, 1)])
        let none = #"{"event":"price","symbol":"EUR/USD","timestamp":5,"price":"NaN"}"#
        #expect(try frame(Array(none.utf8), streams).1.isEmpty)
    }

    @Test("mutated messages are read or refused, and never make records that no hub would take")
    func mutations() {
        var random = Random(state: seed)
        var taken = 0
        for round in 0..<30_000 {
            let bytes = random.mutated(Array(frames[round % frames.count].utf8))
            guard let (_, records) = try? frame(bytes, streams) else { continue }
            taken += records.count
            for record in records {
                switch record {
                case .tick(let stream, _, let last, _, _):
                    #expect((1...3).contains(stream) && last.isFinite, "seed \(seed)")
                case .quote(let stream, _, let bid, let ask):
                    #expect((1...3).contains(stream) && (bid.isFinite || ask.isFinite), "seed \(seed)")
                default: Issue.record("\(record), seed \(seed)")
                }
            }
        }
        #expect(taken > 200, "seed \(seed)")
    }
}
