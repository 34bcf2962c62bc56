import PluginKit
import Testing

@testable import FinnhubCore
@testable import PluginTestSupport

private let second: Int64 = 1_000_000_000
private let begin: Int64 = 1_736_174_100 * second
private let registration = Registration.provider(Finnhub.self, Finnhub.descriptor)

private func hub(_ settings: Setting = ["api_key": "HUBSECRETkey"]) throws -> FakeVendorHub {
    try FakeVendorHub(registration, settings, now: begin)
}

/// A hub whose plugin is connected and streams these symbols.
private func connected(_ symbols: [String], _ settings: Setting = ["api_key": "HUBSECRETkey"]) throws -> FakeVendorHub {
    let hub = try hub(settings)
    try hub.start()
    try hub.want(symbols, kinds: [.trade, .tick])
    try hub.opened(1)
    return hub
}

private func sent(_ hub: FakeVendorHub) -> [String] { hub.host.vendor.sendings.map(\.text) }

private func subscribe(_ symbol: String) -> String { #"{"type":"subscribe","symbol":"\#(symbol)"}"# }

@Suite("the stream of Finnhub")
struct StreamTests {
    @Test("settings that are missing or no addresses are reported with their places")
    func settings() throws {
        let mistakes: [(Setting, String)] = [
            ([:], "/api_key"), (["api_key": "k", "symbols_per_connection": 0], "/symbols_per_connection"),
            (["api_key": "k", "rest_url": "finnhub.io"], "/rest_url"),
            (["api_key": "k", "websocket_url": "https://x"], "/websocket_url"),
        ]
        for (settings, pointer) in mistakes {
            #expect {
                try hub(settings).check()
            } throws: {
                ($0 as? Refusal)?.pointer == pointer
            }
        }
        try hub().check()
    }

    @Test("one connection with the key's token streams each symbol by a message of its own")
    func subscribing() throws {
        let hub = try connected(["NASDAQ:AAPL", "FX:EURUSD", "CRYPTO:BTCUSD"])
        #expect(hub.host.vendor.openings.map(\.url) == ["wss://ws.finnhub.io/?token=HUBSECRETkey"])
        #expect(hub.host.vendor.openings[0].idleAfterMilliseconds == 120_000)
        #expect(sent(hub) == [subscribe("AAPL"), subscribe("OANDA:EUR_USD")])
        // Finnhub has no composite of coins.
        #expect(hub.host.subscriptions == [1: 2, 2: 2, 3: 8])
        let text =
            #"{"data":[{"p":1.5,"s":"OANDA:EUR_USD","t":1,"v":0},{"p":2,"s":"AAPL","t":2,"v":3}],"type":"trade"}"#
        try hub.message(Array(text.utf8), isText: true, on: 1)
        let stream = try #require(hub.host.streams.firstIndex { $0.marketCentre == "OANDA" }) + 1
        #expect(hub.host.streams[stream - 1].symbol == "FX:EURUSD")
        #expect(shown(hub.take()) == [.tick(UInt32(stream), 1_000_000, 1.5, -1, 0), .trade(1, 2_000_000, 2, 3, 0, 1)])
    }

    @Test("subscriptions are paced, and those beyond the plan's number wait until a place is free")
    func pacing() throws {
        let symbols = (1...60).map { "NYSE:S\($0)" }
        let hub = try connected(symbols)
        #expect(sent(hub).count == 15)
        try hub.run(to: begin + 10 * second)
        #expect(sent(hub).count == 50)
        #expect(hub.host.subscriptions[50] == 2)
        #expect(hub.host.subscriptions[51] == 8)
        try hub.want(["NYSE:S1"], kinds: [])
        #expect(sent(hub).suffix(2) == [#"{"type":"unsubscribe","symbol":"S1"}"#, subscribe("S51")])
        #expect(hub.host.subscriptions[51] == 2)
    }

    @Test("a break is a gap from the last sign of life until everything is subscribed again")
    func gap() throws {
        let hub = try connected(["NYSE:A", "NYSE:B"])
        hub.now = begin + 5 * second
        try hub.message(Array(#"{"type":"ping"}"#.utf8), isText: true, on: 1)
        hub.now = begin + 60 * second
        try hub.closed(1, code: 1006)
        #expect(hub.host.gaps.map(\.from) == [begin + 5 * second])
        #expect(hub.host.gaps.map(\.to) == [0])
        #expect(hub.host.vendor.openings.count == 2)
        #expect(hub.host.feed.last?.state == 5 || hub.host.feed.last?.state == 4)
        hub.now = begin + 70 * second
        try hub.opened(1)
        #expect(hub.host.gaps.map(\.to) == [0, begin + 70 * second])
        #expect(sent(hub).suffix(2) == [subscribe("A"), subscribe("B")])
        #expect(hub.host.feed.last?.state == 2)
    }

    @Test("a refused key is not tried again, an outage and a limit are")
    func refusals() throws {
        let refused = try hub()
        try refused.start()
        try refused.want(["NYSE:A"], kinds: .trade)
        try refused.refused(1, status: 401, body: #"{"error":"Invalid API key"}"#)
        #expect(refused.host.feed.last?.state == 6)
        #expect(refused.host.subscriptions[1] == 8)
        try refused.run(to: begin + 3600 * second)
        #expect(refused.host.vendor.openings.count == 1)
        for status: UInt32 in [200, 429, 503] {
            let passing = try hub()
            try passing.start()
            try passing.want(["NYSE:A"], kinds: .trade)
            try passing.refused(1, status: status)
            try passing.run(to: begin + 29 * second)
            #expect(passing.host.vendor.openings.count == 1, "\(status)")
            try passing.run(to: begin + 31 * second)
            #expect(passing.host.vendor.openings.count == 2, "\(status)")
        }
    }

    @Test("a connection that is closed as soon as it is open is told as a key that is used elsewhere")
    func usedElsewhere() throws {
        let hub = try connected(["NYSE:A"])
        for _ in 0..<2 {
            try hub.closed(1, code: 1006)
            try hub.opened(1)
        }
        try hub.closed(1, code: 1006)
        #expect(hub.host.feed.last?.state == 3)
        #expect(hub.host.feed.last?.reason.contains("elsewhere") == true)
        #expect(hub.host.vendor.openings.count == 3)
        try hub.run(to: begin + 31 * second)
        #expect(hub.host.vendor.openings.count == 4)
    }

    @Test("an invalid symbol fails and is tried again later; too many symbols teach the plan's limit")
    func errorFrames() throws {
        let hub = try connected(["FX:EURUSD", "NYSE:A", "NYSE:B"])
        try hub.message(Array(#"{"msg":"Invalid symbol OANDA:EUR_USD","type":"error"}"#.utf8), isText: true, on: 1)
        #expect(hub.host.subscriptions == [1: 8, 2: 2, 3: 2])
        try hub.run(to: begin + 601 * second)
        #expect(sent(hub).last == subscribe("OANDA:EUR_USD"))
        #expect(hub.host.subscriptions[1] == 2)
        let small = try connected(["NYSE:A", "NYSE:B", "NYSE:C"])
        try small.message(Array(#"{"type":"error","msg":"Subscribing to too many symbols"}"#.utf8), isText: true, on: 1)
        #expect(small.host.subscriptions == [1: 2, 2: 2, 3: 8])
        try small.want(["NYSE:A"], kinds: [])
        #expect(small.host.subscriptions[3] == 2)
    }

    @Test("how messages are grouped into callbacks does not change what is emitted")
    func grouping() throws {
        let texts = (0..<50).map { index in
            #"{"data":[{"p":\#(100 + index),"s":"A","t":\#(index + 1),"v":1},{"p":5,"s":"B","t":9,"v":2}],"type":"trade"}"#
        }
        let one = try connected(["NYSE:A", "NYSE:B"])
        for text in texts { try one.message(Array(text.utf8), isText: true, on: 1) }
        let other = try connected(["NYSE:A", "NYSE:B"])
        var taken: [UInt8] = []
        for text in texts {
            try other.message(Array(text.utf8), isText: true, on: 1)
            other.now += second
            taken += other.take()
        }
        #expect(one.take() == taken)
        #expect(taken.count == 100 * 64)
    }
}
