import JSONReading
import PluginKit
import Testing
import VendorKit

@testable import PluginTestSupport
@testable import TwelveDataCore

private let now = Now(wallNanoseconds: 1_736_157_630_000_000_000, monotonicNanoseconds: 0)

@Suite("answers of TwelveData")
struct ReplyTests {
    @Test("a quote has prices that come as text, and the time of its newest price")
    func quote() throws {
        let quote = try #require(try reply(fixture("quote.json"), TwelveDataReplies.quote))
        #expect(
            quote
                == TwelveDataQuote(
                    item: TwelveDataItem(symbol: "AAPL", mic: "XNAS", exchange: "NASDAQ"), last: 148.85001,
                    open: 148.44, high: 148.9684, low: 147.22099, previousClose: 149.09, volume: 67_903_927,
                    isMarketOpen: false, timeNanoseconds: 1_631_772_000_000_000_000))
        #expect(try reply(fixture("price.json"), TwelveDataReplies.price) == 200.99001)
        #expect(try reply(fixture("exchange_rate.json"), TwelveDataReplies.price) == 1.16844)
        #expect(try reply(Array(#"{"symbol":"X","close":null}"#.utf8), TwelveDataReplies.quote) == nil)
    }

    @Test("a series is in the order of time, with times read as they were asked for")
    func series() throws {
        let series = try reply(fixture("time_series.json"), TwelveDataReplies.series)
        #expect(series.item == TwelveDataItem(symbol: "AAPL", mic: "XNAS", exchange: "NASDAQ"))
        #expect(series.timezone == "America/New_York")
        #expect(series.interval == "1min")
        #expect(
            series.bars == [
                VendorBar(
                    openNanoseconds: 1_631_807_940_000_000_000, open: 148.735, high: 148.86, low: 148.73,
                    close: 148.85001, volume: 624_277)
            ])
        let cross = try reply(fixture("time_series_cross.json"), TwelveDataReplies.series)
        #expect(cross.bars.count > 10)
        #expect(cross.bars.map(\.openNanoseconds) == cross.bars.map(\.openNanoseconds).sorted())
        #expect(cross.bars.allSatisfy { $0.volume == 0 })
    }

    @Test("a batch has an answer or an error for each symbol, in all its wrappers")
    func batches() throws {
        let quotes = try reply(fixture("batch_quote.json"), TwelveDataReplies.quotes)
        #expect(quotes.count == 2)
        guard case .value(let apple?) = quotes["AAPL"], case .value(let microsoft?) = quotes["MSFT"] else {
            Issue.record("\(quotes)")
            return
        }
        #expect(apple.last == 229.87)
        #expect(microsoft.previousClose == 412.87)
        let series = try reply(fixture("batch_time_series.json"), TwelveDataReplies.manySeries)
        guard case .value(let bars) = series["MSFT"] else {
            Issue.record("\(series)")
            return
        }
        #expect(bars.bars.map(\.openNanoseconds) == [1_732_233_600_000_000_000])
        #expect(bars.bars[0].close == 414.17)
        let mixed =
            #"{"AAPL":{"symbol":"AAPL","close":"1"},"NOPE":{"code":400,"message":"**symbol** not found: NOPE","#
            + #""status":"error","meta":{"symbol":"NOPE"}}}"#
        let wrapped =
            #"{"code":200,"status":"success","data":{"AAPL":{"status":"success","response":{"close":"1"}},"#
            + #""NOPE":{"response":{"code":400,"message":"**symbol** not found: NOPE","status":"error"}}}}"#
        for text in [mixed, wrapped] {
            let items = try reply(Array(text.utf8), TwelveDataReplies.quotes)
            guard case .value(let good?) = items["AAPL"], case .failure(let code, let message) = items["NOPE"] else {
                Issue.record("\(items)")
                continue
            }
            #expect(good.last == 1)
            #expect(TwelveDataErrors.of(code: code, message, what: "x", now: now).status == .notFound)
        }
    }

    @Test("profiles and press releases are in the hub's words, without markup")
    func documents() throws {
        let profile = try #require(try reply(fixture("profile.json"), TwelveDataReplies.profile))
        #expect(profile.name == "Apple Inc.")
        #expect(profile.sector == "Technology")
        #expect(profile.employees == 164_000)
        let news = try reply(fixture("press_releases.json")) {
            try TwelveDataReplies.pressReleases($0, $1, symbol: "NASDAQ:NVDA")
        }
        #expect(news.count == 1)
        #expect(news[0].identifier == "20251201SF35699")
        #expect(news[0].timeNanoseconds == 1_636_712_460_000_000_000)
        #expect(news[0].symbols == ["NASDAQ:NVDA"])
        #expect(news[0].summary?.hasPrefix("Key Highlights Multi-year collaboration spans NVIDIA CUDA") == true)
    }

    @Test("lists of instruments and searches have their rows, and no text that stands for an add-on")
    func lists() throws {
        func rows(_ name: String) throws -> [TwelveDataRow] {
            var rows: [TwelveDataRow] = []
            try reply(fixture(name)) { try TwelveDataReplies.rows($0, $1) { rows.append($0) } }
            return rows
        }
        let stock = try #require(try rows("stocks.json").first)
        #expect(stock.isin == "US0378331005")
        #expect(stock.figi == "BBG000B9Y5X2")
        #expect(TwelveData.listings(of: stock, in: .stocks).map(\.symbol) == ["NASDAQ:AAPL"])
        let pair = try #require(try rows("forex_pairs.json").first)
        let currency = try #require(TwelveData.listings(of: pair, in: .forex).first)
        #expect(currency.symbol == "FX:EURUSD")
        #expect(currency.currency == "USD")
        let coin = try #require(try rows("cryptocurrencies.json").first)
        #expect(coin.exchanges.count == 8)
        #expect(TwelveData.listings(of: coin, in: .crypto).map(\.symbol) == ["CRYPTO:BTCUSD"])
        let found = try #require(try rows("symbol_search.json").first.flatMap(TwelveData.searchRow))
        #expect(found.symbol == "NYSE:AA")
        #expect(found.name == "Alcoa Corp")
        #expect(found.type == "equity")
        #expect(!(try rows("etfs_list.json")).isEmpty)
        var addOn: [TwelveDataRow] = []
        let text = #"{"data":[{"symbol":"A","isin":"request_access_via_add_ons"}]}"#
        try reply(Array(text.utf8)) { try TwelveDataReplies.rows($0, $1) { addOn.append($0) } }
        #expect(addOn.map(\.isin) == [""])
    }

    @Test("market states, schedules and usage are read")
    func markets() throws {
        let begin: Int64 = 1_000_000_000_000_000_000
        let state = try reply(fixture("market_state.json")) {
            try TwelveDataReplies.marketStates($0, $1, nowNanoseconds: begin)
        }
        #expect(state.map(\.venue) == ["NYSE"])
        #expect(state[0].isOpen)
        #expect(state[0].nextOpenNanoseconds == nil)
        #expect(state[0].nextCloseNanoseconds == begin + (5 * 3600 + 20 * 60 + 57) * 1_000_000_000)
        let day = try reply(fixture("exchange_schedule.json")) {
            try TwelveDataReplies.schedule($0, $1, venue: "NASDAQ", date: "2025-01-06")
        }
        #expect(day.map(\.hours) == ["09:30-16:00"])
        #expect(day.map(\.isOpen) == [true])
        let holiday = try reply(Array(#"{"data":[{"name":"NASDAQ","sessions":[]}]}"#.utf8)) {
            try TwelveDataReplies.schedule($0, $1, venue: "NASDAQ", date: "2025-01-01")
        }
        #expect(holiday.map(\.isOpen) == [false])
        let usage = try reply(fixture("api_usage.json"), TwelveDataReplies.usage)
        #expect(
            usage
                == TwelveDataUsage(
                    used: 4003, limit: 20_000, usedToday: 12_500, limitOfDay: 100_000, plan: "enterprise"))
    }

    @Test("errors are told apart by their body, which decides under every status")
    func errors() throws {
        func of(_ name: String) throws -> PluginError? {
            try reply(fixture(name), TwelveDataErrors.body).map {
                TwelveDataErrors.of(code: $0.code, $0.message, what: "x", now: now)
            }
        }
        #expect(try of("error_400.json")?.status == .internal)
        #expect(try of("error_401.json")?.status == .authentication)
        #expect(try of("error_404.json")?.status == .notFound)
        let minute = try #require(try of("error_429.json"))
        #expect(minute.status == .rateLimit)
        // To the next minute of the clock.
        #expect(minute.retryAfterMilliseconds == 30_000)
        let day = TwelveDataErrors.of(code: 429, "You have run out of API credits for the day.", what: "x", now: now)
        #expect(day.retryAfterMilliseconds == 50_370_000)
        #expect(TwelveDataErrors.of(code: 403, "", what: "x", now: now).status == .entitlement)
        for name in ["quote.json", "time_series.json", "stocks.json", "market_state.json", "batch_quote.json"] {
            #expect(try of(name) == nil, "\(name)")
        }
    }

    @Test("everything else the vendor's samples have is readable from end to end")
    func others() throws {
        for name in [
            "cross_listings", "instrument_type", "market_movers_stocks", "price_target", "statistics", "intervals",
        ] {
            let bytes = try fixture("\(name).json")
            try reply(bytes) { bytes, scratch in
                var reader = JSONReader(bytes, scratch: scratch)
                try reader.skip()
                try reader.finish()
            }
        }
    }

    @Test("mutated answers are read or refused")
    func mutations() throws {
        var random = Random(state: seed)
        let names = [
            "quote.json", "time_series.json", "batch_quote.json", "press_releases.json", "stocks.json",
            "market_state.json", "exchange_schedule.json", "api_usage.json", "error_429.json",
        ]
        let originals = try names.map(fixture)
        for round in 0..<4000 {
            let bytes = random.mutated(originals[round % originals.count])
            reply(bytes) { bytes, scratch in
                _ = try? TwelveDataReplies.quote(bytes, scratch)
                _ = try? TwelveDataReplies.quotes(bytes, scratch)
                _ = try? TwelveDataReplies.series(bytes, scratch)
                _ = try? TwelveDataReplies.manySeries(bytes, scratch)
                _ = try? TwelveDataReplies.profile(bytes, scratch)
                _ = try? TwelveDataReplies.pressReleases(bytes, scratch, symbol: "NYSE:A")
                _ = try? TwelveDataReplies.rows(bytes, scratch) { _ in }
                _ = try? TwelveDataReplies.marketStates(bytes, scratch, nowNanoseconds: 0)
                _ = try? TwelveDataReplies.schedule(bytes, scratch, venue: "NYSE", date: "")
                _ = try? TwelveDataReplies.usage(bytes, scratch)
                _ = TwelveDataErrors.body(bytes, scratch)
            }
        }
    }
}
