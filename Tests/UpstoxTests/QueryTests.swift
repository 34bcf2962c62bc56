import CZlib
import IndianMarkets
import JSONReading
import PluginABI
import PluginKit
import Testing

@testable import PluginTestSupport
@testable import UpstoxCore

@Suite("Upstox: instruments, quotes, candles and the market")
struct QueryTests {
    @Test("names instruments by the hub's rules, with tick sizes in rupees")
    func instruments() throws {
        let vendor = try TestVendor()
        try vendor.start()
        let listings = vendor.host.vendor.listings
        #expect(
            listings.map(\.symbol) == [
                "NSE:RELIANCE", "NSE:IDEA-BE", "BSE:RELIANCE", "NSE:NIFTY 50", "NFO:NIFTY2510924000CE",
            ])
        #expect(listings[0].isin == "INE002A01018" && listings[0].tickSize == 0.1 && listings[1].tickSize == 0.01)
        #expect(listings[3].type == .index && listings[3].tickSize == nil && listings[3].lotSize == nil)
        let option = listings[4]
        #expect(option.underlying == "NSE:NIFTY 50" && option.strike == 24000 && option.right == .call)
        #expect(option.expiry.map { IndianTime.dateText(ofDay: Int64($0)) } == "2025-01-09" && option.lotSize == 75)
        #expect(option.identifiers.first == .init("instrument_key", "NSE_FO|40084"))
        #expect(listings[1].identifiers.contains(.init("exchange_token", "14366")))
        #expect(try vendor.hub.symbol(of: "NSE_EQ|INE669E01016") == "NSE:IDEA-BE")
    }

    @Test("reads the vendor's samples")
    func samples() throws {
        let expected = [
            "eq": "NSE:JOCIL", "fut": "NFO:071NSETEST36NOVFUT", "index": "BSE:AUTO", "option_ce": "NFO:IDEA24JAN22CE",
        ]
        for (name, symbol) in expected {
            try Fixture.bytes("instrument-samples/\(name).json").withUnsafeBytes { bytes in
                var reader = JSONReader(bytes, scratch: JSONScratch())
                let instrument = try UpstoxInstrument(&reader)
                #expect(instrument.symbol == symbol)
                #expect(instrument.listing(symbol).tickSize == (name == "index" ? nil : 0.05))
            }
        }
    }

    @Test("unpacks the list, and refuses what is damaged or grows without bound")
    func unpacking() throws {
        let packed = pack(Array(TestVendor.list.utf8))
        let vendor = try TestVendor()
        try vendor.hub.start()
        try vendor.hub.response(
            vendor.host.vendor.requests.last?.number ?? 0, status: 200, headers: [("Content-Type", "application/gzip")],
            body: packed)
        #expect(vendor.host.vendor.listings.count == 5)
        for length in 0..<packed.count {
            #expect(throws: PluginError.self) {
                try Array(packed.prefix(length)).withUnsafeBytes { _ = try Unpacking.gunzip($0) }
            }
        }
        let bomb = pack([UInt8](repeating: 0, count: 4 << 20))
        #expect(throws: PluginError.self) {
            try bomb.withUnsafeBytes { _ = try Unpacking.gunzip($0, most: 1 << 20) }
        }
    }

    private func pack(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        deflateInit2_(
            &stream, 6, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: bytes.count + 1024)
        return input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                deflate(&stream, Z_FINISH)
                return Array(output.prefix(output.count - Int(stream.avail_out)))
            }
        }
    }

    @Test("joins quotes by the key within, takes the dust off prices, and asks for the greeks of options")
    func quotes() throws {
        let vendor = try TestVendor()
        try vendor.start()
        try vendor.hub.query(
            Query(identifier: 7, kind: .quotes, symbols: ["NSE:NOPE", "NFO:NIFTY2510924000CE", "NSE:RELIANCE"]))
        #expect(
            vendor.host.vendor.requests.last?.url
                == "https://api.upstox.com/v2/market-quote/quotes?instrument_key=NSE_EQ%7CINE002A01018,NSE_FO%7C40084")
        try vendor.answer(
            #"""
            {"status":"partial_success","data":{"NSE_EQ:RELIANCE":{"ohlc":{"open":1248.0,"high":1253.2,"low":0,"close":1251.3999},
            "depth":{"buy":[{"quantity":10,"price":1251.39999389648,"orders":2},{"quantity":0,"price":0.0,"orders":0}],"sell":[]},
            "timestamp":"2025-01-06T09:59:59.500+05:30","instrument_token":"NSE_EQ|INE002A01018","last_price":1251.40002441406,
            "volume":1183220,"average_price":1250.12,"oi":0,"net_change":3.5,"last_trade_time":"1736137799000"}}}
            """#)
        #expect(vendor.host.vendor.answers[7]?.status == nil)
        #expect(
            vendor.host.vendor.requests.last?.url
                == "https://api.upstox.com/v3/market-quote/option-greek?instrument_key=NSE_FO%7C40084")
        try vendor.answer(
            #"{"status":"success","data":{"NSE_FO:X":{"instrument_token":"NSE_FO|40084","last_price":1,"iv":0.13,"delta":0.5,"gamma":0.1}}}"#
        )
        let answer = try #require(vendor.host.vendor.answers[7])
        let records = RecordCollector(holding: answer.records)
        let tick = try #require(records.ticks.first)
        #expect(answer.status == 0 && tick.head.stream == 3 && tick.last == 1251.4 && tick.previous_close == 1247.9)
        #expect(tick.low.isNaN && tick.last_trade_time == monday - 1_000_000_000)
        #expect(tick.head.ts_event == monday - 500_000_000)
        #expect(records.quotes.first?.bid == 1251.4 && records.quotes.first?.ask.isNaN == true)
        #expect(records.greeks.first?.head.stream == 2 && records.greeks.first?.implied_volatility == 0.13)
    }

    @Test("joins history and the running day, oldest first, without the running candle")
    func candles() throws {
        let vendor = try TestVendor()
        try vendor.start()
        let from = try #require(IndianTime.nanoseconds("2024-12-01"))
        try vendor.hub.query(
            Query(identifier: 8, kind: .bars, symbols: ["NSE:NIFTY 50"], interval: 60, fromNanoseconds: from))
        let base = "https://api.upstox.com/v3/historical-candle/"
        #expect(
            vendor.host.vendor.requests.last?.url
                == base + "NSE_INDEX%7CNifty%2050/minutes/1/2024-12-30/2024-12-01")
        try vendor.answer(#"{"status":"success","data":{"candles":[]}}"#)
        #expect(
            vendor.host.vendor.requests.last?.url
                == base + "NSE_INDEX%7CNifty%2050/minutes/1/2025-01-05/2024-12-31")
        try vendor.answer(
            #"{"status":"success","data":{"candles":[["2025-01-03T15:29:00+05:30",3,3,3,3,1,0],["2025-01-03T15:28:00+05:30",2,2,2,2,1,0]]}}"#
        )
        #expect(
            vendor.host.vendor.requests.last?.url == base + "intraday/NSE_INDEX%7CNifty%2050/minutes/1")
        try vendor.answer(
            #"{"status":"success","data":{"candles":[["2025-01-06T10:00:00+05:30",5,5,5,5,1,0],["2025-01-06T09:59:00+05:30",4,4,4,4,1,0]]}}"#
        )
        let answer = try #require(vendor.host.vendor.answers[8])
        let bars = RecordCollector(holding: answer.records).bars
        #expect(answer.status == 0 && bars.map(\.close) == [2, 3, 4] && bars.allSatisfy { $0.open_interest.isNaN })
    }

    @Test("tells the state of a venue and its holidays, by the exchanges and not by the kind of day")
    func market() throws {
        let vendor = try TestVendor()
        try vendor.start()
        try vendor.hub.query(Query(identifier: 1, kind: .marketStatus, text: "NSE"))
        #expect(vendor.host.vendor.requests.last?.url == "https://api.upstox.com/v2/market/status/NSE")
        try vendor.answer(
            #"{"status":"success","data":{"exchange":"NSE","status":"NORMAL_OPEN","last_updated":1736135100000}}"#)
        #expect(
            vendor.host.vendor.answers[1]?.json
                == #"[{"venue":"NSE","phase":"open","open":true,"time":1736135100000000,"timezone":"Asia/Kolkata"}]"#)
        try vendor.hub.query(Query(identifier: 2, kind: .calendar, text: "NSE"))
        try vendor.answer(
            #"""
            {"status":"success","data":[{"date":"2025-01-26","description":"Republic \"Day\"","holiday_type":"TRADING_HOLIDAY","closed_exchanges":["NSE","BSE"],
            "open_exchanges":[{"exchange":"MCX","start_time":1,"end_time":2}]},
            {"date":"2024-01-01","description":"New Year","holiday_type":"TRADING_HOLIDAY","closed_exchanges":[],"open_exchanges":[
            {"exchange":"NSE","start_time":1704080700000,"end_time":1704103200000}]},{"date":"2025-02-01","closed_exchanges":["MCX"],"open_exchanges":[]}]}
            """#)
        #expect(
            vendor.host.vendor.answers[2]?.json
                == #"[{"venue":"NSE","date":"2025-01-26","open":false,"sessions":[],"holiday":"Republic \"Day\"","special":false},"#
                + #"{"venue":"NSE","date":"2024-01-01","open":true,"sessions":[{"phase":"open","from":1704080700000000,"#
                + #""to":1704103200000000}],"holiday":"New Year","special":true}]"#)
    }

    @Test("says what is wrong with a query, and the codes of errors come before their status")
    func errors() throws {
        let vendor = try TestVendor()
        try vendor.start()
        func body(_ code: String) -> String {
            #"{"status":"error","errors":[{"errorCode":"old","message":"m","error_code":"\#(code)"}]}"#
        }
        let failures: [(String, UInt32, Int32)] = [
            (body("UDAPI10005"), 200, 6), (body("UDAPI10005"), 429, 6), (body("UDAPI1148"), 400, 4),
            (body("UDAPI100067"), 401, 3), (body("UDAPI1149"), 403, 3), (body("UDAPI100072"), 423, 8),
            (body("UDAPI1021"), 400, 5), ("error code: 1010", 403, 8), ("", 502, 8), ("{\"data\":[1", 200, 0),
        ]
        for (index, (body, status, expected)) in failures.enumerated() {
            let id = UInt64(100 + index)
            try vendor.hub.query(Query(identifier: id, kind: .quotes, symbols: ["NSE:RELIANCE"]))
            try vendor.answer(body, status: status)
            #expect(vendor.host.vendor.answers[id]?.status == (expected == 0 ? 7 : expected), "\(body) \(status)")
        }
        #expect(vendor.host.feed.last?.state != FeedState.authenticationNeeded.rawValue)
    }

    @Test("survives any change of the instrument list and of replies")
    func mutations() throws {
        let list = Array(TestVendor.list.utf8)
        let candles = Array(#"{"data":{"candles":[["2025-01-03T15:29:00+05:30",3,3,3,3,1,0],[null]]}}"#.utf8)
        let quotes = Array(
            #"{"data":{"A:B":{"ohlc":{"open":1},"depth":{"buy":[{"price":1,"quantity":2}]},"last_trade_time":"17"}}}"#
                .utf8)
        let guarded = GuardedBytes()
        var mutator = Mutator(seed: 6)
        var listings = 0
        for _ in 0..<1500 {
            _ = try? UpstoxInstruments(guarded.holding(mutator.mutate([list]))) { _ in listings += 1 }
            let reply = guarded.holding(mutator.mutate([candles, quotes]))
            _ = try? CandleReply.read(reply)
            try? UpstoxQuote.read(reply) { _ in }
            _ = UpstoxError.code(reply)
            _ = try? UpstoxReply.address(reply)
        }
        // The seed of this run makes the same messages again.
        #expect(listings > 0, "HUB_SEED=\(mutator.seed)")
    }
}
