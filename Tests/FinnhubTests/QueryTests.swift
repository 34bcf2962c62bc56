import PluginKit
import Testing

@testable import FinnhubCore
@testable import PluginTestSupport

private let second: Int64 = 1_000_000_000
private let begin: Int64 = 1_779_500_000 * second

private func hub() throws -> FakeVendorHub {
    let hub = try FakeVendorHub(
        .provider(Finnhub.self, Finnhub.descriptor), ["api_key": "HUBSECRETkey", "rest_url": "http://h/api/v1/"],
        now: begin)
    try hub.start()
    return hub
}

@Suite("questions to Finnhub")
struct QueryTests {
    @Test("a quote is asked for with the key in a header and answered as a tick")
    func quote() throws {
        let hub = try hub()
        try hub.query(Query(identifier: 7, kind: .quotes, symbols: ["NASDAQ:AAPL"]))
        let request = try #require(hub.host.vendor.requests.first)
        #expect(request.url == "http://h/api/v1/quote?symbol=AAPL")
        #expect(request.headers["X-Finnhub-Token"] == "HUBSECRETkey")
        #expect(request.rateClass == "default")
        try hub.response(request.number, status: 200, body: fixture("quote-AAPL.json"))
        let answer = try #require(hub.host.vendor.answers[7])
        #expect(answer.status == 0)
        #expect(shown(answer.records) == [.tick(1, 1_779_480_000 * second, 308.82, -1, 0)])
    }

    @Test("a symbol that does not exist is not found")
    func unknown() throws {
        let hub = try hub()
        try hub.query(Query(identifier: 1, kind: .quotes, symbols: ["NASDAQ:NOPE"]))
        let zeros = #"{"c":0,"d":null,"dp":null,"h":0,"l":0,"o":0,"pc":0,"t":0}"#
        try hub.response(hub.host.vendor.requests[0].number, status: 200, body: Array(zeros.utf8))
        #expect(hub.host.vendor.answers[1]?.status == PluginError.Status.notFound.rawValue)
        #expect(hub.host.vendor.answers[1]?.records.isEmpty == true)
    }

    @Test("bars are asked for in seconds and answered without the one that is still forming")
    func bars() throws {
        let hub = try hub()
        let from = begin - 600 * second
        try hub.query(
            Query(
                identifier: 2, kind: .bars, symbols: ["FX:EURUSD"], interval: 60, fromNanoseconds: from,
                toNanoseconds: begin + 60 * second))
        #expect(
            hub.host.vendor.requests[0].url
                == "http://h/api/v1/forex/candle?symbol=OANDA%3AEUR_USD&resolution=1&from=1779499400&to=1779500059")
        let text =
            #"{"c":[1,2,3],"h":[1,2,3],"l":[1,2,3],"o":[1,2,3],"s":"ok","#
            + #""t":[1779499300,1779499400,1779499960],"v":[5,6,7]}"#
        try hub.response(hub.host.vendor.requests[0].number, status: 200, body: Array(text.utf8))
        #expect(shown(hub.host.vendor.answers[2]?.records ?? []) == [.bar(1, from, 60, [2, 2, 2, 2, 6])])
        try hub.query(Query(identifier: 3, kind: .bars, symbols: ["NYSE:A"], interval: 86_400))
        try hub.response(hub.host.vendor.requests[1].number, status: 200, body: Array(#"{"s":"no_data"}"#.utf8))
        #expect(hub.host.vendor.answers[3]?.status == 0)
        #expect(hub.host.vendor.answers[3]?.records.isEmpty == true)
        #expect(throws: Refusal.self) {
            try hub.query(Query(identifier: 4, kind: .bars, symbols: ["NYSE:A"], interval: 7200))
        }
    }

    @Test("what the plan does not include is learnt once, and only for that call")
    func entitlement() throws {
        let hub = try hub()
        let query = Query(identifier: 1, kind: .bars, symbols: ["NYSE:A"], interval: 60)
        try hub.query(query)
        try hub.response(hub.host.vendor.requests[0].number, status: 403, body: fixture("candle-AAPL.json"))
        #expect(hub.host.vendor.answers[1]?.status == PluginError.Status.entitlement.rawValue)
        #expect {
            try hub.query(query)
        } throws: {
            ($0 as? Refusal)?.status == PluginError.Status.entitlement.rawValue
        }
        #expect(hub.host.vendor.requests.count == 1)
        #expect(hub.host.feed.last?.state == 2)
        try hub.query(Query(identifier: 2, kind: .profile, symbols: ["NYSE:A"]))
        #expect(hub.host.vendor.requests.count == 2)
        // Plans change: it is asked again some hours later.
        hub.now += 7 * 3600 * second
        try hub.query(query)
        #expect(hub.host.vendor.requests.count == 3)
    }

    @Test("a 401 is the plan's where the key is good, and the key's where it is not")
    func unauthorised() throws {
        let hub = try hub()
        try hub.query(Query(identifier: 1, kind: .profile, symbols: ["NSE:RELIANCE"]))
        try hub.response(hub.host.vendor.requests[0].number, status: 401, body: Array(#"{"error":"no"}"#.utf8))
        #expect(hub.host.vendor.requests[1].url == "http://h/api/v1/quote?symbol=AAPL")
        #expect(hub.host.vendor.answers[1] == nil)
        try hub.response(hub.host.vendor.requests[1].number, status: 200, body: fixture("quote-AAPL.json"))
        #expect(hub.host.vendor.answers[1]?.status == PluginError.Status.entitlement.rawValue)
        #expect(hub.host.feed.last?.state == 2)
        try hub.query(Query(identifier: 2, kind: .profile, symbols: ["NYSE:A"]))
        try hub.response(hub.host.vendor.requests[2].number, status: 401, body: [])
        try hub.response(hub.host.vendor.requests[3].number, status: 401, body: [])
        #expect(hub.host.vendor.answers[2]?.status == PluginError.Status.authentication.rawValue)
        #expect(hub.host.feed.last?.state == 6)
    }

    @Test("a spent limit holds the budget until the vendor's own time")
    func limit() throws {
        let hub = try hub()
        try hub.query(Query(identifier: 1, kind: .quotes, symbols: ["NYSE:A"]))
        try hub.response(
            hub.host.vendor.requests[0].number, status: 429, headers: [("X-Ratelimit-Reset", "1779500012")],
            body: Array(#"{"error":"API limit reached. Please try again later. Remaining Limit: 0"}"#.utf8))
        #expect(hub.host.vendor.limits == ["default": begin + 12 * second])
        #expect(hub.host.vendor.answers[1]?.status == PluginError.Status.rateLimit.rawValue)
        // Heavy calls weigh more than one: the vendor's count of what is left decides.
        try hub.query(Query(identifier: 2, kind: .quotes, symbols: ["NYSE:A"]))
        try hub.response(
            hub.host.vendor.requests[1].number, status: 200,
            headers: [("X-Ratelimit-Remaining", "0"), ("X-Ratelimit-Reset", "1779500040")],
            body: fixture("quote-AAPL.json"))
        #expect(hub.host.vendor.limits == ["default": begin + 40 * second])
        #expect(hub.host.vendor.answers[2]?.status == 0)
    }

    @Test("no more calls leave in one second than Finnhub takes from anybody")
    func pacing() throws {
        let hub = try hub()
        for index in 0..<60 {
            try hub.query(Query(identifier: UInt64(index + 1), kind: .quotes, symbols: ["NYSE:S\(index)"]))
        }
        #expect(hub.host.vendor.requests.count == 25)
        try hub.run(to: begin + second)
        #expect(hub.host.vendor.requests.count == 50)
        try hub.run(to: begin + 2 * second)
        #expect(hub.host.vendor.requests.count == 60)
    }

    @Test("profiles, news, sentiment, searches and hours are answered in the hub's words")
    func documents() throws {
        let hub = try hub()
        func ask(_ query: Query, _ body: [UInt8]) throws -> String {
            try hub.query(query)
            try hub.response(try #require(hub.host.vendor.requests.last).number, status: 200, body: body)
            #expect(hub.host.vendor.answers[query.identifier]?.status == 0)
            return hub.host.vendor.answers[query.identifier]?.json ?? ""
        }
        let profile = try ask(
            Query(identifier: 1, kind: .profile, symbols: ["NASDAQ:AAPL"]), fixture("profile-AAPL.json"))
        #expect(profile.hasPrefix(#"{"symbol":"NASDAQ:AAPL","name":"Apple Inc","industry":"Technology","#))
        let news = try ask(
            Query(identifier: 2, kind: .news, symbols: ["NASDAQ:AAPL"], limit: 2, fromNanoseconds: 1),
            fixture("company-news-AAPL.first5.json"))
        #expect(news.contains(#""id":"140399323","time":1779554718000000,"#) == false || news.contains("NASDAQ:AAPL"))
        #expect(hub.host.vendor.requests.last?.url.contains("/company-news?symbol=AAPL&from=1970-01-01&to=") == true)
        let status = try ask(
            Query(identifier: 3, kind: .marketStatus, text: "NASDAQ"), fixture("stock-market-status.json"))
        #expect(
            status
                == #"[{"venue":"NASDAQ","phase":"pre","open":false,"time":1697018041000000,"timezone":"America/New_York"}]"#
        )
        try hub.refreshCatalog()
        try hub.response(
            try #require(hub.host.vendor.requests.last).number, status: 200, body: fixture("stock-symbol.json"))
        #expect(hub.host.vendor.catalogs.map(\.status) == [0])
        #expect(hub.host.vendor.listings.map(\.symbol) == ["OTC:UPOW", "NASDAQ:AAPL", "OTC:EXCOF"])
        #expect(hub.host.vendor.listings[1].figi == "BBG000B9Y5X2")
        #expect(try hub.symbol(of: "AAPL") == "NASDAQ:AAPL")
        let found = try ask(Query(identifier: 4, kind: .search, text: "apple inc"), fixture("search.json"))
        #expect(hub.host.vendor.requests.last?.url == "http://h/api/v1/search?q=apple%20inc")
        #expect(found.hasPrefix(#"[{"symbol":"NASDAQ:AAPL","name":"APPLE INC","venue":"NASDAQ","type":"equity","#))
        let days = try ask(
            Query(
                identifier: 5, kind: .calendar, text: "NYSE", fromNanoseconds: 1_735_689_600 * second,
                toNanoseconds: 1_735_776_000 * second),
            Array(
                #"{"data":[{"eventName":"New Year","atDate":"2025-01-01","tradingHour":""},{"eventName":"x","atDate":"2025-01-02","tradingHour":""}]}"#
                    .utf8))
        #expect(days == #"[{"venue":"NYSE","date":"2025-01-01","open":false,"holiday":"New Year","special":true}]"#)
    }
}
