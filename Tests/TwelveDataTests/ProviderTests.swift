import PluginKit
import Testing

@testable import PluginTestSupport
@testable import TwelveDataCore

private let second: Int64 = 1_000_000_000
/// The middle of a minute.
private let begin: Int64 = 1_736_157_630 * second
private let registration = Registration.provider(TwelveData.self, TwelveData.descriptor)

private func hub(_ settings: Setting = ["api_key": "HUBSECRETkey"]) throws -> FakeVendorHub {
    try FakeVendorHub(registration, settings, now: begin)
}

private func connected(_ symbols: [String]) throws -> FakeVendorHub {
    let hub = try hub()
    try hub.start()
    try hub.want(symbols, kinds: [.tick, .quote])
    try hub.opened(1)
    return hub
}

private func sent(_ hub: FakeVendorHub) -> [String] { hub.host.vendor.sendings.map(\.text) }

@Suite("the stream of TwelveData")
struct StreamTests {
    @Test("settings that are missing, no plan or no addresses are reported with their places")
    func settings() throws {
        let mistakes: [(Setting, String)] = [
            ([:], "/api_key"), (["api_key": "k", "plan": "gold"], "/plan"),
            (["api_key": "k", "spare_credits": -1], "/spare_credits"),
            (["api_key": "k", "rest_url": "x"], "/rest_url"),
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

    @Test("all symbols are asked for in one message, and each answer is the subscription's state")
    func subscribing() throws {
        let hub = try connected(["NASDAQ:AAPL", "FX:EURUSD", "BINANCE:BTCUSDT", "MOON:X"])
        #expect(hub.host.vendor.openings.map(\.url) == ["wss://ws.twelvedata.com/v1/quotes/price?apikey=HUBSECRETkey"])
        #expect(hub.host.vendor.openings[0].idleAfterMilliseconds == 25_000)
        #expect(
            sent(hub) == [
                #"{"action":"subscribe","params":{"symbols":[{"symbol":"AAPL","mic_code":"XNAS"},"#
                    + #"{"symbol":"EUR/USD","type":"Forex"},{"symbol":"BTC/USDT","exchange":"Binance"}]}}"#
            ])
        #expect(hub.host.subscriptions == [4: 8])
        let status =
            #"{"event":"subscribe-status","status":"ok","success":[{"symbol":"AAPL","exchange":"NASDAQ","#
            + #""mic_code":"XNGS"},{"symbol":"EUR/USD"}],"fails":[{"symbol":"BTC/USDT","exchange":"Binance"}]}"#
        try hub.message(Array(status.utf8), isText: true, on: 1)
        #expect(hub.host.subscriptions == [1: 2, 2: 2, 3: 8, 4: 8])
        try hub.want(["FX:EURUSD"], kinds: [])
        #expect(
            sent(hub).last == #"{"action":"unsubscribe","params":{"symbols":[{"symbol":"EUR/USD","type":"Forex"}]}}"#)
    }

    @Test("a heartbeat leaves every ten seconds while the connection is open")
    func heartbeat() throws {
        let hub = try connected(["NASDAQ:AAPL"])
        try hub.run(to: begin + 35 * second)
        #expect(sent(hub).dropFirst() == Array(repeating: #"{"action":"heartbeat"}"#, count: 3)[...])
        try hub.closed(1, code: 1006)
        #expect(hub.host.vendor.timers.isEmpty)
    }

    @Test("a break is a gap from the last sign of life until everything is asked for again")
    func gap() throws {
        let hub = try connected(["NASDAQ:AAPL"])
        hub.now = begin + 12 * second
        try hub.message(Array(#"{"event":"heartbeat","status":"ok"}"#.utf8), isText: true, on: 1)
        hub.now = begin + 40 * second
        try hub.closed(1, code: 1006)
        hub.now = begin + 45 * second
        try hub.opened(1)
        #expect(hub.host.gaps.map(\.from) == [begin + 12 * second, begin + 12 * second])
        #expect(hub.host.gaps.map(\.to) == [0, begin + 45 * second])
        #expect(sent(hub).count == 2)
        #expect(sent(hub)[0] == sent(hub)[1])
    }

    @Test("a key refused in any of three forms is not tried again; other refusals are")
    func refusals() throws {
        let error = #"{"code":401,"message":"apikey parameter is incorrect","status":"error"}"#
        for (status, body) in [(401, ""), (403, ""), (200, error)] as [(UInt32, String)] {
            let hub = try hub()
            try hub.start()
            try hub.want(["NASDAQ:AAPL"], kinds: .tick)
            try hub.refused(1, status: status, body: body)
            #expect(hub.host.feed.last?.state == 6, "\(status)")
            try hub.run(to: begin + 3600 * second)
            #expect(hub.host.vendor.openings.count == 1, "\(status)")
        }
        for status: UInt32 in [400, 429, 503] {
            let hub = try hub()
            try hub.start()
            try hub.want(["NASDAQ:AAPL"], kinds: .tick)
            try hub.refused(1, status: status)
            try hub.run(to: begin + 31 * second)
            #expect(hub.host.vendor.openings.count == 2, "\(status)")
        }
    }

    @Test("trades are never promised")
    func trades() throws {
        let hub = try hub()
        try hub.start()
        try hub.want(["NASDAQ:AAPL"], kinds: .trade)
        #expect(hub.host.subscriptions == [1: 8])
        #expect(hub.host.vendor.openings.isEmpty)
    }
}

@Suite("questions to TwelveData")
struct QueryTests {
    private func started(_ settings: Setting = ["api_key": "HUBSECRETkey", "rest_url": "http://h"]) throws
        -> FakeVendorHub
    {
        let hub = try hub(settings)
        try hub.start()
        return hub
    }

    @Test("one quote is asked for by parameters, several by a list, each answered in its place")
    func quotes() throws {
        let hub = try started()
        try hub.query(Query(identifier: 1, kind: .quotes, symbols: ["NASDAQ:AAPL"]))
        var request = try #require(hub.host.vendor.requests.last)
        #expect(request.url == "http://h/quote?symbol=AAPL&mic_code=XNAS")
        #expect(request.headers["Authorization"] == "apikey HUBSECRETkey")
        try hub.response(request.number, status: 200, body: fixture("quote.json"))
        #expect(
            shown(hub.host.vendor.answers[1]?.records ?? [])
                == [.tick(1, 1_631_772_000 * second, 148.85001, 67_903_927, 0)])
        try hub.query(Query(identifier: 2, kind: .quotes, symbols: ["FX:EURUSD", "NASDAQ:AAPL", "NYSE:NOPE"]))
        request = try #require(hub.host.vendor.requests.last)
        #expect(request.url == "http://h/quote?symbol=EUR%2FUSD%2CAAPL%3ANASDAQ%2CNOPE%3ANYSE")
        #expect(request.cost == 3)
        let body =
            #"{"AAPL:NASDAQ":{"close":"2","timestamp":5},"EUR/USD":{"close":"1.1","timestamp":6},"#
            + #""NOPE:NYSE":{"code":404,"message":"x","status":"error"}}"#
        try hub.response(request.number, status: 200, body: Array(body.utf8))
        #expect(
            shown(hub.host.vendor.answers[2]?.records ?? [])
                == [.tick(1, 6 * second, 1.1, -1, 0), .tick(2, 5 * second, 2, -1, 0)])
        #expect(hub.host.vendor.answers[2]?.status == 0)
    }

    @Test("bars are asked for in UTC, one step more than wanted, and answered without what is too much")
    func bars() throws {
        let hub = try started()
        let from: Int64 = 1_736_154_000 * second
        try hub.query(
            Query(
                identifier: 1, kind: .bars, symbols: ["NASDAQ:MSFT"], interval: 300, fromNanoseconds: from,
                toNanoseconds: from + 600 * second))
        let request = try #require(hub.host.vendor.requests.last)
        #expect(
            request.url == "http://h/time_series?symbol=MSFT&mic_code=XNAS&interval=5min&outputsize=5000&order=asc"
                + "&timezone=UTC&start_date=2025-01-06%2009%3A00%3A00&end_date=2025-01-06%2009%3A15%3A00")
        func bar(_ time: String) -> String {
            #"{"datetime":"2025-01-06 \#(time):00","open":"1","high":"2","low":"0.5","close":"1.5","volume":"7"}"#
        }
        let body =
            #"{"meta":{"symbol":"MSFT"},"values":[\#(["09:15", "09:10", "09:05", "09:00"].map(bar).joined(separator: ","))],"status":"ok"}"#
        try hub.response(request.number, status: 200, body: Array(body.utf8))
        #expect(
            shown(hub.host.vendor.answers[1]?.records ?? [])
                == [
                    .bar(1, from, 300, [1, 2, 0.5, 1.5, 7]),
                    .bar(1, from + 300 * second, 300, [1, 2, 0.5, 1.5, 7]),
                ])
        try hub.query(Query(identifier: 2, kind: .bars, symbols: ["NASDAQ:MSFT"], interval: 86_400))
        let none =
            #"{"code":400,"message":"No data is available on the specified dates. Try setting different start/end dates.","status":"error"}"#
        try hub.response(try #require(hub.host.vendor.requests.last).number, status: 400, body: Array(none.utf8))
        #expect(hub.host.vendor.answers[2]?.status == 0)
        #expect(hub.host.vendor.answers[2]?.records.isEmpty == true)
    }

    @Test("calls beyond the minute's credits wait for the next minute of the clock, or fail where nobody waits so long")
    func credits() throws {
        let hub = try started()
        for index in 0..<9 {
            try hub.query(Query(identifier: UInt64(index + 1), kind: .quotes, symbols: ["NYSE:S\(index)"]))
        }
        // Eight of the smallest plan, one to spare.
        #expect(hub.host.vendor.requests.count == 7)
        try hub.query(
            Query(identifier: 20, kind: .quotes, symbols: ["NYSE:X"], deadlineNanoseconds: begin + 10 * second))
        #expect(hub.host.vendor.answers[20]?.status == PluginError.Status.rateLimit.rawValue)
        try hub.run(to: begin + 29 * second)
        #expect(hub.host.vendor.requests.count == 7)
        try hub.run(to: begin + 30 * second)
        #expect(hub.host.vendor.requests.count == 9)
    }

    @Test("the plan's credits are learnt from answers, and a spent minute holds everything back")
    func learning() throws {
        let hub = try started()
        try hub.query(Query(identifier: 1, kind: .quotes, symbols: ["NYSE:A"]))
        try hub.response(
            1, status: 200, headers: [("api-credits-used", "1"), ("api-credits-left", "376")],
            body: fixture("quote.json"))
        for index in 2..<102 {
            try hub.query(Query(identifier: UInt64(index), kind: .quotes, symbols: ["NYSE:A"]))
        }
        #expect(hub.host.vendor.requests.count == 101)
        try hub.response(2, status: 200, body: fixture("error_429.json"))
        #expect(hub.host.vendor.answers[2]?.status == PluginError.Status.rateLimit.rawValue)
        #expect(hub.host.vendor.limits == ["default": begin + 30 * second])
        try hub.query(Query(identifier: 200, kind: .quotes, symbols: ["NYSE:A"]))
        #expect(hub.host.vendor.requests.count == 101)
        try hub.run(to: begin + 31 * second)
        #expect(hub.host.vendor.requests.count == 102)
    }

    @Test("what the plan does not include is learnt once; a refused key is told")
    func entitlement() throws {
        let hub = try started()
        let refused =
            #"{"code":403,"message":"/profile is available exclusively with grow or pro plans.","status":"error"}"#
        let query = Query(identifier: 1, kind: .profile, symbols: ["NYSE:A"])
        try hub.query(query)
        #expect(hub.host.vendor.requests[0].cost == 10)
        try hub.response(1, status: 200, body: Array(refused.utf8))
        #expect(hub.host.vendor.answers[1]?.status == PluginError.Status.entitlement.rawValue)
        #expect {
            try hub.query(query)
        } throws: {
            ($0 as? Refusal)?.status == PluginError.Status.entitlement.rawValue
        }
        #expect(hub.host.feed.last?.state == 2)
        hub.now += 60 * second
        try hub.query(Query(identifier: 2, kind: .quotes, symbols: ["NYSE:A"]))
        try hub.response(2, status: 401, body: fixture("error_401.json"))
        #expect(hub.host.feed.last?.state == 6)
    }

    @Test("the catalogue is four lists, told as one; a list that fails leaves the earlier one")
    func catalogue() throws {
        let hub = try started()
        try hub.refreshCatalog()
        for (name, path) in [
            ("stocks", "/stocks?country=United%20States"), ("etfs_list", "/etfs?country=United%20States"),
            ("forex_pairs", "/forex_pairs"), ("cryptocurrencies", "/cryptocurrencies"),
        ] {
            let request = try #require(hub.host.vendor.requests.last)
            #expect(request.url == "http://h\(path)")
            #expect(hub.host.vendor.catalogs.isEmpty)
            try hub.response(request.number, status: 200, body: fixture("\(name).json"))
        }
        #expect(hub.host.vendor.catalogs.map(\.status) == [0])
        let symbols = hub.host.vendor.listings.map(\.symbol)
        #expect(Set(symbols).isSuperset(of: ["NASDAQ:AAPL", "FX:EURUSD", "CRYPTO:BTCUSD"]))
        #expect(try hub.symbol(of: "AAPL:XNGS") == "NASDAQ:AAPL")
        #expect(try hub.symbol(of: "BTC/USD") == "CRYPTO:BTCUSD")
        #expect(try hub.symbol(of: "EUR/USD") == "FX:EURUSD")
        try hub.refreshCatalog()
        try hub.response(
            try #require(hub.host.vendor.requests.last).number, status: 200, body: fixture("error_400.json"))
        #expect(hub.host.vendor.catalogs.last?.status != 0)
        #expect(try hub.symbol(of: "AAPL:XNGS") == "NASDAQ:AAPL")
    }
}
