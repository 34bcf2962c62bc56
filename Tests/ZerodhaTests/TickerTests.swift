import Foundation
import PluginABI
import PluginKit
import Testing

@testable import PluginTestSupport
@testable import ZerodhaCore

/// A frame as the vendor sends it: count and lengths in front.
func frame(_ packets: [[UInt8]]) -> [UInt8] {
    func half(_ number: Int) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xff)] }
    return half(packets.count) + packets.flatMap { half($0.count) + $0 }
}

/// One decoder with tokens, all kinds wanted; handles in the order of the tokens, from 1.
final class TestTicker {
    var ticker = KiteTicker()
    let collector = RecordCollector()

    init(_ tokens: [UInt32], kinds: KindSet = [.tick, .quote, .book]) {
        for (index, token) in tokens.enumerated() { ticker.tokens.set(token, handle: UInt32(index + 1), kinds: kinds) }
    }

    @discardableResult
    func decode(_ bytes: [UInt8]) -> KiteFrame {
        bytes.withUnsafeBytes { ticker.decode($0, into: collector.out) }
    }
}

@Suite("The binary ticker of Kite")
struct TickerTests {
    private func same(_ record: Double, _ expected: Any?, zeroIsNone: Bool = false) -> Bool {
        guard let number = expected as? Double else { return record.isNaN }
        return zeroIsNone && number == 0 ? record.isNaN : record == number
    }

    @Test(
        "decodes every message as the vendor's own parser does",
        arguments: Fixture.names("generated", ending: ".bin"))
    func fixtures(name: String) throws {
        let expected = try #require(
            Fixture.json("generated/\(name).expected.json")["official_python_5_2_2_decode"] as? [[String: Any]])
        let tokens = expected.compactMap { ($0["instrument_token"] as? Int).map(UInt32.init) }
        let test = TestTicker(tokens)
        let outcome = test.decode(try Fixture.bytes("generated/\(name).bin"))
        #expect(outcome.packets == expected.count && !outcome.isTruncated)
        let ticks = test.collector.ticks
        try #require(ticks.count == expected.count)
        for (tick, packet) in zip(ticks, expected) {
            #expect(tokens[Int(tick.head.stream) - 1] == UInt32(try #require(packet["instrument_token"] as? Int)))
            #expect(same(tick.last, packet["last_price"]))
            #expect(same(tick.last_size, packet["last_traded_quantity"]))
            #expect(same(tick.average, packet["average_traded_price"], zeroIsNone: true))
            #expect(same(tick.volume, packet["volume_traded"]))
            #expect(same(tick.total_buy, packet["total_buy_quantity"]))
            #expect(same(tick.total_sell, packet["total_sell_quantity"]))
            let prices = packet["ohlc"] as? [String: Any]
            #expect(same(tick.open, prices?["open"], zeroIsNone: true))
            #expect(same(tick.high, prices?["high"], zeroIsNone: true))
            #expect(same(tick.low, prices?["low"], zeroIsNone: true))
            #expect(same(tick.previous_close, prices?["close"], zeroIsNone: true))
            #expect(same(tick.open_interest, packet["oi"]))
            #expect(tick.last_trade_time == Int64(packet["last_trade_time"] as? Int ?? 0) * 1_000_000_000)
            #expect(tick.head.ts_event == Int64(packet["exchange_timestamp"] as? Int ?? 0) * 1_000_000_000)
        }
        let depths = expected.compactMap { $0["depth"] as? [String: [[String: Any]]] }
        try #require(test.collector.books.count == depths.count && test.collector.quotes.count == depths.count)
        for (index, depth) in depths.enumerated() {
            let book = test.collector.books[index]
            for (levels, name) in [(book.bids, "buy"), (book.asks, "sell")] {
                let wanted = try #require(depth[name]).filter { ($0["quantity"] as? Int) != 0 }
                try #require(levels.count == wanted.count)
                for (level, entry) in zip(levels, wanted) {
                    #expect(same(level.price, entry["price"]) && same(level.size, entry["quantity"]))
                    #expect(level.orders == UInt32(try #require(entry["orders"] as? Int)))
                }
            }
            let quote = test.collector.quotes[index]
            #expect(book.bids.isEmpty ? quote.bid.isNaN : quote.bid == book.bids[0].price)
            #expect(book.asks.isEmpty ? quote.ask_size.isNaN : quote.ask_size == book.asks[0].size)
        }
    }

    @Test("takes the vendor's recorded packets")
    func recordedPackets() throws {
        let test = TestTicker([884737, 408065])
        test.decode(try Fixture.bytes("kiteconnectjs/ltpMode_binary.packet"))
        test.decode(try Fixture.bytes("kiteconnectjs/quoteMode_binary.packet"))
        for name in ["ticker_quote", "ticker_full"] {
            let text = String(decoding: try Fixture.bytes("kiteconnect-mocks/\(name).packet"), as: UTF8.self)
            let packet = try #require(Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(test.decode(frame([Array(packet)])).packets == 1)
        }
        let ticks = test.collector.ticks
        try #require(ticks.count == 4)
        #expect(ticks[0].last == 392.95 && ticks[0].head.stream == 1 && ticks[0].volume.isNaN)
        let full = ticks[3]
        #expect(full.last == 1573.7 && full.average == 1570.37 && full.volume == 1_192_471 && full.open == 1569.15)
        #expect(full.last_trade_time == 1_625_461_887_000_000_000)  // 10:41:27 in India
        let book = try #require(test.collector.books.first)
        #expect(book.bids.map(\.price) == [1573.4, 1573, 1572.95, 1572.9, 1572.85])
        #expect(book.asks.map(\.orders) == [3, 3, 3, 2, 5])
    }

    @Test("divides by what the segment of the token says")
    func divisors() throws {
        for (segment, price) in [
            (1, 12345.67), (2, 12345.67), (3, 0.1234567), (6, 123.4567), (7, 12345.67), (9, 12345.67), (12, 123.4567),
        ] {
            let token: [UInt8] = [0, 1, 2, UInt8(segment)]
            let test = TestTicker([0x10200 | UInt32(segment)])
            #expect(test.decode(frame([token + [0x00, 0x12, 0xd6, 0x87]])).packets == 1)
            #expect(test.collector.ticks.first?.last == price, "segment \(segment)")
        }
    }

    @Test("reads prices below zero, and quantities beyond two billions")
    func signs() throws {
        var packet = [UInt8](repeating: 0, count: 44)
        packet.replaceSubrange(0..<8, with: [0, 0, 1, 7, 0xff, 0xff, 0xf1, 0x94])  // MCX, -36.92
        packet.replaceSubrange(16..<20, with: [0xff, 0xff, 0xff, 0xff])
        let test = TestTicker([0x107])
        test.decode(frame([packet]))
        #expect(test.collector.ticks.first?.last == -36.92 && test.collector.ticks.first?.volume == 4_294_967_295)
    }

    @Test("tells quotes only when the first level changed, and marks what comes first after a subscription")
    func quotes() throws {
        let text = String(decoding: try Fixture.bytes("kiteconnect-mocks/ticker_full.packet"), as: UTF8.self)
        var packet = Array(try #require(Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines))))
        let test = TestTicker([408065], kinds: [.tick, .quote])
        test.decode(frame([packet]))
        test.decode(frame([packet]))
        #expect(test.collector.ticks.count == 2 && test.collector.quotes.count == 1 && test.collector.books.isEmpty)
        packet[67] += 1
        test.decode(frame([packet]))
        #expect(test.collector.quotes.map(\.bid_size) == [5, 6])
        test.ticker.tokens.forget([408065])
        test.decode(frame([packet]))
        #expect(test.collector.quotes.count == 3)
        let snapshot = RecordFlags.snapshot.rawValue
        #expect(test.collector.ticks.map { $0.head.flags & snapshot != 0 } == [true, false, false, true])
        let last = RecordFlags.lastOfMessage.rawValue
        #expect(
            test.collector.records.map { $0.pointee.flags & last != 0 } == [
                false, true, true, false, true, false, true,
            ])
    }

    @Test("keeps whole packets of a frame that was cut, wherever it was")
    func truncation() throws {
        let bytes = try Fixture.bytes("generated/mixed_4_packets.bin")
        let ends = [12, 58, 88, 274]
        for length in 0...bytes.count {
            let test = TestTicker([884737, 408065, 256265, 12_073_986])
            let outcome = test.decode(Array(bytes.prefix(length)))
            #expect(outcome.packets == ends.count { $0 <= length })
            #expect(outcome.isTruncated == (length >= 2 && length < bytes.count))
        }
    }

    @Test("passes packets of tokens that nobody wants, and finds every one of thousands that are wanted")
    func tokens() throws {
        var table = TokenTable()
        let tokens = (0..<9000).map { (index: Int) -> UInt32 in UInt32(index * 256 + index % 9 + 1) }
        for (index, token) in tokens.enumerated() { table.set(token, handle: UInt32(index + 1), kinds: .tick) }
        #expect(tokens.indices.allSatisfy { table.find(tokens[$0])?.pointee.handle == UInt32($0 + 1) })
        let removed = tokens.indices.filter { $0 % 3 == 0 }
        for index in removed { table.remove(tokens[index]) }
        #expect(table.count == 6000)
        #expect(
            tokens.indices.allSatisfy { index in
                table.find(tokens[index])?.pointee.handle == (index % 3 == 0 ? nil : UInt32(index + 1))
            })
        #expect(table.find(0) == nil && table.find(9_999_999) == nil)
        let test = TestTicker([408065])
        #expect(test.decode(try Fixture.bytes("generated/mixed_4_packets.bin")).unknownTokens == 3)
        #expect(test.collector.ticks.count == 1)
    }

    @Test("says when the records of a frame do not fit, and keeps those that do")
    func overfull() {
        var ticker = KiteTicker()
        ticker.tokens.set(0x101, handle: 1, kinds: .tick)
        let collector = RecordCollector(lines: 4)
        let packets = [[UInt8]](repeating: [0, 0, 1, 1, 0, 0, 0, 100], count: 5)
        let outcome = frame(packets).withUnsafeBytes { ticker.decode($0, into: collector.out) }
        #expect(outcome.isOverfull && outcome.packets == 2 && collector.ticks.count == 2)
    }

    @Test("makes the same records however messages are grouped into calls")
    func grouping() throws {
        let names = Fixture.names("generated", ending: ".bin")
        let tokens: [UInt32] = [884737, 408065, 256265, 12_073_986, 333059]
        let together = TestTicker(tokens)
        let apart = TestTicker(tokens)
        var bytes: [UInt8] = []
        for name in names + names {
            let message = try Fixture.bytes("generated/\(name).bin")
            together.decode(message)
            apart.collector.reset()
            apart.decode(message)
            bytes += apart.collector.bytes
        }
        #expect(bytes == together.collector.bytes)
    }

    @Test("survives any change of its messages")
    func mutations() throws {
        var corpus = try Fixture.names("generated", ending: ".bin").map { try Fixture.bytes("generated/\($0).bin") }
        corpus += try ["ltpMode_binary", "quoteMode_binary"].map { try Fixture.bytes("kiteconnectjs/\($0).packet") }
        let test = TestTicker([884737, 408065, 256265, 12_073_986, 333059])
        let guarded = GuardedBytes()
        var mutator = Mutator(seed: 4)
        for _ in 0..<20_000 {
            let bytes = guarded.holding(mutator.mutate(corpus))
            test.collector.reset()
            let outcome = test.ticker.decode(bytes, into: test.collector.out)
            // The seed of this run makes the same messages again.
            #expect(
                test.collector.isSound && outcome.packets * 8 <= bytes.count,
                "HUB_SEED=\(mutator.seed): \(Array(bytes))")
        }
    }
}
