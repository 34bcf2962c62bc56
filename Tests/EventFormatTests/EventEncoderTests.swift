import EventFormat
import Foundation
import PluginABI
import Testing

@Suite("Encoding events")
struct EventEncoderTests {
    private func trade(flags: Int = 0, conditions: UInt32 = 0, stream: UInt32 = 3, time: Int64 = 5) -> MadeRecord {
        var trade = hub_trade()
        trade.price = 1
        trade.size = 2
        trade.conditions = conditions
        return MadeRecord.make(HUB_TRADE, seq: 7, stream: stream, time: time, received: 9, flags: flags, trade)
    }

    @Test("flags come in the order of their description, simulated is a field, derived is not told")
    func flags() {
        let all = 0x0fff
        #expect(
            Fixture.text(trade(flags: all))
                == #"{"type":"trade","seq":7,"symbol":"NASDAQ:AAPL","time":5,"received":9,"source":"finnhub","#
                + #""simulated":true,"flags":["snapshot","recorded","backfilled","late","correction","suspect","#
                + #""untimed"],"price":1,"size":2}"#)
        #expect(
            Fixture.text(trade(flags: HUB_FLAG_LAST_OF_MESSAGE | HUB_FLAG_DERIVED))
                == #"{"type":"trade","seq":7,"symbol":"NASDAQ:AAPL","time":5,"received":9,"source":"finnhub","#
                + #""price":1,"size":2}"#)
        #expect(Fixture.text(trade(flags: HUB_FLAG_LATE)).contains(#","flags":["late"],"price""#))
        #expect(Fixture.text(trade(flags: HUB_FLAG_SIMULATED)).contains(#""finnhub","simulated":true,"price""#))
    }

    @Test("all conditions have words, and a bit without one is told as other")
    func conditions() {
        #expect(
            Fixture.text(trade(conditions: 0x1fff)).hasSuffix(
                #""conditions":["odd_lot","extended_hours","auction_open","auction_close","average_price","#
                    + #""out_of_sequence","sweep","cross","contingent","not_last","not_high_low","not_volume","#
                    + #""other"]}"#
            ))
        #expect(Fixture.text(trade(conditions: 1 << 20)).hasSuffix(#""conditions":["other"]}"#))
    }

    @Test("every time of an event follows ts")
    func timeStyles() {
        let record = trade(time: 1_736_174_100_123_456)
        #expect(Fixture.text(record, style: .milliseconds).contains(#""time":1736174100123,"received":0,"#))
        #expect(Fixture.text(record, style: .seconds).contains(#""time":1736174100,"received":0,"#))
        #expect(Fixture.text(record, style: .nanoseconds).contains(#""time":"1736174100123456789","received":"9999","#))
        #expect(
            Fixture.text(record, style: .iso).contains(
                #""time":"2025-01-06T14:35:00.123456789Z","received":"1970-01-01T00:00:00.000009999Z","#))
        var gap = hub_gap()
        gap.state = 1
        gap.from = 1_736_174_100_123_456_789
        let gapRecord = MadeRecord.make(
            HUB_GAP, seq: 1, stream: 5, time: 1, received: 1, texts: ["*"], after: 64, gap)
        #expect(
            Fixture.text(gapRecord, style: .iso).contains(#""from":"2025-01-06T14:35:00.123456789Z","to":null"#))
        let bar = MadeRecord.make(HUB_BAR, seq: 1, stream: 2, time: 0, received: 1, EventExampleTests.minuteBar())
        #expect(Fixture.text(bar, style: .iso).contains(#""end":"1970-01-01T00:01:00.000000000Z""#))
    }

    @Test("a stream that was never defined is named unknown until it is")
    func unknownStream() {
        var encoder = EventEncoder()
        var table = DefinitionTable()
        var buffer = TextBuffer()
        let record = trade(stream: 9)
        encoder.encode(record.pointer, definitions: table, into: &buffer)
        #expect(buffer.string.contains(#""seq":7,"time":5,"received":9,"source":"unknown","price""#))
        table.learn(StreamDefinition(id: 9, symbol: "SIM:\"A", source: "sim"))
        buffer.clear()
        encoder.encode(record.pointer, definitions: table, into: &buffer)
        #expect(buffer.string.contains(#""symbol":"SIM:\"A","time":5,"received":9,"source":"sim","price""#))
    }

    @Test("events in an array are separated by commas")
    func arrays() {
        var encoder = EventEncoder()
        var buffer = TextBuffer()
        let record = trade()
        buffer.beginArray()
        encoder.encode(record.pointer, definitions: Fixture.table, into: &buffer)
        encoder.encode(record.pointer, definitions: Fixture.table, into: &buffer)
        buffer.endArray()
        let one = Fixture.text(record)
        #expect(buffer.string == "[\(one),\(one)]")
    }

    @Test("the same record has the same bytes from every encoder, whatever was encoded before, and is valid JSON")
    func stability() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed of random records: \(seed)")
        var random = NumberTextTests.Random(state: seed)
        let kinds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 128, 129, 200]
        var seasoned = EventEncoder()
        var first = TextBuffer()
        var second = TextBuffer()
        var wellFormed = 0
        for _ in 0..<6000 {
            // Random bytes behind a likely head: texts that lie, levels that do not fit, NaN everywhere.
            let record = MadeRecord(lines: Int.random(in: 1...4, using: &random))
            for offset in stride(from: 0, to: record.lines * 64, by: 8) {
                let word = random.next()
                let isSmall = Bool.random(using: &random)
                record.raw.storeBytes(
                    of: isSmall ? word & 0x0007_0003_0003_0007 : word, toByteOffset: offset, as: UInt64.self)
            }
            record.head.pointee.lines = UInt8(record.lines)
            record.head.pointee.kind = UInt8(kinds.randomElement(using: &random) ?? 1)
            if Bool.random(using: &random) { record.head.pointee.stream %= 10 }
            if RecordShape.isWellFormed(record.pointer) { wellFormed += 1 }
            first.clear()
            second.clear()
            seasoned.encode(record.pointer, definitions: Fixture.table, into: &first)
            var fresh = EventEncoder()
            fresh.encode(record.pointer, definitions: Fixture.table, into: &second)
            #expect(first.array == second.array)
            let object = try JSONSerialization.jsonObject(with: Data(first.array)) as? [String: Any]
            #expect(object?["type"] is String)
            #expect(object?["seq"] != nil)
        }
        #expect(wellFormed > 500)
    }

    @Test("the largest book and the longest texts fit")
    func largest() throws {
        let book = MadeRecord(lines: 255)
        var fixed = hub_book()
        fixed.bids = 339
        fixed.asks = 339
        fixed.head = hub_record(
            lines: 255, kind: UInt8(HUB_BOOK), flags: 0xffff, stream: 2, ts_event: .max, ts_recv: .min, seq: .max)
        book.raw.storeBytes(of: fixed, as: hub_book.self)
        for index in 0..<678 {
            let level = hub_level(
                price: -1.2345678901234567e-300, size: -0.000001234567890123456, orders: .max, reserved: 0)
            book.raw.storeBytes(of: level, toByteOffset: 40 + index * 24, as: hub_level.self)
        }
        for style in TimeStyle.allCases {
            let text = Fixture.text(book, style: style)
            #expect(try JSONSerialization.jsonObject(with: Data(text.utf8)) is [String: Any])
        }
        var gap = hub_gap()
        gap.types = .max
        let symbols = (0..<900).map { "NSE:\"SYMBOL\($0)" }.joined(separator: "\n")
        let record = MadeRecord.make(
            HUB_GAP, seq: 1, stream: 5, time: 1, received: 1, texts: [symbols], after: 64, gap)
        let object = try JSONSerialization.jsonObject(with: Data(Fixture.text(record).utf8)) as? [String: Any]
        #expect((object?["symbols"] as? [String])?.count == 900)
        #expect((object?["types"] as? [String])?.first == "trade")
    }
}
