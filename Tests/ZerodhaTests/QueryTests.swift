import IndianMarkets
import PluginABI
import PluginKit
import Testing

@testable import PluginTestSupport
@testable import ZerodhaCore

@Suite("Zerodha: instruments, quotes and candles")
struct QueryTests {
    @Test("reads the vendor's instrument list, ragged rows and all")
    func csv() throws {
        let bytes = try Fixture.bytes("kiteconnect-mocks/instruments_all.csv")
        var all: [KiteInstrument] = []
        var bad = 0
        try bytes.withUnsafeBytes { bytes in
            var rows = try KiteCSV(bytes)
            var fields: [String] = []
            while let instrument = rows.next(&fields) { all.append(instrument) }
            bad = rows.badRows
        }
        #expect(all.count == 99 && bad == 0)
        let share = try #require(all.first { $0.tradingSymbol == "CENTRALBK-BE" }?.listing)
        #expect(share.symbol == "NSE:CENTRALBK-BE" && share.type == .equity && share.tickSize == 0.05)
        let option = try #require(all.first { $0.token == 13_693_186 }?.listing)
        #expect(option.symbol == "NFO:ADANIPORTS17DEC490PE" && option.underlying.isEmpty)
        #expect(option.type == .option && option.right == .put && option.strike == 490 && option.lotSize == 2500)
        #expect(option.expiry.map { IndianTime.dateText(ofDay: Int64($0)) } == "2017-12-28")
        #expect(option.identifiers.first == .init("instrument_token", "13693186"))
    }

    @Test("reads columns by their names, quoted fields, and rows of the wrong length not at all")
    func oddCSV() throws {
        let text = """
            \u{feff}exchange, tradingsymbol ,instrument_token,name,segment,instrument_type,lot_size
            NSE,M&M,519937,"MAHINDRA, ""M"" AND SONS",NSE,EQ,1
            NSE,SHORT,1
            NSE,NOTOKEN,x,,NSE,EQ,1
            BSE,SENSEX,265,SENSEX,INDICES,EQ,0

            """
        try Array(text.utf8).withUnsafeBytes { bytes in
            var rows = try KiteCSV(bytes)
            var fields: [String] = []
            let next = rows.next(&fields)
            let first = try #require(next)
            #expect(first.symbol == "NSE:M&M" && first.name == #"MAHINDRA, "M" AND SONS"# && first.lotSize == 1)
            let after = rows.next(&fields)
            let second = try #require(after)
            #expect(second.type == .index && second.listing.lotSize == nil && second.expiry == nil)
            let end = rows.next(&fields)
            #expect(end == nil && rows.badRows == 2)
        }
        #expect(throws: PluginError.self) {
            try Array("<html>".utf8).withUnsafeBytes { _ = try KiteCSV($0) }
        }
    }

    @Test("survives any change of the instrument list and of replies")
    func mutations() throws {
        let csv = Array(try Fixture.bytes("kiteconnect-mocks/instruments_all.csv").prefix(2000))
        let replies = try ["quote", "ohlc", "ltp", "historical_minute"].map {
            try Fixture.bytes("kiteconnect-mocks/\($0).json")
        }
        let guarded = GuardedBytes()
        var mutator = Mutator(seed: 5)
        var fields: [String] = []
        for _ in 0..<1500 {
            let rows = guarded.holding(mutator.mutate([csv]))
            if var reader = try? KiteCSV(rows) { while reader.next(&fields) != nil {} }
            let reply = guarded.holding(mutator.mutate(replies))
            try? KiteQuote.read(reply) { _ in }
            _ = try? CandleReply.read(reply)
            _ = KiteError.envelope(reply)
        }
        // The seed of this run makes the same messages again.
        #expect(fields.count >= 0, "HUB_SEED=\(mutator.seed)")
    }

    @Test("asks for quotes in one call and joins them by token, whatever they are called")
    func quotes() throws {
        let vendor = try TestVendor()
        try vendor.start()
        try vendor.hub.query(
            Query(identifier: 7, kind: .quotes, symbols: ["NSE:NIFTY 50", "NSE:INFY", "NSE:TATAMOTORS"]))
        let request = try #require(vendor.host.vendor.requests.last)
        #expect(request.url == "https://api.kite.trade/quote?i=NSE%3ANifty%2050&i=NSE%3AINFY&i=NSE%3ATATAMOTORS")
        #expect(request.rateClass == "quote")
        try vendor.answer(String(decoding: try Fixture.bytes("kiteconnect-mocks/quote.json"), as: UTF8.self))
        let answer = try #require(vendor.host.vendor.answers[7])
        let records = RecordCollector(holding: answer.records)
        let tick = try #require(records.ticks.first)
        #expect(records.ticks.count == 1 && tick.head.stream == 2 && tick.last == 1412.95 && tick.open == 1396)
        #expect(tick.head.ts_event == IndianTime.nanoseconds("2021-06-08 15:45:56") && tick.previous_close == 1389.65)
        let quote = try #require(records.quotes.first)
        #expect(quote.bid.isNaN && quote.ask == 1412.95 && quote.ask_size == 5191)
        #expect(records.books.first?.bids.isEmpty == true && records.books.first?.asks.first?.orders == 13)
        #expect(answer.status == 0)
        // Short replies have fewer fields; a whole price may be written without a point.
        for name in ["ltp", "ohlc"] {
            var last = 0.0
            try Fixture.bytes("kiteconnect-mocks/\(name).json").withUnsafeBytes { bytes in
                try KiteQuote.read(bytes) { last = $0.prices.last }
            }
            #expect(last == (name == "ltp" ? 1074.35 : 1075))
        }
    }

    @Test("splits a range into what one call may span, joins the parts, and leaves the running candle out")
    func candles() throws {
        let vendor = try TestVendor()
        try vendor.start()
        let from = try #require(IndianTime.nanoseconds("2024-10-01"))
        try vendor.hub.query(
            Query(identifier: 8, kind: .bars, symbols: ["NSE:INFY"], interval: 60, fromNanoseconds: from))
        #expect(
            vendor.host.vendor.requests.last?.url
                == "https://api.kite.trade/instruments/historical/408065/minute?from=2024-10-01%2000%3A00%3A00&"
                + "to=2024-11-29%2023%3A59%3A59&continuous=0&oi=1")
        try vendor.answer(
            #"{"status":"success","data":{"candles":[["2024-11-29T15:29:00+0530",10,12.5,9,11,100,7]]}}"#)
        #expect(
            vendor.host.vendor.requests.last?.url.hasSuffix(
                "from=2024-11-30%2000%3A00%3A00&to=2025-01-06%2009%3A59%3A59&continuous=0&oi=1") == true)
        #expect(vendor.host.vendor.answers[8]?.status == nil)
        try vendor.answer(
            #"{"status":"success","data":{"candles":[["2025-01-06T09:58:00+0530",1,2,1,2,5],["2025-01-06T09:58:00+0530",1,2,1,2,5],"#
                + #"["2025-01-06T09:59:00+0530",1,2,1,2,5],["2025-01-06T10:00:00+0530",1,2,1,2,5]]}}"#)
        let answer = try #require(vendor.host.vendor.answers[8])
        let bars = RecordCollector(holding: answer.records).bars
        #expect(answer.status == 0 && bars.map(\.close) == [11, 2, 2])
        #expect(bars[0].open_interest == 7 && bars[1].open_interest.isNaN && bars[0].interval == 60)
        #expect(bars[2].head.ts_event == monday - 60_000_000_000 && bars.allSatisfy { $0.head.stream == 1 })
    }

    @Test("the running day has no candle before its session has ended")
    func dayCandle() throws {
        let vendor = try TestVendor()
        try vendor.start()
        let body =
            #"{"data":{"candles":[["2025-01-03T00:00:00+0530",1,2,1,2,5],["2025-01-06T00:00:00+0530",1,2,1,2,5]]}}"#
        try vendor.hub.query(Query(identifier: 1, kind: .bars, symbols: ["NSE:INFY"], interval: 86400))
        try vendor.answer(body)
        vendor.hub.now = try #require(IndianTime.nanoseconds("2025-01-06 18:00"))
        try vendor.hub.query(Query(identifier: 2, kind: .bars, symbols: ["NSE:INFY"], interval: 86400))
        try vendor.answer(body)
        let counts = [1, 2].map { RecordCollector(holding: vendor.host.vendor.answers[$0]?.records ?? []).bars.count }
        #expect(counts == [1, 2])
    }

    @Test("says what is wrong with a query, and waits with it for the instrument list")
    func errors() throws {
        let vendor = try TestVendor()
        try vendor.hub.start()
        try vendor.hub.query(Query(identifier: 1, kind: .quotes, symbols: ["NSE:INFY"]))
        #expect(vendor.host.vendor.requests.count == 1)
        try vendor.answerInstruments()
        #expect(vendor.host.vendor.requests.count == 2)
        func refused(_ query: Query) -> Int32? {
            do {
                try vendor.hub.query(query)
                return nil
            } catch {
                return (error as? Refusal)?.status
            }
        }
        #expect(refused(Query(identifier: 2, kind: .bars, symbols: ["NSE:NOPE"], interval: 60)) == 5)
        #expect(refused(Query(identifier: 3, kind: .bars, symbols: ["NSE:INFY"], interval: 7)) == 4)
        #expect(refused(Query(identifier: 4, kind: .news)) == 4)
        let failures: [(String, UInt32, Int32)] = [
            (
                #"{"status":"error","message":"interval exceeds max limit: 60 days","error_type":"InputException"}"#,
                400, 4
            ),
            (#"{"status":"error","message":"Too many requests","error_type":"NetworkException"}"#, 429, 6),
            (#"{"status":"error","message":"no","error_type":"PermissionException","data":null}"#, 403, 3),
            (#"{"status":"error","message":"down","error_type":"DataException"}"#, 502, 8),
            ("<html>gateway</html>", 504, 8), ("{\"data\":{", 200, 7), ("not found", 404, 5),
        ]
        for (index, (body, status, expected)) in failures.enumerated() {
            let id = UInt64(100 + index)
            try vendor.hub.query(Query(identifier: id, kind: .quotes, symbols: ["NSE:INFY"]))
            try vendor.answer(body, status: status)
            #expect(vendor.host.vendor.answers[id]?.status == expected, "\(body)")
        }
        #expect(vendor.host.feed.last?.state != FeedState.authenticationNeeded.rawValue)
        #expect(try vendor.hub.symbol(of: "408065") == "NSE:INFY")
        #expect(try vendor.hub.symbol(of: "256265") == "NSE:NIFTY 50")
    }
}
