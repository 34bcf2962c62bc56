import HubChunks
import PluginABI

/// Sorts the records of a segment that are packed into chunks by stream and kind, each lane in order by `seq`.
///
/// Flat arrays of pointers into the mapped segment, counted first and filled then: nothing is allocated or looked up by hash
/// for a record. A structure, since access to a class's properties is checked each time.
struct LaneSorter {
    /// Records of one stream and kind.
    struct Lane {
        var stream: UInt32
        var kind: UInt8
        /// Where they begin in `sorted`.
        var start = 0
        var count = 0
    }

    /// Those of ordinary kinds and ids are found by counting; others, which are damage or far ahead of this version, by a
    /// dictionary.
    private static let plainStreams: UInt32 = 1 << 21

    private(set) var lanes: [Lane] = []
    /// Numbers of kinds that are there.
    private(set) var kinds: [UInt8] = []
    private var laneOfSlot: [Int32] = []
    private var laneOfOther: [UInt64: Int32] = [:]
    private var found: [UnsafePointer<hub_record>] = []
    private var laneOfFound: [Int32] = []
    private var sorted: [UnsafePointer<hub_record>] = []

    private(set) var firstReceived: Int64 = 0
    private(set) var lastReceived: Int64 = 0
    /// The last position up to which the records were as they should be.
    private(set) var lastSeq: UInt64 = 0

    /// - Parameters:
    ///   - records: of a segment, one behind the other.
    ///   - first: position of the first one.
    mutating func sort(_ records: UnsafeRawBufferPointer, first: UInt64) {
        clear()
        lastSeq = first - 1
        guard let base = records.baseAddress else { return }
        var offset = 0
        while offset + Int(HUB_LINE) <= records.count {
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            let bytes = Int(record.pointee.lines) * Int(HUB_LINE)
            // A damaged file must not lead anywhere else.
            guard bytes > 0, offset + bytes <= records.count, record.pointee.seq == lastSeq + 1 else { break }
            if lastSeq < first { firstReceived = record.pointee.ts_recv }
            lastReceived = record.pointee.ts_recv
            lastSeq += 1
            offset += bytes
            if Intake.keeps(record) { continue }
            let lane = lane(of: record)
            lanes[Int(lane)].count += 1
            found.append(record)
            laneOfFound.append(lane)
        }
        distribute()
    }

    private mutating func clear() {
        for lane in lanes where lane.stream < Self.plainStreams {
            let slot = Self.slot(lane.stream, lane.kind)
            if slot >= 0 { laneOfSlot[slot] = -1 }
        }
        laneOfOther.removeAll()
        lanes.removeAll(keepingCapacity: true)
        found.removeAll(keepingCapacity: true)
        laneOfFound.removeAll(keepingCapacity: true)
        kinds.removeAll(keepingCapacity: true)
    }

    @inline(__always)
    private static func slot(_ stream: UInt32, _ kind: UInt8) -> Int {
        let number = kind == UInt8(HUB_CONTROL) ? 0 : kind
        return number < 8 && stream < plainStreams ? Int(stream) << 3 | Int(number) : -1
    }

    @inline(__always)
    private mutating func lane(of record: UnsafePointer<hub_record>) -> Int32 {
        let slot = Self.slot(record.pointee.stream, record.pointee.kind)
        if slot >= 0, slot < laneOfSlot.count, laneOfSlot[slot] >= 0 { return laneOfSlot[slot] }
        return newLane(record, slot)
    }

    @inline(never)
    private mutating func newLane(_ record: UnsafePointer<hub_record>, _ slot: Int) -> Int32 {
        let key = UInt64(record.pointee.stream) << 8 | UInt64(record.pointee.kind)
        if slot < 0, let known = laneOfOther[key] { return known }
        let number = Int32(lanes.count)
        lanes.append(Lane(stream: record.pointee.stream, kind: record.pointee.kind))
        if !kinds.contains(record.pointee.kind) { kinds.append(record.pointee.kind) }
        if slot >= 0 {
            if slot >= laneOfSlot.count {
                laneOfSlot.append(
                    contentsOf: repeatElement(-1, count: max(slot + 1, laneOfSlot.count * 2) - laneOfSlot.count))
            }
            laneOfSlot[slot] = number
        } else {
            laneOfOther[key] = number
        }
        return number
    }

    private mutating func distribute() {
        var start = 0
        for number in lanes.indices {
            lanes[number].start = start
            start += lanes[number].count
        }
        var next = lanes.map(\.start)
        let found = self.found
        let laneOfFound = self.laneOfFound
        sorted = [UnsafePointer<hub_record>](unsafeUninitializedCapacity: found.count) { sorted, count in
            guard let place = sorted.baseAddress else { return }
            next.withUnsafeMutableBufferPointer { next in
                for (index, record) in found.enumerated() {
                    let lane = Int(laneOfFound[index])
                    (place + next[lane]).initialize(to: record)
                    next[lane] += 1
                }
            }
            count = found.count
        }
    }

    /// How many records are in lanes.
    var count: Int { found.count }

    /// Calls `body` with each piece of a lane that is to be a chunk: so many records that it can be packed, and not too many
    /// bytes for a reader that needs one of them.
    func forEachPiece(
        of lane: Lane, _ body: (UnsafeBufferPointer<UnsafePointer<hub_record>>, _ bytes: Int) throws -> Void
    ) rethrows {
        try sorted.withUnsafeBufferPointer { sorted in
            var from = lane.start
            let end = lane.start + lane.count
            while from < end {
                var to = from
                var bytes = 0
                let most = min(end, from + ChunkEncoder.mostRecords)
                while to < most {
                    let size = Int(sorted[to].pointee.lines) * Int(HUB_LINE)
                    if bytes + size > Self.mostBytes, to > from { break }
                    bytes += size
                    to += 1
                }
                try body(UnsafeBufferPointer(rebasing: sorted[from..<to]), bytes)
                from = to
            }
        }
    }

    /// Bytes of the records in a chunk.
    private static let mostBytes = 1 << 20
}
