internal import CHubSystem

/// What the first 64 bytes of a chunk say of its records, read without unpacking any.
public struct ChunkHeader: Sendable, Equatable {
    /// Bytes of a header; a reader that only wants to know a chunk's range needs no more of it.
    public static let byteCount = 64

    static let magic: UInt16 = 0x4348
    static let version: UInt8 = 1

    /// How the records follow.
    enum Form: UInt8 {
        /// As they are, one behind the other.
        case plain = 0
        /// Word by word, see ``ChunkEncoder``.
        case columns = 1
    }

    var form: Form
    /// Of the whole chunk, this header among them.
    public internal(set) var chunkBytes: Int
    /// Records, 1 to `ChunkEncoder.mostRecords`.
    public internal(set) var count: Int
    /// Of the first record; all have the same.
    public internal(set) var kind: UInt8
    /// Lines of the longest record.
    var lines: Int
    /// `seq` of the first record.
    public internal(set) var firstSeq: UInt64
    /// `seq` of the last record.
    public internal(set) var lastSeq: UInt64
    /// Nanoseconds since the Unix epoch, as the records have them (0 = the source gave none).
    public internal(set) var eventTimes: ClosedRange<Int64>
    /// Nanoseconds since the Unix epoch.
    public internal(set) var receiveTimes: ClosedRange<Int64>
    private var checksum: UInt32 = 0

    init(
        form: Form, chunkBytes: Int, count: Int, kind: UInt8, lines: Int, firstSeq: UInt64, lastSeq: UInt64,
        eventTimes: ClosedRange<Int64>, receiveTimes: ClosedRange<Int64>
    ) {
        self.form = form
        self.chunkBytes = chunkBytes
        self.count = count
        self.kind = kind
        self.lines = lines
        self.firstSeq = firstSeq
        self.lastSeq = lastSeq
        self.eventTimes = eventTimes
        self.receiveTimes = receiveTimes
    }

    /// Reads the header at the beginning of a chunk, of which the rest need not be there. The checksum, which is over the
    /// whole chunk, is not looked at; the decoder does that.
    ///
    /// - Throws: `ChunkError` for bytes that do not begin like a chunk of this version.
    public init(_ bytes: UnsafeRawBufferPointer) throws(ChunkError) {
        guard bytes.count >= Self.byteCount, let base = bytes.baseAddress else {
            throw ChunkError("a chunk begins with a header of \(Self.byteCount) bytes, but there are \(bytes.count)")
        }
        func read<T: FixedWidthInteger>(_ offset: Int, _: T.Type) -> T {
            T(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: T.self))
        }
        let found = (read(0, UInt16.self), read(2, UInt8.self), read(3, UInt8.self))
        guard found.0 == Self.magic else {
            throw ChunkError(
                "a chunk begins with the bytes 0x\(String(Self.magic, radix: 16)), found 0x\(String(found.0, radix: 16))"
            )
        }
        guard found.1 == Self.version else {
            throw ChunkError("the chunk is of version \(found.1); this program knows version \(Self.version)")
        }
        guard let form = Form(rawValue: found.2) else {
            throw ChunkError("the chunk's form is 0 (plain) or 1 (columns), found \(found.2)")
        }
        let (count, lines) = (Int(read(12, UInt16.self)), Int(read(15, UInt8.self)))
        guard 1...ChunkEncoder.mostRecords ~= count else {
            throw ChunkError("a chunk holds 1 to \(ChunkEncoder.mostRecords) records, found \(count)")
        }
        guard lines >= 1 else { throw ChunkError("the records of a chunk have 1 to 255 lines, found 0") }
        let times = (0..<4).map { read(32 + $0 * 8, Int64.self) }
        guard times[0] <= times[1], times[2] <= times[3] else {
            throw ChunkError("the times of a chunk run from the least to the greatest, found \(times)")
        }
        self.init(
            form: form, chunkBytes: Int(read(8, UInt32.self)), count: count, kind: read(14, UInt8.self), lines: lines,
            firstSeq: read(16, UInt64.self), lastSeq: read(24, UInt64.self), eventTimes: times[0]...times[1],
            receiveTimes: times[2]...times[3])
        checksum = read(4, UInt32.self)
    }

    /// Checks that these are the bytes that were written, all of them.
    func check(_ chunk: UnsafeRawBufferPointer) throws(ChunkError) {
        guard chunk.count == chunkBytes else {
            throw ChunkError("the chunk says that it has \(chunkBytes) bytes, but there are \(chunk.count)")
        }
        let found = Self.checksum(chunk)
        guard found == checksum else {
            throw ChunkError(
                "the chunk's checksum is 0x\(String(checksum, radix: 16)), but that of its bytes is "
                    + "0x\(String(found, radix: 16)): they were damaged")
        }
    }

    /// Over everything but the checksum itself.
    private static func checksum(_ chunk: UnsafeRawBufferPointer) -> UInt32 {
        let head = hub_crc32c(0, chunk.baseAddress, 4)
        return hub_crc32c(head, chunk.baseAddress.unsafelyUnwrapped + 8, chunk.count - 8)
    }

    /// Writes the header before what stands behind it in `chunk`, with the checksum of both.
    func seal(_ chunk: UnsafeMutableRawBufferPointer) {
        func write<T: FixedWidthInteger>(_ value: T, _ offset: Int) {
            chunk.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
        }
        write(Self.magic, 0)
        write(Self.version, 2)
        write(form.rawValue, 3)
        write(UInt32(chunkBytes), 8)
        write(UInt16(count), 12)
        write(kind, 14)
        write(UInt8(lines), 15)
        write(firstSeq, 16)
        write(lastSeq, 24)
        write(eventTimes.lowerBound, 32)
        write(eventTimes.upperBound, 40)
        write(receiveTimes.lowerBound, 48)
        write(receiveTimes.upperBound, 56)
        write(Self.checksum(UnsafeRawBufferPointer(chunk)), 4)
    }

    public static func == (one: ChunkHeader, other: ChunkHeader) -> Bool {
        one.form == other.form && one.chunkBytes == other.chunkBytes && one.count == other.count
            && one.kind == other.kind && one.lines == other.lines && one.firstSeq == other.firstSeq
            && one.lastSeq == other.lastSeq && one.eventTimes == other.eventTimes
            && one.receiveTimes == other.receiveTimes
    }
}
