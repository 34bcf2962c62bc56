import PluginABI

/// What the index knows of the records that begin in one block of 64 KiB of a segment.
struct BlockSummary: Hashable {
    static let byteCount = 64

    var firstSeq: UInt64 = 0
    var count: UInt32 = 0
    /// Place of the first of them in the file.
    var firstOffset: UInt32 = 0
    /// `KindSet.indexBit` of each.
    var kinds: UInt16 = 0
    /// CRC32C of the block's bytes; 0 until the segment is sealed.
    var checksum: UInt32 = 0
    var receivedMinimum = Int64.max
    var receivedMaximum = Int64.min
    var eventMinimum = Int64.max
    var eventMaximum = Int64.min

    var lastSeq: UInt64 { firstSeq + UInt64(count) - 1 }

    @inline(__always)
    mutating func add(_ record: UnsafePointer<hub_record>) {
        count += 1
        kinds |= KindSet.indexBit(record.pointee.kind)
        receivedMinimum = min(receivedMinimum, record.pointee.ts_recv)
        receivedMaximum = max(receivedMaximum, record.pointee.ts_recv)
        eventMinimum = min(eventMinimum, record.pointee.ts_event)
        eventMaximum = max(eventMaximum, record.pointee.ts_event)
    }

    /// Whether a record of the block can be one that is looked for; streams apart.
    func mayMatch(_ filter: JournalFilter, kinds mask: UInt16) -> Bool {
        guard count > 0, kinds & mask != 0 else { return false }
        if let from = filter.fromNanoseconds, eventMaximum < from { return false }
        if let to = filter.toNanoseconds, eventMinimum >= to { return false }
        return true
    }

    func write(to writer: inout ByteWriter) {
        writer.append(firstSeq)
        writer.append(count)
        writer.append(firstOffset)
        writer.append(receivedMinimum)
        writer.append(receivedMaximum)
        writer.append(eventMinimum)
        writer.append(eventMaximum)
        writer.append(checksum)
        writer.append(kinds)
        writer.append([UInt8](repeating: 0, count: 10))
    }

    init() {}

    init(_ base: UnsafeRawPointer) {
        firstSeq = base.number(0)
        count = base.number(8)
        firstOffset = base.number(12)
        receivedMinimum = base.number(16)
        receivedMaximum = base.number(24)
        eventMinimum = base.number(32)
        eventMaximum = base.number(40)
        checksum = base.number(48)
        kinds = base.number(52)
    }
}
