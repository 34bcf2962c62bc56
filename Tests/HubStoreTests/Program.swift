import EventFormat
import HubChunks
import HubJournal
import PluginABI

@testable import HubStore

/// A random number generator of which the same seed gives the same numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Everything that was ever journaled, one array a record: what the store is compared with.
struct Model {
    var records: [[UInt8]] = []

    var head: UInt64 { UInt64(records.count) }

    static func head(of record: [UInt8]) -> hub_record {
        record.withUnsafeBytes { $0.loadUnaligned(as: hub_record.self) }
    }

    static func time(of record: [UInt8]) -> Int64 {
        let head = head(of: record)
        return head.ts_event != 0 ? head.ts_event : head.ts_recv
    }

    func matching(
        after: UInt64, through: UInt64, _ filter: JournalFilter, gone: (hub_record) -> Bool = { _ in false }
    ) -> [[UInt8]] {
        guard after < min(through, head) else { return [] }
        return records[Int(after)..<Int(min(through, head))].filter { record in
            let head = Self.head(of: record)
            return filter.kinds.contains(head.kind) && filter.streams?.contains(head.stream) ?? true && !gone(head)
        }
    }
}

extension Recorder {
    /// Journals random records of all kinds, and remembers them.
    mutating func random(
        _ count: Int, streams: UInt32, stepNanoseconds: Int64 = 1000, _ model: inout Model,
        _ generator: inout SeededGenerator
    ) throws {
        for _ in 0..<count {
            let draw = Int.random(in: 0..<100, using: &generator)
            let kind =
                switch draw {
                case 0..<40: HUB_TRADE
                case 40..<60: HUB_QUOTE
                case 60..<68: HUB_TICK
                case 68..<76: HUB_BOOK
                case 76..<78: HUB_GREEKS
                case 78..<84: HUB_BAR
                case 84..<87: HUB_VALUE
                case 87: HUB_GAP
                case 88: HUB_STATUS
                case 89: 200
                default: HUB_CONTROL
                }
            let lines =
                switch kind {
                case HUB_TRADE, HUB_QUOTE: 1
                case HUB_BOOK: Int.random(in: 1...40, using: &generator)
                default: Int.random(in: 2...3, using: &generator)
                }
            let stream = kind == HUB_CONTROL ? 0 : UInt32.random(in: 1...streams, using: &generator)
            received += Int64.random(in: 0...(2 * stepNanoseconds), using: &generator)
            var bytes = [UInt8](repeating: 0, count: lines * 64)
            // What lies behind the head is anything: nothing of it may change.
            for index in 32..<bytes.count { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
            if kind == HUB_CONTROL {
                let what =
                    [HUB_CONTROL_CLOCK, HUB_CONTROL_POSITION, HUB_CONTROL_SOURCE].randomElement(using: &generator)
                bytes[32] = UInt8(what!)
            }
            let seq = journal.nextSeq
            bytes.withUnsafeMutableBytes { space in
                let record = space.baseAddress!.assumingMemoryBound(to: hub_record.self)
                record.pointee.lines = UInt8(lines)
                record.pointee.kind = UInt8(kind)
                record.pointee.stream = stream
                record.pointee.flags = UInt16.random(in: 0...3, using: &generator)
                record.pointee.ts_recv = received
                record.pointee.ts_event =
                    draw % 9 == 0 ? 0 : received - Int64.random(in: 0...(3 * stepNanoseconds), using: &generator)
            }
            let place = try journal.reserve(lines: lines)
            bytes.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: bytes.count) }
            journal.commit(place, seq: seq)
            bytes.withUnsafeMutableBytes { $0.storeBytes(of: seq, toByteOffset: 24, as: UInt64.self) }
            model.records.append(bytes)
        }
        journal.publish()
    }
}

extension Store {
    /// All that a reader gives, and the holes between.
    func readAll(
        after: UInt64, through: UInt64, _ filter: JournalFilter, maxBytes: Int = 3000
    ) throws -> (records: [[UInt8]], holes: [StoreHole], order: [UInt64]) {
        var records: [[UInt8]] = []
        var holes: [StoreHole] = []
        var order: [UInt64] = []
        let reader = reader(after: after, through: through, matching: filter)
        var buffer = RecordBuffer()
        while true {
            buffer.removeAll()
            let stop = try reader.read(into: &buffer, maxBytes: maxBytes)
            var offset = 0
            while offset < buffer.count {
                let record = (buffer.bytes.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                records.append(Array(RecordPointer(record).bytes))
                order.append(record.pointee.seq)
                offset += Int(record.pointee.lines) * 64
            }
            switch stop {
            case .full: break
            case .hole(let hole):
                holes.append(hole)
                order.append(hole.after)
            case .end: return (records, holes, order)
            }
        }
    }

    /// Compacts all there is.
    @discardableResult
    func compactAll(_ journal: Journal) throws -> Int {
        var count = 0
        while try compactNext(journal) != nil { count += 1 }
        return count
    }
}

/// Splits records that lie one behind the other.
func split(_ bytes: [UInt8]) -> [[UInt8]] {
    var records: [[UInt8]] = []
    var offset = 0
    while offset < bytes.count {
        let count = Int(bytes[offset]) * 64
        records.append(Array(bytes[offset..<offset + count]))
        offset += count
    }
    return records
}
