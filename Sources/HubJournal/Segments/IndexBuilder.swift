import PluginABI

/// The sparse index of a segment, made by reading its records once.
///
/// The writer does not pay for it: whoever searches the open segment first brings its index up to what is published, and sealing
/// brings it to the end.
struct IndexBuilder {
    /// A posting is a block's number (16 bits) and the kinds of the stream's records in it (16 bits).
    typealias Posting = UInt32

    private(set) var blocks: [BlockSummary] = []
    /// Where reading goes on.
    private(set) var offset: Int
    private(set) var nextSeq: UInt64
    /// By stream id, which is dense.
    private var postings: [[Posting]] = []
    /// Blocks with stream ids beyond all reason (damage): they are candidates for every stream.
    private var strayBlocks: [Posting] = []

    init(dataOffset: Int, firstSeq: UInt64) {
        offset = dataOffset
        nextSeq = firstSeq
    }

    /// Takes in the records up to `end`, which is the end of a record.
    mutating func extend(_ base: UnsafeRawPointer, to end: Int) {
        while offset < end {
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            let number = offset / JournalOptions.blockBytes
            while blocks.count <= number { blocks.append(BlockSummary()) }
            if blocks[number].count == 0 {
                blocks[number].firstSeq = nextSeq
                blocks[number].firstOffset = UInt32(offset)
            }
            blocks[number].add(record)
            post(record.pointee.stream, block: number, KindSet.indexBit(record.pointee.kind))
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
            nextSeq += 1
        }
    }

    private mutating func post(_ stream: UInt32, block: Int, _ kind: UInt16) {
        let posting = UInt32(block) << 16 | UInt32(kind)
        guard stream < StreamSet.bitmapEnd else {
            Self.add(posting, to: &strayBlocks)
            return
        }
        while postings.count <= Int(stream) { postings.append([]) }
        Self.add(posting, to: &postings[Int(stream)])
    }

    @inline(__always)
    private static func add(_ posting: Posting, to list: inout [Posting]) {
        if let last = list.last, last >> 16 == posting >> 16 {
            list[list.count - 1] = last | posting
        } else {
            list.append(posting)
        }
    }

    /// Sets the bit of each block that has records of these streams and kinds.
    func mark(_ streams: StreamSet, kinds mask: UInt16, in bitmap: inout [UInt64]) {
        for id in streams.ids where Int(id) < postings.count { bitmap.mark(postings[Int(id)], mask) }
        bitmap.mark(strayBlocks, mask)
    }

    /// The streams that have records, in order, each with its postings; the stray ones last, under the id 0xFFFFFFFF.
    var lists: [(stream: UInt32, postings: [Posting])] {
        var lists: [(UInt32, [Posting])] = []
        for (id, list) in postings.enumerated() where !list.isEmpty { lists.append((UInt32(id), list)) }
        if !strayBlocks.isEmpty { lists.append((UInt32.max, strayBlocks)) }
        return lists
    }

    /// Writes the checksums of all blocks up to the end of the records.
    mutating func addChecksums(_ base: UnsafeRawPointer, fileBytes: Int) {
        let end = (offset + JournalOptions.blockBytes - 1) / JournalOptions.blockBytes
        while blocks.count < end { blocks.append(BlockSummary()) }
        for number in blocks.indices {
            let start = number * JournalOptions.blockBytes
            blocks[number].checksum = base.checksum(start, min(JournalOptions.blockBytes, fileBytes - start))
        }
    }
}

extension [UInt64] {
    /// Sets the bits of the blocks of these postings that have one of the kinds.
    mutating func mark(_ postings: some Sequence<UInt32>, _ mask: UInt16) {
        for posting in postings where UInt16(truncatingIfNeeded: posting) & mask != 0 {
            let block = Int(posting >> 16)
            if block / 64 < count { self[block / 64] |= 1 << UInt64(block % 64) }
        }
    }
}
