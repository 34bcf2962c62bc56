import EventFormat
import Foundation
import PluginABI
import Testing

@Suite("Reading events back")
struct EventDecoderTests {
    private func decode(_ text: String) throws -> (record: [UInt8], names: EventDecoder.Names) {
        var decoder = EventDecoder()
        var records: [UInt8] = []
        let bytes = Array(text.utf8)
        let names = try bytes.withUnsafeBytes { try decoder.decode($0, into: &records) }
        return (records, names)
    }

    /// What an event that was read looks like when it is written again.
    private func again(_ text: String, style: TimeStyle) throws -> String {
        let (bytes, names) = try decode(text)
        let record = MadeRecord(lines: bytes.count / 64)
        bytes.withUnsafeBytes { record.raw.copyMemory(from: $0.baseAddress!, byteCount: bytes.count) }
        record.head.pointee.stream = 1
        var table = DefinitionTable()
        table.learn(StreamDefinition(id: 1, symbol: names.symbol, source: names.source, marketCentre: names.venue))
        var encoder = EventEncoder(timeStyle: style)
        var buffer = TextBuffer()
        encoder.encode(record.pointer, definitions: table, into: &buffer)
        return buffer.string
    }

    @Test("any record that was written and read back is written in the same bytes again")
    func roundTrip() throws {
        var random = Generator(
            state: ProcessInfo.processInfo.environment["HUB_SEED"].flatMap { UInt64($0) } ?? .random(in: 1...UInt64.max)
        )
        print("HUB_SEED=\(random.state)")
        for _ in 0..<3000 {
            let record = random.record()
            for style in [TimeStyle.microseconds, .nanoseconds, .iso] {
                let text = Fixture.text(record, style: style)
                #expect(try again(text, style: style) == text)
            }
        }
    }

    @Test(
        "what is wrong is told with its place",
        arguments: [
            (
                #"{"type":"trade","symbol":"A:B","time":1736174100123456,"price":"1","size":1}"#, 63,
                "price: expected a number"
            ),
            (#"{"type":"trade","symbol":"A:B","time":1736174100,"price":1,"size":1}"#, 39, "at least 14 digits"),
            (#"{"type":"trade","symbol":"A:B","time":1736174100123456,"price":1}"#, 1, "'size' is missing"),
            (#"{"type":"trade","symbol":"A:B","time":1736174100123456,"price":1,"size":-1}"#, 73, "is not negative"),
            (#"{"type":"trade","symbol":"A:B","time":1736174100123456,"prize":1,"size":1}"#, 56, "has no 'prize'"),
            (
                #"{"type":"trade","symbol":"A:B","time":1736174100123456,"price":1e999,"size":1}"#, 64,
                "expected a number"
            ),
            (#"{"type":"trade","type":"trade"}"#, 17, "given twice"),
            (#"{"type":"value","symbol":"A:B"}"#, 9, "the hub makes these itself"),
            (#"{"type":"trade""#, 16, "closing brace"),
            ("[1]", 1, "expected an object"),
            (#"{"type":"trade"} x"#, 18, "more behind the object"),
            (#"{"type":"bar","symbol":"A:B","time":1736174100123456,"interval":"2m"}"#, 1, "'open' is missing"),
            (
                #"{"type":"bar","symbol":"A:B","time":1736174100123456,"interval":"2m","open":1,"high":1,"low":1,"close":1,"volume":0}"#,
                65, "interval: expected 1s"
            ),
            (
                #"{"type":"bar","symbol":"A:B","time":1736174100123456,"interval":"1m","open":3,"high":2,"low":1,"close":1,"volume":0}"#,
                1, "open 3 and close 1 are not within low 1 and high 2"
            ),
            (
                #"{"type":"trade","symbol":"A:B","time":"2025-02-30T00:00:00Z","price":1,"size":1}"#, 39,
                "time: expected"
            ),
            (
                #"{"type":"book","symbol":"A:B","time":1736174100123456,"bids":[[1]],"asks":[]}"#, 63,
                "[price, size, orders?]"
            ),
        ])
    func faults(text: String, column: Int, message: String) {
        do {
            _ = try decode(text)
            Issue.record("it was read: \(text)")
        } catch let error as EventTextError {
            #expect(error.column == column, "\(error) in \(text)")
            #expect(error.message.contains(message), "\(error)")
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test("damaged lines are refused, whatever they are, and never end the hub")
    func damage() {
        var random = Generator(state: 3)
        let whole = Array(
            #"{"type":"book","symbol":"A:B","time":1736174100123456,"bids":[[1.5,2,3]],"asks":[],"flags":["late"]}"#
                .utf8)
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: place)
                }
            }
            var decoder = EventDecoder()
            var records: [UInt8] = []
            bytes.withUnsafeBytes { _ = try? decoder.decode($0, into: &records) }
            #expect(records.count % 64 == 0)
        }
    }

    /// Random records; xorshift64*.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state ^= state >> 12
            state ^= state << 25
            state ^= state >> 27
            return state &* 0x2545_F491_4F6C_DD1D
        }

        mutating func number() -> Double {
            switch Int.random(in: 0..<5, using: &self) {
            case 0: return Double(Int.random(in: -5...1_000_000, using: &self))
            case 1: return Double(Int.random(in: 0...10_000_000, using: &self)) / 100
            case 2: return Double.random(in: -1e3...1e3, using: &self)
            case 3:
                let value = Double(bitPattern: next())
                return value.isFinite && value != 0 ? value : 1
            default: return 1e-7 * Double(Int.random(in: 1...9, using: &self))
            }
        }

        mutating func size() -> Double { abs(number()) }

        mutating func maybe(_ value: Double) -> Double { Bool.random(using: &self) ? value : .nan }

        mutating func record() -> MadeRecord {
            let time = Int64.random(in: 20_000_000_000_000...4_000_000_000_000_000, using: &self)
            let seq = UInt64.random(in: 1...1 << 52, using: &self)
            // Neither "last of message" nor "derived" is told.
            let flags = Int(truncatingIfNeeded: next()) & 0x0fff & ~HUB_FLAG_LAST_OF_MESSAGE & ~HUB_FLAG_DERIVED
            func made<Fixed>(_ kind: Int, stream: UInt32, _ fixed: Fixed, lines: Int = 0) -> MadeRecord {
                MadeRecord.make(
                    kind, seq: seq, stream: stream, time: time, received: time + 5, flags: flags, lines: lines, fixed)
            }
            switch Int.random(in: 0..<6, using: &self) {
            case 0:
                var trade = hub_trade()
                trade.price = number()
                trade.size = size()
                trade.trade_id = Bool.random(using: &self) ? next() : 0
                trade.side = UInt8.random(in: 0...2, using: &self)
                trade.conditions = UInt32.random(in: 0...0x1fff, using: &self)
                return made(HUB_TRADE, stream: UInt32.random(in: 1...4, using: &self), trade)
            case 1:
                var quote = hub_quote()
                quote.bid = maybe(number())
                quote.ask = maybe(number())
                quote.bid_size = maybe(size())
                quote.ask_size = maybe(size())
                return made(HUB_QUOTE, stream: UInt32.random(in: 1...4, using: &self), quote)
            case 2:
                var tick = hub_tick()
                tick.last = number()
                (tick.last_size, tick.average, tick.volume) = (maybe(size()), maybe(number()), maybe(size()))
                (tick.open, tick.high, tick.low) = (maybe(number()), maybe(number()), maybe(number()))
                (tick.previous_close, tick.open_interest) = (maybe(number()), maybe(size()))
                (tick.total_buy, tick.total_sell) = (maybe(size()), maybe(size()))
                tick.last_trade_time = Bool.random(using: &self) ? time * 1000 : 0
                return made(HUB_TICK, stream: 2, tick)
            case 3:
                var bar = hub_bar()
                bar.interval = Interval.allCases.randomElement(using: &self)!.rawValue
                bar.state = UInt8.random(in: 1...2, using: &self)
                bar.built_from = UInt8.random(in: 1...5, using: &self)
                bar.revision = UInt16(truncatingIfNeeded: next())
                let prices = [number(), number(), number(), number()].sorted()
                (bar.low, bar.open, bar.close, bar.high) = (prices[0], prices[1], prices[2], prices[3])
                bar.volume = size()
                bar.notional = maybe(size())
                bar.count = UInt64.random(in: 0...1 << 40, using: &self)
                bar.first_seq = Bool.random(using: &self) ? seq - 1 : 0
                bar.last_seq = bar.first_seq == 0 ? 0 : seq
                bar.open_interest = maybe(size())
                return made(HUB_BAR, stream: 2, bar)
            case 4:
                var greeks = hub_greeks()
                (greeks.delta, greeks.gamma, greeks.theta) = (maybe(number()), maybe(number()), maybe(number()))
                (greeks.vega, greeks.rho) = (maybe(number()), maybe(number()))
                greeks.implied_volatility = maybe(number())
                return made(HUB_GREEKS, stream: 4, greeks)
            default:
                var book = hub_book()
                book.bids = UInt16.random(in: 0...20, using: &self)
                book.asks = UInt16.random(in: 0...20, using: &self)
                let levels = Int(book.bids) + Int(book.asks)
                let record = made(HUB_BOOK, stream: 2, book, lines: (40 + levels * 24 + 63) / 64)
                for index in 0..<levels {
                    let orders = Bool.random(using: &self) ? UInt32.random(in: 1...UInt32.max >> 1, using: &self) : 0
                    record.raw.storeBytes(
                        of: hub_level(price: number(), size: size() + 1, orders: orders, reserved: 0),
                        toByteOffset: 40 + index * 24, as: hub_level.self)
                }
                return record
            }
        }
    }
}
