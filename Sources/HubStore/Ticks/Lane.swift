import HubChunks
import PluginABI

/// A sorted sequence of records that a reader merges: of one stream and kind, chunk by chunk, or of what the store keeps in
/// rows.
final class Lane {
    /// Where its chunks are; `nil` for rows.
    let source: ChunkSource?
    /// Chunks that were not unpacked yet are those from `next` on.
    let chunks: [ChunkHeader]
    private var next = 0
    /// Where the next chunk begins; beyond all positions if there is none.
    private(set) var nextSeq: UInt64
    // A reader looks at all of its lanes again and again; nobody else does.
    @exclusivity(unchecked) var buffer = RecordBuffer(capacity: 64)
    /// Place of the first record in the buffer that was not given out.
    @exclusivity(unchecked) var offset = 0
    /// Position of the last record in the buffer.
    @exclusivity(unchecked) var lastSeq: UInt64 = 0

    init(source: ChunkSource?, chunks: [ChunkHeader]) {
        self.source = source
        self.chunks = chunks
        nextSeq = chunks.first?.firstSeq ?? .max
    }

    var isEmpty: Bool { offset >= buffer.count }
    var nextChunk: ChunkHeader? { next < chunks.count ? chunks[next] : nil }

    /// Empties the buffer for what comes next.
    func clear() {
        buffer.removeAll()
        offset = 0
    }

    /// The chunk was unpacked into the empty buffer: goes to the first record behind a position.
    func took(_ chunk: ChunkHeader, after seq: UInt64) {
        next += 1
        nextSeq = nextChunk?.firstSeq ?? .max
        lastSeq = chunk.lastSeq
        skip(through: seq)
    }

    func skip(through seq: UInt64) {
        guard let base = buffer.bytes.baseAddress else { return }
        while offset < buffer.count {
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            if record.pointee.seq > seq { return }
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
        }
    }
}

/// Where chunks are read from.
enum ChunkSource: Sendable {
    case file(DayKey, DayFile)
    case store
}
