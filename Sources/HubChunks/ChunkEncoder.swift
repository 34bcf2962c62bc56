public import PluginABI

/// Packs records of one stream and kind into the bytes of one chunk.
///
/// A chunk is a header of 64 bytes (``ChunkHeader``: magic, version, CRC-32C, what the records cover), a directory, and the
/// columns. A record of n lines is 8 n words of 8 bytes; all words at one place make a column, so every byte of every record
/// is in exactly one column, whatever its kind means by it. What the kind says of a place (`ColumnClass`) only decides which
/// codings are tried there:
///
/// - `seq` and times: differences or second differences in units of their greatest common divisor, the receive time also
///   as distance from the event time;
/// - prices and sizes: as whole numbers of a decimal place, if that gives back the very bits, with the exceptions beside;
/// - everything else, and what repeats: places in a table of the different words.
///
/// All of them end as blocks of 128 numbers with as many bits each as most of them need. Records of several lengths have
/// columns of several lengths: the words of the second line are those of the records that have one. What packs no smaller is
/// stored as it is, a column or a whole chunk. Each column is unpacked again before it is taken.
///
/// Working memory, about 700 KB, is allocated once. One owner at a time; not to be shared between tasks.
public struct ChunkEncoder {
    /// A chunk holds at most so many records.
    public static let mostRecords = 8192

    /// Behind the last column, so that the decoder may load whole words.
    static let padding = 8
    private static let wordsInLine = Int(HUB_LINE) / 8

    private let workspace = Workspace()

    /// What is kept from chunk to chunk.
    private final class Workspace {
        let scratch = Scratch()
        let table = WordTable()
        var writer = ByteWriter(capacity: 1 << 16)
        var refused = 0
    }

    /// Columns that did not come back exactly when they were unpacked for proof, and were stored as they are. Anything but
    /// 0 is an error of the codec, though one that lost nothing.
    public var refusedColumns: Int { workspace.refused }

    public init() {}

    /// - Parameter records: of one stream and one kind, `seq` ascending, 1 to `mostRecords` of them, each of 1 to 255 lines.
    /// - Returns: bytes from which `ChunkDecoder` makes exactly these records again, every byte of every line.
    public mutating func encode(_ records: UnsafeBufferPointer<UnsafePointer<hub_record>>) -> [UInt8] {
        precondition(1...Self.mostRecords ~= records.count, "a chunk holds 1 to \(Self.mostRecords) records")
        let first = records[0].pointee
        var (most, least, total) = (0, 255, 0)
        for record in records {
            let lines = Int(record.pointee.lines)
            most = max(most, lines)
            least = min(least, lines)
            total += lines
        }
        precondition(least > 0, "a record has 1 to 255 lines")
        let last = records[records.count - 1].pointee
        var header = ChunkHeader(
            form: .columns, chunkBytes: 0, count: records.count, kind: first.kind, lines: most, firstSeq: first.seq,
            lastSeq: last.seq, eventTimes: 0...0, receiveTimes: 0...0)
        workspace.writer.count = 0
        writeColumns(records, &header)
        if workspace.writer.count > ChunkHeader.byteCount + total * Int(HUB_LINE) { writePlain(records, &header) }
        header.chunkBytes = workspace.writer.count
        let bytes = UnsafeMutableRawBufferPointer(start: workspace.writer.memory, count: workspace.writer.count)
        header.seal(bytes)
        return [UInt8](bytes)
    }

    private func writePlain(_ records: UnsafeBufferPointer<UnsafePointer<hub_record>>, _ header: inout ChunkHeader) {
        header.form = .plain
        workspace.writer.count = ChunkHeader.byteCount
        for record in records {
            let bytes = Int(record.pointee.lines) * Int(HUB_LINE)
            workspace.writer.reserve(bytes)
            workspace.writer.put(record, count: bytes)
        }
    }

    private func writeColumns(_ records: UnsafeBufferPointer<UnsafePointer<hub_record>>, _ header: inout ChunkHeader) {
        let directory = ChunkHeader.byteCount
        let directoryBytes = header.lines * Self.wordsInLine * 4
        workspace.writer.reserve(directory + directoryBytes)
        workspace.writer.count = directory + directoryBytes
        for line in 0..<header.lines {
            let count = transpose(records, line: line)
            if line == 0 { note(count, &header) }
            for place in 0..<Self.wordsInLine {
                let entry = writeColumn(kind: header.kind, line: line, place: place, count: count)
                workspace.writer.memory.storeBytes(
                    of: entry.littleEndian, toByteOffset: directory + (line * Self.wordsInLine + place) * 4,
                    as: UInt32.self)
            }
        }
        workspace.writer.reserve(Self.padding)
        workspace.writer.putZeros(Self.padding)
    }

    private func writeColumn(kind: UInt8, line: Int, place: Int, count: Int) -> UInt32 {
        let scratch = workspace.scratch
        let word = line * Self.wordsInLine + place
        let reference = ColumnClass.reference(kind: kind, word: word)
        let column = ColumnWriter.Column(
            words: scratch.column(place), count: count, kind: ColumnClass.of(kind: kind, word: word),
            place: place, reference: reference,
            other: reference > 0 ? UnsafePointer(scratch.column(place - reference)) : nil)
        let start = workspace.writer.count
        let coding = ColumnWriter(scratch: scratch, table: workspace.table).write(
            column, into: &workspace.writer, refused: &workspace.refused)
        return UInt32(coding.rawValue) | UInt32(workspace.writer.count - start) << 8
    }

    /// Makes columns of one line of the records that have it.
    ///
    /// - Returns: how many have it.
    private func transpose(_ records: UnsafeBufferPointer<UnsafePointer<hub_record>>, line: Int) -> Int {
        let scratch = workspace.scratch
        let (c0, c1, c2, c3) = (scratch.column(0), scratch.column(1), scratch.column(2), scratch.column(3))
        let (c4, c5, c6, c7) = (scratch.column(4), scratch.column(5), scratch.column(6), scratch.column(7))
        var count = 0
        for record in records where Int(record.pointee.lines) > line {
            let words = (UnsafeRawPointer(record) + line * Int(HUB_LINE)).assumingMemoryBound(to: UInt64.self)
            c0[count] = words[0]
            c1[count] = words[1]
            c2[count] = words[2]
            c3[count] = words[3]
            c4[count] = words[4]
            c5[count] = words[5]
            c6[count] = words[6]
            c7[count] = words[7]
            count += 1
        }
        return count
    }

    private func note(_ count: Int, _ header: inout ChunkHeader) {
        func range(_ place: Int) -> ClosedRange<Int64> {
            let column = workspace.scratch.column(place)
            var (least, greatest) = (Int64.max, Int64.min)
            for index in 0..<count {
                let value = Int64(bitPattern: column[index])
                least = min(least, value)
                greatest = max(greatest, value)
            }
            return least...greatest
        }
        header.eventTimes = range(1)
        header.receiveTimes = range(2)
    }
}
