import Foundation
import HubChunks
import PluginABI

/// Seeded, so that a failure can be had again: `HUB_SEED`.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// That of the environment, else a new one, told.
    static func told(_ what: String = #function) -> SeededGenerator {
        let seed =
            ProcessInfo.processInfo.environment["HUB_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1_000_000)
        print("\(what): HUB_SEED=\(seed)")
        return SeededGenerator(state: seed)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// True once in so many times.
    mutating func oneIn(_ times: Int) -> Bool { below(times) == 0 }
}

/// Records one behind the other, as an encoder gets them.
struct TestRecords {
    var buffer = [UInt64]()
    private(set) var offsets: [Int] = []

    var count: Int { offsets.count }
    var bytes: [UInt8] { buffer.withUnsafeBytes { [UInt8]($0) } }

    /// Appends a record of so many lines, all of it zero but `lines` and `kind`, and fills it.
    mutating func append(lines: Int, kind: Int, _ fill: (UnsafeMutablePointer<UInt64>) -> Void) {
        offsets.append(buffer.count)
        buffer.append(contentsOf: repeatElement(0, count: lines * 8))
        let offset = buffer.count - lines * 8
        buffer.withUnsafeMutableBufferPointer { fill($0.baseAddress! + offset) }
        buffer[offset] = buffer[offset] & ~0xffff | UInt64(lines) | UInt64(kind) << 8
    }

    mutating func append(_ trade: hub_trade) {
        append(lines: 1, kind: HUB_TRADE) { words in
            UnsafeMutableRawPointer(words).storeBytes(of: trade, as: hub_trade.self)
        }
    }

    func encoded(by encoder: inout ChunkEncoder) -> [UInt8] {
        buffer.withUnsafeBytes { bytes in
            let records = offsets.map {
                (bytes.baseAddress! + $0 * 8).assumingMemoryBound(to: hub_record.self)
            }
            return records.withUnsafeBufferPointer { encoder.encode($0) }
        }
    }
}

extension ChunkDecoder {
    mutating func records(_ chunk: [UInt8]) throws -> [UInt8] {
        var output = RecordBuffer(capacity: 64)
        try chunk.withUnsafeBytes { try decode($0, into: &output) }
        return [UInt8](output.bytes)
    }
}

/// Trades as they come: a price that walks in cents, whole milliseconds, many of them together.
func liveTrades(_ count: Int, _ random: inout SeededGenerator) -> TestRecords {
    var records = TestRecords()
    var (time, received, cents): (Int64, Int64, Int) = (1_381_219_217_034_000_000, 0, 16742)
    for index in 0..<count {
        if random.oneIn(2) { time += Int64(random.below(100)) * 1_000_000 }
        received = max(received, time + 1_000_000 + Int64(random.below(2_000_000)))
        cents += random.below(3) - 1
        var trade = hub_trade()
        trade.head.flags = UInt16(HUB_FLAG_RECORDED)
        trade.head.stream = 7
        trade.head.ts_event = time
        trade.head.ts_recv = received
        trade.head.seq = UInt64(1000 + index)
        trade.price = Double(cents) / 100
        trade.size = Double(1 + random.below(8)) * 100
        trade.conditions = random.oneIn(3) ? UInt32(HUB_CONDITION_SWEEP) : 0
        records.append(trade)
    }
    return records
}
