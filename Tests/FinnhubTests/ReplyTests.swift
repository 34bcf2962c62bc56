import PluginKit
import Testing
import VendorKit

@testable import FinnhubCore
@testable import PluginTestSupport

@Suite("answers of Finnhub")
struct ReplyTests {
    @Test("a quote has its prices and a time in seconds")
    func quote() throws {
        let quote = try #require(try reply(fixture("quote-AAPL.json"), FinnhubReplies.quote))
        #expect(
            quote
                == FinnhubQuote(
                    last: 308.82, open: 306.12, high: 311.4, low: 305.84, previousClose: 304.99,
                    timeNanoseconds: 1_779_480_000_000_000_000))
        #expect(try reply(fixture("quote.json"), FinnhubReplies.quote)?.previousClose == 259.45)
    }

    @Test("zeros and nulls are a symbol that is not found")
    func unknownQuote() throws {
        let zeros = #"{"c":0,"d":null,"dp":null,"h":0,"l":0,"o":0,"pc":0,"t":0}"#
        #expect(try reply(Array(zeros.utf8), FinnhubReplies.quote) == nil)
        #expect(try reply(Array("{}".utf8), FinnhubReplies.profile) == nil)
    }

    @Test("candles have a row for each time, and none where there is no data")
    func candles() throws {
        let rows = try reply(fixture("stock-candle.json"), FinnhubReplies.candles)
        #expect(rows.count == 3)
        #expect(
            rows[1]
                == VendorBar(
                    openNanoseconds: 1_569_384_000_000_000_000, open: 218.55, high: 221.5, low: 217.1402,
                    close: 221.03, volume: 24_018_876))
        #expect(try reply(fixture("forex-candle.json"), FinnhubReplies.candles).map(\.close).last == 1.10182)
        #expect(try reply(Array(#"{"s":"no_data"}"#.utf8), FinnhubReplies.candles).isEmpty)
        let uneven = #"{"c":[1,2],"h":[1,2],"l":[1,2],"o":[1],"s":"ok","t":[1,2],"v":[1,2]}"#
        #expect(throws: PluginError.self) { try reply(Array(uneven.utf8), FinnhubReplies.candles) }
    }

    @Test("a profile has what the hub calls it, in units")
    func profile() throws {
        let profile = try #require(try reply(fixture("profile-AAPL.json"), FinnhubReplies.profile))
        #expect(profile.name == "Apple Inc")
        #expect(profile.industry == "Technology")
        #expect(profile.listed == "1980-12-12")
        #expect(profile.marketCap == 4_535_749.272209372 * 1e6)
        #expect(profile.sharesOutstanding == 14687.36 * 1e6)
        #expect(
            try reply(fixture("stock-profile2.json"), FinnhubReplies.profile)?.exchange == "NASDAQ/NMS (GLOBAL MARKET)")
    }

    @Test("searches and lists of symbols have their rows, escapes resolved")
    func lists() throws {
        let found = try reply(fixture("search-apple.json"), FinnhubReplies.search)
        #expect(found.count == 11)
        #expect(found[2].description == "Apple Flavor & Fragrance Group Co Ltd")
        #expect(
            try reply(fixture("search.json"), FinnhubReplies.search).map(\.symbol) == [
                "AAPL", "AAPL.SW", "APC.BE", "APC.DE",
            ])
        func rows(_ name: String) throws -> [FinnhubSymbolRow] {
            var rows: [FinnhubSymbolRow] = []
            try reply(fixture(name)) { try FinnhubReplies.symbols($0, $1) { rows.append($0) } }
            return rows
        }
        #expect(try rows("stock-symbol-US.json").count == 25)
        #expect(try rows("stock-symbol.json").map(\.mic) == ["OTCM", "XNGS", "OOTC"])
        #expect(try rows("forex-symbol.json").map(\.symbol) == ["IC MARKETS:1", "IC MARKETS:5", "IC MARKETS:2"])
        #expect(try rows("crypto-symbol.json").map(\.displaySymbol) == ["ETH/BTC", "LTC/BTC", "BNB/BTC"])
        #expect(try reply(fixture("crypto-exchange.json"), FinnhubReplies.texts).contains("Binance"))
        #expect(try reply(fixture("forex-exchange.json"), FinnhubReplies.texts).contains("ic markets"))
        #expect(try reply(fixture("peers-AAPL-industry.json"), FinnhubReplies.texts).count == 12)
        let best = try reply(fixture("stock-bidask.json"), FinnhubReplies.bidAsk)
        #expect(
            best
                == FinnhubBidAsk(
                    bid: 338.61, bidSize: 2, ask: 338.65, askSize: 2, timeNanoseconds: 1_591_995_678_874_000_000))
    }

    @Test("news is newest first, with publisher and time")
    func news() throws {
        let items = try reply(fixture("company-news-AAPL.first5.json"), FinnhubReplies.news)
        #expect(items.count == 5)
        #expect(items[0].identifier == "140399323")
        #expect(items[0].timeNanoseconds == 1_779_554_718_000_000_000)
        #expect(items[0].publisher == "Yahoo")
        #expect(items[0].symbols == ["AAPL"])
        #expect(items.map(\.timeNanoseconds) == items.map(\.timeNanoseconds).sorted(by: >))
        #expect(items[1].headline.hasPrefix("This \"Magnificent Seven\""))
    }

    @Test("market status, holidays and sentiment are in the hub's words")
    func markets() throws {
        let status = try reply(fixture("stock-market-status.json")) {
            try FinnhubReplies.marketStatus($0, $1, venue: "NASDAQ")
        }
        #expect(status.phase == "pre")
        #expect(!status.isOpen)
        #expect(status.timezone == "America/New_York")
        #expect(status.timeNanoseconds == 1_697_018_041_000_000_000)
        let text =
            #"{"data":[{"eventName":"Independence Day","atDate":"2025-07-03","tradingHour":"09:30-13:00"},"#
            + #"{"eventName":"New Year","atDate":"2025-01-01","tradingHour":""}],"exchange":"US","timezone":"America/New_York"}"#
        let days = try reply(Array(text.utf8)) { try FinnhubReplies.holidays($0, $1, venue: "NYSE") }
        #expect(days.map(\.date) == ["2025-01-01", "2025-07-03"])
        #expect(days.map(\.isOpen) == [false, true])
        #expect(days[1].hours == "09:30-13:00")
        let mood =
            #"{"buzz":{"articlesInLastWeek":20,"buzz":0.8},"companyNewsScore":0.9,"#
            + #""sentiment":{"bearishPercent":0.25,"bullishPercent":0.75},"symbol":"V"}"#
        let sentiment = try reply(Array(mood.utf8), FinnhubReplies.sentiment)
        #expect(sentiment?.bullishPercent == 75)
        #expect(sentiment?.articles == 20)
        #expect(sentiment?.score == 0.9)
    }

    @Test("refusals are told apart by status and text, also under 200")
    func refusals() throws {
        let now = Now(wallNanoseconds: 1_700_000_000_000_000_000, monotonicNanoseconds: 0)
        func of(_ status: Int, _ text: String?, reset: Int64? = nil) -> PluginError? {
            FinnhubErrors.of(status: status, text: text, what: "/x", resetSeconds: reset, now: now)
        }
        let refusal = try reply(fixture("candle-AAPL.json"), FinnhubErrors.text)
        #expect(refusal == "You don't have access to this resource.")
        #expect(of(403, refusal)?.status == .entitlement)
        #expect(of(200, refusal)?.status == .entitlement)
        #expect(of(200, nil) == nil)
        #expect(of(401, "Invalid API key")?.status == .authentication)
        #expect(of(200, "Invalid API key")?.status == .authentication)
        #expect(
            of(429, "API limit reached. Please try again later. Remaining Limit: 0")?.retryAfterMilliseconds == 60_000)
        #expect(of(429, nil, reset: 1_700_000_007)?.retryAfterMilliseconds == 7_000)
        #expect(of(302, nil)?.status == .notFound)
        #expect(of(502, nil)?.status == .network)
    }

    @Test("mutated answers are read or refused")
    func mutations() throws {
        var random = Random(state: seed)
        let names = [
            "quote-AAPL.json", "stock-candle.json", "profile-AAPL.json", "search.json", "stock-market-status.json",
            "company-news-AAPL.first5.json", "stock-symbol.json",
        ]
        let originals = try names.map(fixture)
        for round in 0..<3000 {
            let bytes = random.mutated(originals[round % originals.count])
            reply(bytes) { bytes, scratch in
                _ = try? FinnhubReplies.quote(bytes, scratch)
                _ = try? FinnhubReplies.candles(bytes, scratch)
                _ = try? FinnhubReplies.profile(bytes, scratch)
                _ = try? FinnhubReplies.search(bytes, scratch)
                _ = try? FinnhubReplies.news(bytes, scratch)
                _ = try? FinnhubReplies.sentiment(bytes, scratch)
                _ = try? FinnhubReplies.marketStatus(bytes, scratch, venue: "NYSE")
                _ = try? FinnhubReplies.holidays(bytes, scratch, venue: "NYSE")
                _ = try? FinnhubReplies.symbols(bytes, scratch) { _ in }
                _ = FinnhubErrors.text(bytes, scratch)
            }
        }
    }
}
