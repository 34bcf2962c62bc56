import EventFormat
import PluginABI

/// A record in memory of its own, for tests.
final class MadeRecord {
    let raw: UnsafeMutableRawPointer
    let lines: Int

    init(lines: Int) {
        self.lines = lines
        raw = .allocate(byteCount: lines * 64, alignment: 64)
        raw.initializeMemory(as: UInt8.self, repeating: 0, count: lines * 64)
    }

    deinit { raw.deallocate() }

    var pointer: UnsafePointer<hub_record> { UnsafePointer(raw.assumingMemoryBound(to: hub_record.self)) }
    var head: UnsafeMutablePointer<hub_record> { raw.assumingMemoryBound(to: hub_record.self) }

    /// Stores the fixed part and, over it, a head made of the arguments. Times in microseconds.
    static func make<Fixed>(
        _ kind: Int, seq: UInt64, stream: UInt32, time: Int64, received: Int64, flags: Int = 0, lines: Int = 0,
        texts: [String] = [], after fixedBytes: Int = 0, _ fixed: Fixed
    ) -> MadeRecord {
        let needed =
            texts.isEmpty
            ? (MemoryLayout<Fixed>.size + 63) / 64 : RecordText.linesNeeded(fixedBytes: fixedBytes, texts: texts)
        let record = MadeRecord(lines: max(lines, needed))
        record.raw.storeBytes(of: fixed, as: Fixed.self)
        record.head.pointee = hub_record(
            lines: UInt8(record.lines), kind: UInt8(kind), flags: UInt16(flags), stream: stream,
            ts_event: time * 1000 + (time == 0 ? 0 : 789), ts_recv: received * 1000 + 999, seq: seq)
        if !texts.isEmpty { RecordText.write(texts, after: fixedBytes, in: record.raw, lines: record.lines) }
        return record
    }
}

/// Definitions used by most tests, and encoding in one call.
enum Fixture {
    static let table: DefinitionTable = {
        var table = DefinitionTable()
        let streams = [
            StreamDefinition(id: 1, symbol: "NASDAQ:AAPL", source: "finnhub", marketCentre: "ARCA", currency: "USD"),
            StreamDefinition(id: 2, symbol: "NSE:RELIANCE", source: "zerodha", currency: "INR"),
            StreamDefinition(id: 3, symbol: "NASDAQ:AAPL", source: "finnhub"),
            StreamDefinition(id: 4, symbol: "NFO:NIFTY25JAN24000CE", source: "upstox"),
            StreamDefinition(id: 5, symbol: "", source: "upstox"),
            StreamDefinition(id: 6, symbol: "", source: "zerodha"),
            StreamDefinition(id: 8, symbol: "NSE:TCS", source: "zerodha"),
        ]
        for stream in streams { table.learn(stream) }
        table.learn(
            ValueDefinition(id: 1, name: "macd(12,26,9)", interval: 60, outputs: ["macd", "signal", "histogram"]))
        return table
    }()

    static func text(_ record: MadeRecord, style: TimeStyle = .microseconds, asOf: UInt64? = nil) -> String {
        var encoder = EventEncoder(timeStyle: style)
        var buffer = TextBuffer()
        if let asOf {
            encoder.encodeView(record.pointer, asOf: asOf, definitions: table, into: &buffer)
        } else {
            encoder.encode(record.pointer, definitions: table, into: &buffer)
        }
        return buffer.string
    }
}
