import GRDB
public import HubChunks
import HubJournal
import PluginABI

/// A cursor over what the store has, in order by `seq`: kept records and unpacked market data, merged.
///
/// It holds no transaction and no connection between calls, only what it has unpacked and not given out yet: at most one chunk
/// a stream and kind. On one thread at a time.
public final class StoreReader: @unchecked Sendable {
    /// Why a call ended.
    public enum Stop: Sendable, Hashable {
        /// There is as much as was asked for.
        case full
        /// Behind the records of this call something is missing.
        case hole(StoreHole)
        /// Everything was given.
        case end
    }

    /// Everything of the filter up to here was given.
    public private(set) var position: UInt64
    /// Where it ends.
    public let through: UInt64

    private let store: Store
    private let filter: JournalFilter
    private let wantsKept: Bool
    /// Whether anything of it can be in chunks.
    private let wantsChunks: Bool

    private var isPlanned = false
    private var version = 0
    private var holes: [StoreHole] = []
    private var nextHole = 0
    /// The last hole that was told; given to another reader that goes on here, it is not told again.
    public var told: StoreHole?
    /// Up to here the lanes reach.
    private var spanEnd: UInt64 = 0
    private var lanes: [Lane] = []
    private var kept = Lane(source: nil, chunks: [])
    /// Up to here the rows of kept records are in `kept`.
    private var keptThrough: UInt64 = 0
    private var decoder = ChunkDecoder()

    // Records of the next positions, by position: `slots[n]` is that of `windowStart + 1 + n`.
    private static let windowSize = 4096
    private let slots: UnsafeMutablePointer<UnsafePointer<hub_record>?>
    private var windowStart: UInt64 = 0
    private var windowEnd: UInt64 = 0
    private var windowBytes = 0
    private static let mostRows = 4096

    init(_ store: Store, after seq: UInt64, through last: UInt64, matching filter: JournalFilter) {
        self.store = store
        position = seq
        through = max(seq, min(last, Catalogue.end))
        self.filter = filter
        wantsKept = !StorePart.kept.kinds(of: filter.kinds).isEmpty
        wantsChunks =
            filter.kinds.contains(UInt8(HUB_CONTROL))
            || StorePart.inDayFiles.contains { !$0.kinds(of: filter.kinds).isEmpty }
        slots = .allocate(capacity: Self.windowSize)
        slots.initialize(repeating: nil, count: Self.windowSize)
    }

    deinit { slots.deallocate() }

    /// Bytes that are unpacked and wait.
    public var heldBytes: Int { lanes.reduce(kept.buffer.count) { $0 + $1.buffer.count } }

    /// Appends records until the buffer holds at least `maxBytes`, something is missing, or all were given.
    public func read(into output: inout RecordBuffer, maxBytes: Int) throws(StoreError) -> Stop {
        while true {
            if windowBytes > 0 {
                emit(into: &output, maxBytes: maxBytes)
                if output.count >= maxBytes { return .full }
                continue
            }
            if windowEnd > position { position = windowEnd }
            guard position < through else { return .end }
            if let hole = holeHere() { return .hole(hole) }
            if output.count >= maxBytes { return .full }
            do {
                try advance(into: &output)
            } catch let failure as ChunkTable.Failure {
                note(failure)
            } catch let error as StoreError {
                throw error
            } catch {
                try StoreError.wrapping(store.path) { throw error }
            }
        }
    }

    // MARK: Planning

    private func holeHere() -> StoreHole? {
        if !isPlanned || version != store.catalogueVersion { plan() }
        while nextHole < holes.count, holes[nextHole].before <= position + 1 { nextHole += 1 }
        guard nextHole < holes.count, holes[nextHole].after <= position else { return nil }
        var hole = holes[nextHole]
        hole.after = position
        told = hole
        nextHole += 1
        return hole
    }

    /// Learns anew what there is behind the position.
    private func plan() {
        let catalogue = store.catalogueNow
        version = catalogue.version
        var found = catalogue.holes(after: position, through: through, matching: filter)
        // A hole that was told already and goes on is not told again.
        if let told, let first = found.first, first.after <= position, first.before <= told.before,
            first.kinds.union(told.kinds) == told.kinds
        {
            found.removeFirst()
        }
        // What was compacted meanwhile lies behind what is read here; what was removed makes another hole.
        if isPlanned, found == Array(holes[min(nextHole, holes.count)...]) { return }
        holes = found
        nextHole = 0
        isPlanned = true
        lanes = []
        spanEnd = position
    }

    /// Opens the stretch behind the position: a segment, or what lies before the next one.
    private func openSpan() throws {
        let catalogue = store.catalogueNow
        lanes = []
        guard wantsChunks else {
            spanEnd = through
            return
        }
        let index = catalogue.index(after: position)
        guard index < catalogue.entries.count else {
            spanEnd = through
            return
        }
        let entry = catalogue.entries[index]
        guard entry.firstSeq <= position + 1 else {
            spanEnd = min(through, entry.firstSeq - 1)
            return
        }
        spanEnd = min(through, entry.lastSeq)
        guard entry.mayMatch(filter) else { return }
        for part in StorePart.allCases {
            guard let found = try store.chunks(of: entry, part, matching: filter, in: catalogue) else { continue }
            var from = 0
            let headers = found.headers
            while from < headers.count {
                var to = from + 1
                while to < headers.count, headers[to].stream == headers[from].stream,
                    headers[to].kind == headers[from].kind
                {
                    to += 1
                }
                let chunks = headers[from..<to].filter { $0.lastSeq > position && $0.firstSeq <= spanEnd }
                if !chunks.isEmpty { lanes.append(Lane(source: found.source, chunks: chunks)) }
                from = to
            }
        }
    }

    /// Notes that a chunk cannot be read, so that planning goes around it.
    private func note(_ failure: ChunkTable.Failure) {
        switch failure {
        case .vanished(let chunk):
            // Removed by retention meanwhile, and the new plan knows; or the file is not what it was.
            if version == store.catalogueVersion { store.noteDamage(chunk, after: position, words: "it is not there") }
        case .damaged(let chunk, let words): store.noteDamage(chunk, after: position, words: words)
        case .fileLost: break
        }
        isPlanned = false
        plan()
    }

    // MARK: Merging

    /// Brings the records of the next positions together.
    private func advance(into output: inout RecordBuffer) throws {
        if spanEnd <= position { try openSpan() }
        var end = spanEnd
        if nextHole < holes.count { end = min(end, holes[nextHole].after) }
        if wantsKept {
            if keptThrough <= position { try readRows() }
            end = min(end, keptThrough)
        }
        if lanes.isEmpty || (lanes.count == 1 && kept.firstSeq > end) {
            try copyOnly(lanes.first ?? kept, through: end, into: &output)
            return
        }
        let first = lanes.reduce(kept.firstSeq) { min($0, $1.firstSeq) }
        guard first <= end else {
            windowEnd = end
            return
        }
        position = max(position, first - 1)
        end = min(end, position + UInt64(Self.windowSize))
        try unpack(through: end)
        for lane in lanes {
            if lane.nextSeq <= end { end = max(position + 1, lane.nextSeq - 1) }
        }
        windowStart = position
        windowEnd = end
        for lane in lanes { scatter(lane, through: end) }
        if wantsKept { scatter(kept, through: end) }
    }

    /// With a single lane there is nothing to merge.
    private func copyOnly(_ lane: Lane, through end: UInt64, into output: inout RecordBuffer) throws {
        if lane.isEmpty, lane.nextSeq <= end { try unpack(through: end) }
        var reached = end
        if !lane.isEmpty {
            let from = lane.offset
            if lane.lastSeq <= end {
                lane.offset = lane.buffer.count
                if lane.nextChunk != nil { reached = lane.lastSeq }
            } else {
                lane.skip(through: end)
            }
            let count = lane.offset - from
            if count > 0 {
                output.reserve(count).copyMemory(from: lane.buffer.bytes.baseAddress! + from, byteCount: count)
                output.commit(count)
            }
        }
        windowEnd = reached
    }

    /// Unpacks the next chunk of each lane that has given out all before and has one that begins within reach.
    private func unpack(through end: UInt64) throws {
        let all = lanes.filter { $0.nextSeq <= end && $0.isEmpty }
        guard !all.isEmpty else { return }
        for part in StorePart.allCases {
            let due = all.filter { lane in
                switch lane.source {
                case .file(let key, _): return key.part == part
                case .store: return part == .kept
                case nil: return false
                }
            }
            guard let source = due.first?.source else { continue }
            try store.read(source) { db in
                for lane in due {
                    guard let chunk = lane.nextChunk else { continue }
                    lane.clear()
                    do {
                        try ChunkTable.decode(db, chunk, &decoder, into: &lane.buffer)
                    } catch {
                        lane.clear()
                        throw error
                    }
                    lane.took(chunk, after: position)
                }
            }
        }
    }

    /// Puts the records of a lane up to a position into their slots.
    @inline(__always)
    private func scatter(_ lane: Lane, through end: UInt64) {
        guard let base = lane.buffer.bytes.baseAddress else { return }
        var offset = lane.offset
        let count = lane.buffer.count
        let start = windowStart
        while offset < count {
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            let seq = record.pointee.seq
            if seq > end { break }
            let bytes = Int(record.pointee.lines) * Int(HUB_LINE)
            // A position has one record; what claims another one's is left out.
            if seq > start {
                let slot = slots + Int(seq - start - 1)
                if slot.pointee == nil {
                    slot.pointee = record
                    windowBytes += bytes
                }
            }
            offset += bytes
        }
        lane.offset = offset
    }

    /// Copies the records of the slots, in order.
    private func emit(into output: inout RecordBuffer, maxBytes: Int) {
        let most = min(windowBytes, max(0, maxBytes - output.count) + Int(HUB_MAX_LINES * HUB_LINE))
        let room = output.reserve(most)
        var filled = 0
        var seq = position
        let enough = maxBytes - output.count
        while filled < windowBytes, filled < enough || filled == 0 {
            let slot = slots + Int(seq - windowStart)
            seq += 1
            guard let record = slot.pointee else { continue }
            slot.pointee = nil
            let bytes = Int(record.pointee.lines) * Int(HUB_LINE)
            (room + filled).copyMemory(from: record, byteCount: bytes)
            filled += bytes
        }
        output.commit(filled)
        windowBytes -= filled
        position = windowBytes == 0 ? windowEnd : seq
    }

    /// Reads the next kept rows.
    private func readRows() throws {
        kept.clear()
        let end = spanEnd
        var count = 0
        var last: UInt64 = 0
        let streams = filter.streams
        let from = position
        try store.readKept(after: from, through: end, kinds: filter.kinds, most: Self.mostRows) { record in
            count += 1
            last = record.pointee.seq
            if let streams, !streams.contains(record.pointee.stream) { return }
            let bytes = Int(record.pointee.lines) * Int(HUB_LINE)
            kept.buffer.reserve(bytes).copyMemory(from: record, byteCount: bytes)
            kept.buffer.commit(bytes)
        }
        keptThrough = count < Self.mostRows ? end : last
        kept.lastSeq = last
    }
}

extension Lane {
    /// Position of the first record that was not given out; beyond all if there is none.
    var firstSeq: UInt64 {
        guard !isEmpty, let base = buffer.bytes.baseAddress else { return nextSeq }
        return (base + offset).assumingMemoryBound(to: hub_record.self).pointee.seq
    }
}
