/// The first 4 KiB of a segment.
///
/// Never changed once the segment has its name. Behind it lie the definitions known when the segment began (the *prologue*: whole
/// records, outside the order by `seq`), then from `dataOffset` the records.
///
/// | offset | bytes | |
/// |---|---|---|
/// | 0 | 8 | `HUB-SEG\n` |
/// | 8 | 4 | format version |
/// | 12 | 4 | bytes of this header |
/// | 16 | 8 | first seq |
/// | 24 | 8 | created, nanoseconds since the epoch |
/// | 32 | 16 | epoch, hex digits |
/// | 48 | 48 | boot id, filled with zeros |
/// | 96 | 8 | bytes of the file |
/// | 104 | 8 | bytes of the prologue |
/// | 112 | 8 | offset of the first record |
/// | 120 | 4 | CRC32C of the prologue |
/// | 124 | 4 | CRC32C of bytes 0 to 123 |
struct SegmentHeader: Hashable {
    static let formatVersion: UInt32 = 1
    static let byteCount = 4096
    private static let magic: [UInt8] = Array("HUB-SEG\n".utf8)

    var firstSeq: UInt64
    var createdNanoseconds: Int64
    var epoch: String
    var bootID: String
    var fileBytes: Int
    var prologueBytes: Int
    var dataOffset: Int
    var prologueChecksum: UInt32

    /// Where records begin behind a prologue of this size: on a page, so that one-line records never straddle one.
    static func dataOffset(prologueBytes: Int) -> Int {
        byteCount + (prologueBytes + 4095) / 4096 * 4096
    }

    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(Self.formatVersion)
        writer.append(UInt32(Self.byteCount))
        writer.append(firstSeq)
        writer.append(createdNanoseconds)
        writer.append(epoch, padded: 16)
        writer.append(bootID, padded: 48)
        writer.append(UInt64(fileBytes))
        writer.append(UInt64(prologueBytes))
        writer.append(UInt64(dataOffset))
        writer.append(prologueChecksum)
        writer.append(writer.checksum)
        return writer.bytes
    }

    enum Reading {
        case header(SegmentHeader)
        case newer(UInt32)
        /// Not written whole, or damaged; in words.
        case unreadable(String)
    }

    /// Reads a header from at least 4 KiB of a file of `fileBytes`.
    static func read(_ base: UnsafeRawPointer, fileBytes: Int) -> Reading {
        guard UnsafeRawBufferPointer(start: base, count: 8).elementsEqual(magic) else {
            return .unreadable("it does not begin like a segment")
        }
        let version: UInt32 = base.number(8)
        guard version <= formatVersion else { return .newer(version) }
        guard base.checksum(0, 124) == base.number(124, UInt32.self) else {
            return .unreadable("the header's checksum is wrong")
        }
        let header = SegmentHeader(
            firstSeq: base.number(16), createdNanoseconds: base.number(24), epoch: base.text(32, 16),
            bootID: base.text(48, 48), fileBytes: Int(base.number(96, UInt64.self)),
            prologueBytes: Int(base.number(104, UInt64.self)), dataOffset: Int(base.number(112, UInt64.self)),
            prologueChecksum: base.number(120))
        guard header.fileBytes == fileBytes else {
            return .unreadable("the file has \(fileBytes) bytes, its header says \(header.fileBytes)")
        }
        guard header.dataOffset == dataOffset(prologueBytes: header.prologueBytes), header.dataOffset <= fileBytes
        else {
            return .unreadable("the header's sizes do not fit together")
        }
        return .header(header)
    }
}
