import EventFormat
import HubModel
import PluginABI

@testable import HubServer

/// A small market, a journal's facts and shorthands for the tests of the stream.
enum StreamFixture {
    static let epoch = "7c1f9a02d4e8b310"
    static let oldEpoch = "00000000000000aa"

    static func facts(
        head: UInt64 = 184_466, now: Int64 = 1_736_174_100_000_000_000, earliest: UInt64 = 1
    ) -> StreamFacts {
        StreamFacts(
            nowNanoseconds: now,
            epochs: [.init(name: oldEpoch, last: 100), .init(name: epoch, last: nil)], head: head,
            earliest: (earliest, 1_735_700_000_000_000_000))
    }

    static let settings = StreamSettings(version: "0.1.0", durability: "process", connection: "c-51")

    static func text(_ object: StreamObject, style: TimeStyle = .microseconds) -> String {
        var buffer = TextBuffer()
        object.write(into: &buffer, style: style)
        return buffer.string
    }

    static func pattern(_ text: String) throws -> SymbolPattern { try SymbolPattern(text) }

    static func patterns(_ texts: [String]) throws -> [SymbolPattern] { try texts.map { try SymbolPattern($0) } }

    /// A session that has said hello.
    static func openSession() -> StreamSession {
        var session = StreamSession(settings: settings)
        _ = session.open(facts())
        return session
    }

    static func read(_ json: String) throws(StreamError) -> StreamOperation {
        try StreamOperation.read(Array(json.utf8), now: facts().nowNanoseconds)
    }
}

/// Three instruments, one of them starting, and two values.
struct TestCatalogue: StreamCatalogue {
    var configuredValues = ["rsi(14)@1m", "sma(20)@5m"]
    var known: [StreamInstrument] = [
        StreamInstrument(
            symbol: "NSE:INFY", kinds: [.init(kind: .tick)], isPending: true),
        StreamInstrument(
            symbol: "NSE:RELIANCE",
            kinds: [
                .init(kind: .tick), .init(kind: .quote), .init(kind: .bar, interval: 60),
                .init(kind: .value, interval: 60, definition: "rsi(14)"),
            ]),
        StreamInstrument(
            symbol: "NSE:TCS", kinds: [.init(kind: .tick), .init(kind: .quote), .init(kind: .bar, interval: 60)]),
        StreamInstrument(symbol: "BSE:TCS", kinds: [.init(kind: .trade)]),
    ]

    func resolve(_ name: String) -> SymbolMatch {
        if let symbol = try? Symbol(name), instrument(name) != nil { return .found(symbol) }
        let named = known.filter { $0.symbol.hasSuffix(":\(name)") }.map(\.symbol)
        if named.count == 1, let symbol = try? Symbol(named[0]) { return .found(symbol) }
        if named.count > 1 { return .ambiguous(named) }
        return .unknown(nearest: name == "NSE:RELIANSE" ? ["NSE:RELIANCE"] : [])
    }

    func instrument(_ symbol: String) -> StreamInstrument? { known.first { $0.symbol == symbol } }

    func instruments(matching glob: SymbolPattern) -> [StreamInstrument] {
        known.filter { glob.matches($0.symbol) }
    }
}

/// A record of up to two lines with a head and whatever the test stores in it.
final class StreamRecord {
    let raw = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 64)

    init(_ kind: Int, stream: UInt32, seq: UInt64 = 1, time: Int64 = 1000, flags: Int = 0) {
        raw.initializeMemory(as: UInt8.self, repeating: 0, count: 256)
        raw.storeBytes(
            of: hub_record(
                lines: 4, kind: UInt8(kind), flags: UInt16(flags), stream: stream, ts_event: time, ts_recv: time,
                seq: seq),
            as: hub_record.self)
    }

    deinit { raw.deallocate() }

    var pointer: UnsafePointer<hub_record> { UnsafePointer(raw.assumingMemoryBound(to: hub_record.self)) }

    func texts(_ texts: [String], after fixedBytes: Int) -> StreamRecord {
        RecordText.write(texts, after: fixedBytes, in: raw, lines: 4)
        return self
    }

    static func bar(stream: UInt32, interval: UInt32) -> StreamRecord {
        let record = StreamRecord(HUB_BAR, stream: stream)
        record.raw.storeBytes(of: interval, toByteOffset: 32, as: UInt32.self)
        return record
    }

    static func value(stream: UInt32, definition: UInt32) -> StreamRecord {
        let record = StreamRecord(HUB_VALUE, stream: stream)
        record.raw.storeBytes(of: definition, toByteOffset: 32, as: UInt32.self)
        record.raw.storeBytes(of: UInt8(1), toByteOffset: 38, as: UInt8.self)
        return record
    }

    static func control(_ what: Int, stream: UInt32) -> StreamRecord {
        let record = StreamRecord(HUB_CONTROL, stream: stream)
        record.raw.storeBytes(of: UInt8(what), toByteOffset: 32, as: UInt8.self)
        return record
    }

    static func define(_ stream: StreamDefinition) -> StreamRecord {
        let record = StreamRecord(HUB_DEFINE, stream: stream.id)
        DefineRecord.write(stream, to: record.raw)
        return record
    }
}

/// The seed alone makes the run.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ purpose: String) {
        state = UInt64.random(in: .min ... .max)
        print("seed of \(purpose): \(state)")
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension CompiledFilter {
    /// Keeps the record alive while it is judged: most of them are made in the same expression.
    func accepts(_ record: StreamRecord) -> Bool { withExtendedLifetime(record) { matches(record.pointer) } }
}
