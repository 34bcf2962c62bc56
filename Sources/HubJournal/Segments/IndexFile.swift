import PluginABI

/// The sidecar of a sealed segment, `NNN.index`: checksums and the sparse index.
///
/// It is written once the segment's content is on the medium, so its being there (whole) also says that the segment is.
/// It can always be made again from the segment; only the checksums are then those of what is found.
///
/// | offset | bytes | |
/// |---|---|---|
/// | 0 | 8 | `HUB-IDX\n` |
/// | 8 | 4 | format version, that of the segments |
/// | 12 | 4 | bytes of a block |
/// | 16 | 8 | first seq |
/// | 24 | 8 | number of records |
/// | 32 | 8 | offset of the end of the last record |
/// | 40 | 8 | `ts_recv` of the first record |
/// | 48 | 8 | `ts_recv` of the last record |
/// | 56 | 4 | number of blocks |
/// | 60 | 4 | number of streams |
/// | 64 | 4 | number of postings |
/// | 68 | 4 | CRC32C of everything behind byte 79 |
/// | 72 | 4 | reserved |
/// | 76 | 4 | CRC32C of bytes 0 to 75 |
/// | 80 | | blocks: 64 bytes each (`BlockSummary.write`) |
/// | | | streams in order of their ids: id, number of the first posting, number of postings, 4 bytes each |
/// | | | postings: 4 bytes each (`IndexBuilder.Posting`) |
///
/// The file stays mapped, so that the indexes of a large journal cost no memory of the process's own.
final class IndexFile: @unchecked Sendable {
    static let headerBytes = 80
    private static let magic: [UInt8] = Array("HUB-IDX\n".utf8)

    struct Header: Hashable {
        var firstSeq: UInt64
        var recordCount: UInt64
        var endOffset: Int
        var firstReceived: Int64
        var lastReceived: Int64
        var blockCount: Int
        var streamCount: Int
        var postingCount: Int
        var bodyChecksum: UInt32

        var byteCount: Int { headerBytes + blockCount * BlockSummary.byteCount + streamCount * 12 + postingCount * 4 }
    }

    let header: Header
    private let base: UnsafeMutableRawPointer
    private let files: any FileLayer

    /// Maps the file and checks its header; `nil` if there is none, or it is not whole, or not of this segment.
    init?(_ path: String, firstSeq: UInt64, files: any FileLayer) {
        guard let descriptor = try? files.open(path, .reading) else { return nil }
        defer { files.close(descriptor) }
        guard let count = try? files.size(descriptor, path: path), count >= Self.headerBytes,
            let base = try? files.map(descriptor, bytes: count, writable: false, path: path)
        else { return nil }
        guard let header = Self.readHeader(UnsafeRawPointer(base), byteCount: count, firstSeq: firstSeq) else {
            files.unmap(base, bytes: count)
            return nil
        }
        self.header = header
        self.base = base
        self.files = files
    }

    deinit { files.unmap(base, bytes: header.byteCount) }

    /// Whether the blocks and postings are as they were written. Reads all of the file.
    var isWhole: Bool {
        UnsafeRawPointer(base).checksum(Self.headerBytes, header.byteCount - Self.headerBytes) == header.bodyChecksum
    }

    static func bytes(_ index: IndexBuilder, firstSeq: UInt64, firstReceived: Int64, lastReceived: Int64) -> [UInt8] {
        let lists = index.lists
        var body = ByteWriter()
        for block in index.blocks { block.write(to: &body) }
        var start: UInt32 = 0
        for list in lists {
            body.append(list.stream)
            body.append(start)
            body.append(UInt32(list.postings.count))
            start += UInt32(list.postings.count)
        }
        for list in lists { for posting in list.postings { body.append(posting) } }

        var writer = ByteWriter()
        writer.append(magic)
        writer.append(SegmentHeader.formatVersion)
        writer.append(UInt32(JournalOptions.blockBytes))
        writer.append(firstSeq)
        writer.append(index.nextSeq - firstSeq)
        writer.append(UInt64(index.offset))
        writer.append(firstReceived)
        writer.append(lastReceived)
        writer.append(UInt32(index.blocks.count))
        writer.append(UInt32(lists.count))
        writer.append(start)
        writer.append(body.checksum)
        writer.append(UInt32(0))
        writer.append(writer.checksum)
        writer.append(body.bytes)
        return writer.bytes
    }

    /// Only the header; `nil` if it is not whole, or not of this segment.
    private static func readHeader(_ base: UnsafeRawPointer, byteCount: Int, firstSeq: UInt64) -> Header? {
        guard byteCount >= headerBytes, UnsafeRawBufferPointer(start: base, count: 8).elementsEqual(magic),
            base.checksum(0, 76) == base.number(76, UInt32.self), base.number(16, UInt64.self) == firstSeq,
            base.number(8, UInt32.self) <= SegmentHeader.formatVersion,
            base.number(12, UInt32.self) == UInt32(JournalOptions.blockBytes)
        else { return nil }
        let header = Header(
            firstSeq: firstSeq, recordCount: base.number(24), endOffset: Int(base.number(32, UInt64.self)),
            firstReceived: base.number(40), lastReceived: base.number(48),
            blockCount: Int(base.number(56, UInt32.self)), streamCount: Int(base.number(60, UInt32.self)),
            postingCount: Int(base.number(64, UInt32.self)), bodyChecksum: base.number(68))
        return header.byteCount == byteCount ? header : nil
    }

    func block(_ number: Int) -> BlockSummary {
        BlockSummary(UnsafeRawPointer(base) + Self.headerBytes + number * BlockSummary.byteCount)
    }

    /// Sets the bit of each block that has records of these streams and kinds.
    func mark(_ streams: StreamSet, kinds mask: UInt16, in bitmap: inout [UInt64]) {
        let table = UnsafeRawPointer(base) + Self.headerBytes + header.blockCount * BlockSummary.byteCount
        let postings = table + header.streamCount * 12
        for id in streams.ids + [UInt32.max] {
            var low = 0
            var high = header.streamCount
            while low < high {
                let middle = (low + high) / 2
                if table.number(middle * 12, UInt32.self) < id { low = middle + 1 } else { high = middle }
            }
            guard low < header.streamCount, table.number(low * 12, UInt32.self) == id else { continue }
            let start = Int(table.number(low * 12 + 4, UInt32.self))
            let count = Int(table.number(low * 12 + 8, UInt32.self))
            guard start + count <= header.postingCount else { continue }
            bitmap.mark((start..<start + count).lazy.map { postings.number($0 * 4, UInt32.self) }, mask)
        }
    }
}
