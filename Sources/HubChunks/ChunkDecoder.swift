internal import PluginABI

/// Unpacks chunks.
///
/// Nothing in a chunk is believed before it is checked: damage is found by the checksum, and a chunk that was made to
/// deceive, checksum and all, gives an error or other records, but no access outside its bytes and no more memory than 8192
/// records of 255 lines. One owner at a time; not to be shared between tasks.
public struct ChunkDecoder {
    private static let wordsInLine = Int(HUB_LINE) / 8

    private let scratch = Scratch()
    private let table = TableMemory()

    private final class TableMemory {
        let words: UnsafeMutablePointer<UInt64>

        init() {
            words = .allocate(capacity: WordTable.most)
            words.initialize(repeating: 0, count: WordTable.most)
        }

        deinit { words.deallocate() }
    }

    public init() {}

    /// Appends the records of a chunk, as they were journaled.
    ///
    /// - Throws: `ChunkError` for bytes that are no whole chunk; nothing is appended then.
    public mutating func decode(_ chunk: UnsafeRawBufferPointer, into output: inout RecordBuffer) throws(ChunkError) {
        let header = try ChunkHeader(chunk)
        try header.check(chunk)
        switch header.form {
        case .plain: try copy(chunk, header, &output)
        case .columns: try unpack(chunk, header, &output)
        }
    }

    private func copy(
        _ chunk: UnsafeRawBufferPointer, _ header: ChunkHeader, _ output: inout RecordBuffer
    ) throws(ChunkError) {
        var offset = ChunkHeader.byteCount
        var count = 0
        while offset < chunk.count, chunk[offset] > 0 {
            offset += Int(chunk[offset]) * Int(HUB_LINE)
            count += 1
        }
        guard offset == chunk.count, count == header.count else {
            throw ChunkError(
                "\(header.count) records should fill the chunk's \(chunk.count) bytes; \(count) of them end at \(offset)"
            )
        }
        let records = UnsafeRawBufferPointer(rebasing: chunk[ChunkHeader.byteCount...])
        output.reserve(records.count).copyMemory(from: records.baseAddress.unsafelyUnwrapped, byteCount: records.count)
        output.commit(records.count)
    }

    private func unpack(
        _ chunk: UnsafeRawBufferPointer, _ header: ChunkHeader, _ output: inout RecordBuffer
    ) throws(ChunkError) {
        var columns = try Columns(chunk, header)
        try readLine(0, header.count, &columns)
        let bytes = try place(header)
        let target = output.reserve(bytes)
        var count = header.count
        for line in 0..<header.lines {
            if line > 0 {
                // Those that have the line; where they begin does not change.
                let before = count
                count = 0
                for index in 0..<before {
                    let offset = scratch.offsets[index]
                    let lines = target.load(fromByteOffset: offset, as: UInt8.self)
                    scratch.offsets[count] = offset
                    count += Int(lines) > line ? 1 : 0
                }
                try readLine(line, count, &columns)
            }
            transpose(count, into: target + line * Int(HUB_LINE))
        }
        try columns.checkEnd()
        output.commit(bytes)
    }

    private func readLine(_ line: Int, _ count: Int, _ columns: inout Columns) throws(ChunkError) {
        let reader = ColumnReader(scratch: scratch, words: table.words)
        for place in 0..<Self.wordsInLine {
            do {
                let (coding, bytes) = try columns.next()
                try reader.read(coding, bytes, count: count, place: place, into: scratch.column(place))
            } catch {
                throw ChunkError("column \(place) of line \(line), \(count) values: \(error.description)")
            }
        }
    }

    /// Where the records begin, from the lines in the first byte of each.
    ///
    /// - Returns: bytes of all records.
    private func place(_ header: ChunkHeader) throws(ChunkError) -> Int {
        let heads = scratch.column(0)
        var (offset, least, most) = (0, UInt64.max, UInt64(0))
        for index in 0..<header.count {
            let lines = heads[index] & 0xff
            least = min(least, lines)
            most = max(most, lines)
            scratch.offsets[index] = offset
            offset &+= Int(lines) &* Int(HUB_LINE)
        }
        guard least > 0, most == UInt64(header.lines) else {
            throw ChunkError("records of 1 to \(header.lines) lines expected, found some of \(least) and of \(most)")
        }
        return offset
    }

    private func transpose(_ count: Int, into target: UnsafeMutableRawPointer) {
        let (c0, c1, c2, c3) = (scratch.column(0), scratch.column(1), scratch.column(2), scratch.column(3))
        let (c4, c5, c6, c7) = (scratch.column(4), scratch.column(5), scratch.column(6), scratch.column(7))
        let offsets = scratch.offsets
        for index in 0..<count {
            let words = (target + offsets[index]).assumingMemoryBound(to: UInt64.self)
            words[0] = c0[index]
            words[1] = c1[index]
            words[2] = c2[index]
            words[3] = c3[index]
            words[4] = c4[index]
            words[5] = c5[index]
            words[6] = c6[index]
            words[7] = c7[index]
        }
    }

    /// The columns of a chunk, one after the other.
    private struct Columns {
        private let base: UnsafeRawPointer
        private var entry = ChunkHeader.byteCount
        private var offset: Int
        private let end: Int

        init(_ chunk: UnsafeRawBufferPointer, _ header: ChunkHeader) throws(ChunkError) {
            base = chunk.baseAddress.unsafelyUnwrapped
            offset = entry + header.lines * ChunkDecoder.wordsInLine * 4
            end = chunk.count - ChunkEncoder.padding
            guard offset <= end else {
                throw ChunkError("the directory ends at byte \(offset), but the chunk has \(chunk.count) bytes")
            }
        }

        mutating func next() throws(ChunkError) -> (ColumnCoding, ByteReader) {
            let found = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: entry, as: UInt32.self))
            let bytes = Int(found >> 8)
            guard let coding = ColumnCoding(rawValue: UInt8(truncatingIfNeeded: found)) else {
                throw ChunkError("a coding is 0 to 5, found \(found & 0xff)")
            }
            guard bytes <= end - offset else {
                throw ChunkError("its \(bytes) bytes begin at \(offset), but the columns end at \(end)")
            }
            defer {
                entry += 4
                offset += bytes
            }
            return (coding, ByteReader(base + offset, count: bytes))
        }

        func checkEnd() throws(ChunkError) {
            guard offset == end else {
                throw ChunkError("the columns end at byte \(offset), but \(end) was expected")
            }
        }
    }
}
