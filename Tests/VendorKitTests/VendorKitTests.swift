import JSONReading
import PluginKit
import Testing
import VendorKit

private func time(_ text: String) -> Int64? {
    Array(text.utf8).withUnsafeBufferPointer { VendorTime.text(JSONText(start: $0.baseAddress!, count: $0.count)) }
}

@Suite("what vendors have in common")
struct VendorKitTests {
    @Test("times are read with and without a time of day and a zone, and nothing else is")
    func times() {
        #expect(time("1970-01-02") == 86_400_000_000_000)
        #expect(time("2025-01-06 09:35:00") == 1_736_156_100_000_000_000)
        #expect(time("2025-01-06T09:35:00Z") == 1_736_156_100_000_000_000)
        #expect(time("2025-01-06 09:35") == 1_736_156_100_000_000_000)
        #expect(time("2021-11-12T11:21:00+01:00") == 1_636_712_460_000_000_000)
        #expect(time("2021-11-12T11:21:00.250-0500") == 1_636_734_060_000_000_000)
        for text in ["x", "2025-02-29", "2025-01-06 25:00:00", "2025-01-06 09:3", "2025-01-06 09:35:00+", "20250106xx"]
        {
            #expect(time(text) == nil, "\(text)")
        }
        #expect(VendorTime.dateAndTime(1_736_156_100_000_000_000) == "2025-01-06 09:35:00")
        #expect(VendorTime.seconds(.nan) == 0)
        #expect(VendorTime.milliseconds(1e300) == 0)
    }

    @Test("a stream is found by its symbol's bytes among many, and no other one is")
    func streams() {
        let symbols = (1...5000).map { ("S\($0)", StreamTable.Entry(handle: UInt32($0), kinds: .trade)) }
        let table = StreamTable(symbols + [("S7", StreamTable.Entry(handle: 7007, kinds: .tick))])
        defer { table.deallocate() }
        func find(_ name: String) -> UInt32 {
            Array(name.utf8).withUnsafeBufferPointer { table.find($0.baseAddress!, $0.count).handle }
        }
        #expect(find("S1") == 1)
        #expect(find("S5000") == 5000)
        #expect(find("S7") == 7007)
        #expect(find("S5001") == 0)
        #expect(find("S") == 0)
    }

    @Test("pairs are split into base and quote")
    func pairs() {
        #expect(PairName.currencies("EURUSD").map { "\($0.base) \($0.quote)" } == "EUR USD")
        #expect(PairName.currencies("EURUS") == nil)
        #expect(PairName.coins("BTCUSDT").map { "\($0.base) \($0.quote)" } == "BTC USDT")
        #expect(PairName.coins("BTC-USD").map { "\($0.base) \($0.quote)" } == "BTC USD")
        #expect(PairName.coins("ETHBTC").map { "\($0.base) \($0.quote)" } == "ETH BTC")
        #expect(PairName.coins("USDT") == nil)
    }

    @Test("addresses escape what stands in their parameters")
    func addresses() {
        #expect(
            URLText.make("http://h:1/api/", "/x", [("symbol", "EUR/USD"), ("none", ""), ("q", "a b&c")])
                == "http://h:1/api/x?symbol=EUR%2FUSD&q=a%20b%26c")
    }

    @Test("answers are JSON in the hub's words, with what is not known left out")
    func answers() {
        var item = NewsItem()
        item.identifier = "1"
        item.timeNanoseconds = 1_500
        item.headline = "a \"b\""
        item.url = "u"
        item.symbols = ["NYSE:A"]
        #expect(
            NewsItem.json([item])
                == #"[{"id":"1","time":1,"headline":"a \"b\"","url":"u","symbols":["NYSE:A"]}]"#)
        var profile = ProfileAnswer()
        profile.symbol = "NYSE:A"
        profile.employees = 5
        #expect(profile.json == #"{"symbol":"NYSE:A","name":"NYSE:A","employees":5}"#)
    }
}
