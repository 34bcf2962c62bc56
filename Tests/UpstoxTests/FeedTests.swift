import Foundation
import PluginABI
import PluginKit
import Testing

@testable import PluginTestSupport
@testable import UpstoxCore

/// One decoder with keys, all kinds wanted; handles in the order of the keys, from 1.
final class TestFeed {
    var feed = UpstoxFeed()
    let collector = RecordCollector()

    init(_ keys: [String], kinds: KindSet = [.tick, .quote, .book, .greeks]) {
        for (index, key) in keys.enumerated() { feed.keys.set(key, handle: UInt32(index + 1), kinds: kinds) }
    }

    @discardableResult
    func decode(_ bytes: [UInt8]) -> FeedFrame {
        bytes.withUnsafeBytes { feed.decode($0, into: collector.out) }
    }

    @discardableResult
    func decode(fixture name: String) throws -> FeedFrame { decode(try Fixture.bytes("generated-v3/\(name).bin")) }
}

private let reliance = "NSE_EQ|INE002A01018"
private let nifty = "NSE_INDEX|Nifty 50"
private let option = "NSE_FO|40084"
private let illiquid = "NSE_FO|99999"
private let all = [reliance, nifty, option, illiquid]

@Suite("The market data feed of Upstox")
struct FeedTests {
    private func same(_ record: Double, _ expected: Any?) -> Bool {
        switch expected {
        case let number as Double: record == number
        case let text as String: record == Double(text)
        default: record.isNaN
        }
    }

    private func milliseconds(_ expected: Any?) -> Int64 {
        ((expected as? String).flatMap(Int64.init) ?? 0) * 1_000_000
    }

    @Test(
        "decodes every message as the vendor's own schema does",
        arguments: Fixture.names("generated-v3", ending: ".bin"))
    func fixtures(name: String) throws {
        let expected = try #require(
            Fixture.json("generated-v3/\(name).expected.json")["official_sdk_2_30_0_decode"] as? [String: Any])
        let feeds = expected["feeds"] as? [String: [String: Any]] ?? [:]
        let test = TestFeed(all)
        let outcome = try test.decode(fixture: name)
        #expect(outcome == FeedFrame(updates: feeds.count))
        var ticks = 0
        var books = 0
        for (key, feed) in feeds {
            let handle = UInt32(try #require(all.firstIndex(of: key)) + 1)
            let full = feed["fullFeed"] as? [String: [String: Any]]
            let body = full?["marketFF"] ?? full?["indexFF"] ?? feed["firstLevelWithGreeks"] as? [String: Any] ?? feed
            let last = try #require(body["ltpc"] as? [String: Any])
            let tick = test.collector.ticks.first { $0.head.stream == handle }
            if last.isEmpty {
                #expect(tick == nil)
            } else {
                ticks += 1
                let tick = try #require(tick)
                #expect(same(tick.last, last["ltp"]) && same(tick.last_size, last["ltq"]))
                #expect(same(tick.previous_close, last["cp"]) && tick.last_trade_time == milliseconds(last["ltt"]))
                #expect(tick.head.ts_event == milliseconds(expected["currentTs"]))
                #expect(same(tick.average, body["atp"]) && same(tick.volume, body["vtt"]))
                #expect(same(tick.open_interest, body["oi"]))
                #expect(same(tick.total_buy, body["tbq"]) && same(tick.total_sell, body["tsq"]))
                let bars = (body["marketOHLC"] as? [String: [[String: Any]]])?["ohlc"] ?? []
                let day = bars.first { $0["interval"] as? String == "1d" }
                #expect(same(tick.open, day?["open"]) && same(tick.high, day?["high"]) && same(tick.low, day?["low"]))
            }
            let first = (body["firstDepth"] as? [String: Any]).map { [$0] }
            if let levels = first ?? (body["marketLevel"] as? [String: [[String: Any]]])?["bidAskQuote"] {
                books += 1
                let book = try #require(test.collector.books.first { $0.stream == handle })
                let there = levels.filter { !$0.isEmpty }
                try #require(book.bids.count == there.count && book.asks.count == there.count)
                for (index, level) in there.enumerated() {
                    #expect(same(book.bids[index].price, level["bidP"]) && same(book.bids[index].size, level["bidQ"]))
                    #expect(same(book.asks[index].price, level["askP"]) && same(book.asks[index].size, level["askQ"]))
                }
                let quote = try #require(test.collector.quotes.first { $0.head.stream == handle })
                #expect(there.isEmpty ? quote.bid.isNaN && quote.ask_size.isNaN : quote.ask == book.asks[0].price)
            }
            if let greeks = body["optionGreeks"] as? [String: Any], !greeks.isEmpty {
                let record = try #require(test.collector.greeks.first)
                #expect(same(record.delta, greeks["delta"]) && same(record.gamma, greeks["gamma"]))
                #expect(same(record.theta, greeks["theta"]) && same(record.vega, greeks["vega"]))
                #expect(same(record.rho, greeks["rho"]) && same(record.implied_volatility, body["iv"]))
            }
        }
        #expect(test.collector.ticks.count == ticks && test.collector.books.count == books && test.collector.isSound)
    }

    @Test("tells the state of each venue")
    func marketInfo() throws {
        let test = TestFeed([])
        try test.decode(fixture: "01_market_info")
        let phases = Dictionary(uniqueKeysWithValues: test.collector.phases.map { ($0.venue, $0.phase) })
        #expect(phases == ["NSE": 4, "BSE": 4, "NFO": 4, "BFO": 4, "CDS": 4, "BCD": 4, "NCO": 4, "MCX": 3])
        #expect(test.collector.records.allSatisfy { $0.pointee.ts_event == 1_736_135_100_000_000_000 })
        #expect(test.collector.records.last?.pointee.flags == RecordFlags.lastOfMessage.rawValue)
        // A state of number 0 whose value was left out.
        let test2 = TestFeed([])
        test2.decode([0x08, 2, 0x22, 10, 0x0a, 8, 0x0a, 6] + Array("MCX_FO".utf8))
        #expect(test2.collector.phases.map(\.reason) == ["PRE_OPEN_START"])
    }

    @Test("keeps what an update does not mention, and forgets it with the subscription")
    func merging() throws {
        let test = TestFeed(all)
        try test.decode(fixture: "03_full_equity")
        try test.decode(fixture: "06_full_partial")
        let ticks = test.collector.ticks
        try #require(ticks.count == 2)
        #expect(ticks[1].last == 1251.45 && ticks[1].last_size == 1 && ticks[1].volume == 1_183_221)
        #expect(ticks[1].average == 1250.12 && ticks[1].total_buy == 512_233 && ticks[1].high == 1253.2)
        #expect(test.collector.quotes.count == 1 && test.collector.books.count == 1)
        #expect(ticks.map { $0.head.flags & RecordFlags.snapshot.rawValue != 0 } == [true, false])
        test.feed.keys.forget(reliance)
        try test.decode(fixture: "06_full_partial")
        let fresh = try #require(test.collector.ticks.last)
        #expect(fresh.average.isNaN && fresh.head.flags & RecordFlags.snapshot.rawValue != 0)
    }

    @Test("passes fields that it does not know, in every message")
    func unknownFields() throws {
        let unknown: [UInt8] =
            [0xf8, 0x01, 0x96, 0x01, 0xf5, 0x07, 1, 2, 3, 4, 0xfa, 0x3e, 2, 9, 9, 0xc1, 0x3e] + [
                1, 2, 3, 4, 5, 6, 7, 8,
            ]
        func message(_ field: UInt8, _ body: [UInt8]) -> [UInt8] {
            let length =
                body.count < 128 ? [UInt8(body.count)] : [UInt8(body.count & 0x7f) | 0x80, UInt8(body.count >> 7)]
            return [field << 3 | 2] + length + body
        }
        func double(_ field: UInt8, _ value: Double) -> [UInt8] {
            [field << 3 | 1] + withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
        }
        let last = message(1, unknown + double(1, 99.5) + unknown)
        let market = message(2, message(1, unknown + last + unknown) + unknown)
        let entry = unknown + message(2, unknown + market) + message(1, Array(reliance.utf8))
        let test = TestFeed(all)
        #expect(test.decode(unknown + message(2, entry) + unknown).updates == 1)
        #expect(test.collector.ticks.first?.last == 99.5)
    }

    @Test("drops a message that is cut, and only the update that is spoilt")
    func malformed() throws {
        let bytes = try Fixture.bytes("generated-v3/02_snapshot_ltpc.bin")
        for length in 1..<bytes.count {
            let test = TestFeed(all)
            let outcome = test.decode(Array(bytes.prefix(length)))
            #expect(outcome.isMalformed || outcome.updates < 2 || length > 100)
        }
        // The first update says that its last price is longer than it is; its neighbour is whole.
        var spoilt = bytes
        let place = try #require(spoilt.indices.dropLast(2).first { spoilt[$0] == 0x0a && spoilt[$0 + 2] == 0x09 })
        spoilt[place + 1] = 0x7f
        let test = TestFeed(all)
        let outcome = test.decode(spoilt)
        #expect(outcome.updates == 1 && outcome.malformed == 1 && test.collector.ticks.count == 1)
    }

    @Test("finds every one of thousands of keys, also after some were removed")
    func keys() throws {
        var table = KeyTable()
        let keys = (0..<5000).map { "NSE_FO|\(30_000 + $0)" }
        for (index, key) in keys.enumerated() { table.set(key, handle: UInt32(index + 1), kinds: .tick) }
        func handle(_ key: String) -> UInt32? {
            Array(key.utf8).withUnsafeBytes { table.find($0)?.pointee.handle }
        }
        for index in keys.indices where index % 3 == 0 { table.remove(keys[index]) }
        #expect(table.count == 3333 && handle("") == nil && handle("NSE_FO|1") == nil)
        #expect(keys.indices.allSatisfy { handle(keys[$0]) == ($0 % 3 == 0 ? nil : UInt32($0 + 1)) })
        // The places of removed keys, and their bytes, are used again.
        for round in 0..<3 {
            for index in keys.indices where index % 3 == 0 {
                table.set(keys[index], handle: UInt32(round + 1), kinds: [])
            }
            for index in keys.indices where index % 3 == 0 { table.remove(keys[index]) }
        }
        #expect(keys.indices.allSatisfy { handle(keys[$0]) == ($0 % 3 == 0 ? nil : UInt32($0 + 1)) })
    }

    @Test("makes the same records however messages are grouped into calls")
    func grouping() throws {
        let names = Fixture.names("generated-v3", ending: ".bin")
        let together = TestFeed(all)
        for name in names + names { try together.decode(fixture: name) }
        let apart = TestFeed(all)
        var bytes: [UInt8] = []
        for name in names + names {
            apart.collector.reset()
            try apart.decode(fixture: name)
            bytes += apart.collector.bytes
        }
        #expect(bytes == together.collector.bytes)
    }

    @Test("survives any change of its messages")
    func mutations() throws {
        let corpus = try Fixture.names("generated-v3", ending: ".bin").map {
            try Fixture.bytes("generated-v3/\($0).bin")
        }
        let test = TestFeed(all)
        let guarded = GuardedBytes()
        var mutator = Mutator(seed: 4)
        for _ in 0..<20_000 {
            let bytes = guarded.holding(mutator.mutate(corpus))
            test.collector.reset()
            _ = test.feed.decode(bytes, into: test.collector.out)
            // The seed of this run makes the same messages again.
            #expect(test.collector.isSound, "HUB_SEED=\(mutator.seed): \(Array(bytes))")
        }
    }
}
