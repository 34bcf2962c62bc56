public import EventFormat
public import PluginABI

/// The records of the scripted run, each worked out from its position alone: so whoever looks at what a killed process left knows
/// what it had written, without being told.
public enum ScriptedRecords {
    public static let symbols = ["NSE:A", "NSE:B", "NSE:C", "NSE:D", "NSE:E"]
    public static let start: Int64 = 1_750_000_000_000_000_000
    public static let dayNanoseconds: Int64 = 86_400_000_000_000
    /// After so many records a new day begins.
    public static let perDay: UInt64 = 200

    /// When a record was received.
    public static func received(_ seq: UInt64) -> Int64 {
        start + Int64(seq / perDay) * dayNanoseconds + Int64(seq % perDay) * 10_000_000
    }

    public static func definition(_ stream: UInt32) -> StreamDefinition {
        StreamDefinition(id: stream, symbol: symbols[Int(stream) - 1], source: "script")
    }

    /// What is repeated at the head of each segment.
    public static func definitions(upTo seq: UInt64) -> [UInt8] {
        (1...UInt64(symbols.count)).filter { $0 <= seq }.flatMap { record($0) }
    }

    /// The whole record, as it must be read ever after.
    public static func record(_ seq: UInt64) -> [UInt8] {
        var random = Mixer(state: seq &* 0x1_0001)
        if seq <= UInt64(symbols.count) { return define(UInt32(seq)) }
        let stream = UInt32(random.below(UInt64(symbols.count))) + 1
        switch random.below(20) {
        case 0..<8: return plain(seq, HUB_TRADE, 1, stream, &random)
        case 8..<12: return plain(seq, HUB_QUOTE, 1, stream, &random)
        case 12..<14: return plain(seq, HUB_BOOK, 2 + Int(random.below(8)), stream, &random)
        case 14: return plain(seq, HUB_TICK, 2, stream, &random)
        case 15: return plain(seq, HUB_STATUS, 2, stream, &random)
        case 16:
            var bytes = plain(seq, HUB_CONTROL, 2, 0, &random)
            bytes[32] = UInt8([HUB_CONTROL_CLOCK, HUB_CONTROL_POSITION, HUB_CONTROL_SOURCE][Int(random.below(3))])
            return bytes
        default: return bar(seq, stream, &random)
        }
    }

    private static func define(_ stream: UInt32) -> [UInt8] {
        let definition = definition(stream)
        var bytes = [UInt8](repeating: 0, count: DefineRecord.lines(definition) * Int(HUB_LINE))
        bytes.withUnsafeMutableBytes { space in
            guard let base = space.baseAddress else { return }
            DefineRecord.write(definition, to: base)
            let head = base.assumingMemoryBound(to: hub_record.self)
            head.pointee.ts_recv = received(UInt64(stream))
            head.pointee.seq = UInt64(stream)
        }
        return bytes
    }

    private static func head(_ seq: UInt64, _ kind: Int, _ lines: Int, _ stream: UInt32) -> hub_record {
        var head = hub_record()
        head.lines = UInt8(lines)
        head.kind = UInt8(kind)
        head.stream = stream
        head.ts_recv = received(seq)
        head.ts_event = head.ts_recv - Int64(seq % 7) * 1_000_000
        head.seq = seq
        return head
    }

    /// What lies behind the head is anything: nothing of it may change.
    private static func plain(
        _ seq: UInt64, _ kind: Int, _ lines: Int, _ stream: UInt32, _ random: inout Mixer
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: lines * Int(HUB_LINE))
        for index in 32..<bytes.count where index % 3 == 0 { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: head(seq, kind, lines, stream), as: hub_record.self) }
        return bytes
    }

    /// One of the last 20 minutes: most come again later, revised.
    private static func bar(_ seq: UInt64, _ stream: UInt32, _ random: inout Mixer) -> [UInt8] {
        var bar = hub_bar()
        bar.head = head(seq, HUB_BAR, 2, stream)
        let minute = received(seq) / 60_000_000_000 + Int64(seq % perDay) / 10 - Int64(random.below(20))
        bar.head.ts_event = minute * 60_000_000_000
        bar.interval = 60
        bar.revision = UInt16(truncatingIfNeeded: seq)
        bar.open = Double(random.below(10_000)) / 4
        bar.high = bar.open + 10
        bar.low = bar.open - 10
        bar.close = bar.open + Double(random.below(40)) / 4 - 5
        bar.volume = Double(random.below(1000))
        bar.count = 1
        return withUnsafeBytes(of: bar) { Array($0) }
    }
}

/// Mixes numbers (SplitMix64).
struct Mixer {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ count: UInt64) -> UInt64 { next() % count }
}
