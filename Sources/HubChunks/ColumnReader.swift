/// Unpacks a column.
struct ColumnReader {
    let scratch: Scratch
    /// Room for the words of a table.
    let words: UnsafeMutablePointer<UInt64>

    /// Unpacks the column at a place of a line; those before it are in the scratch.
    func read(
        _ coding: ColumnCoding, _ reader: ByteReader, count: Int, place: Int, into column: UnsafeMutablePointer<UInt64>
    ) throws(ChunkError) {
        var reader = reader
        switch coding {
        case .zero: column.update(repeating: 0, count: count)
        case .constant: column.update(repeating: try reader.number(UInt64.self), count: count)
        case .plain: try readPlain(&reader, count, column)
        case .integers:
            try IntegerColumn.read(&reader, count: count, into: column, place: place, scratch: scratch)
        case .decimals:
            try DecimalColumn.read(&reader, count: count, into: column, place: place, scratch: scratch)
        case .dictionary: try readDictionary(&reader, count, column)
        }
        try reader.checkEnd()
    }

    private func readPlain(
        _ reader: inout ByteReader, _ count: Int, _ column: UnsafeMutablePointer<UInt64>
    ) throws(ChunkError) {
        UnsafeMutableRawPointer(column).copyMemory(from: try reader.take(count * 8), byteCount: count * 8)
    }

    private func readDictionary(
        _ reader: inout ByteReader, _ count: Int, _ column: UnsafeMutablePointer<UInt64>
    ) throws(ChunkError) {
        let found = Int(try reader.number(UInt16.self))
        let code = try reader.number(UInt8.self)
        let length = Int(try reader.number(UInt16.self))
        guard 1...WordTable.most ~= found else {
            throw ChunkError("a table has 1 to \(WordTable.most) words, found \(found)")
        }
        // The words are read as a column of their own that refers to none.
        var inner = ByteReader(try reader.take(length), count: length)
        switch ColumnCoding(rawValue: code) {
        case .plain: try readPlain(&inner, found, words)
        case .integers: try IntegerColumn.read(&inner, count: found, into: words, place: 0, scratch: scratch)
        case .decimals: try DecimalColumn.read(&inner, count: found, into: words, place: 0, scratch: scratch)
        default: throw ChunkError("the words of a table are plain, integers or decimals, found coding \(code)")
        }
        try inner.checkEnd()
        let order = Int(try reader.number(UInt8.self))
        guard order <= SeriesCoder.highestOrder else { throw ChunkError("the order is 0 to 2, found \(order)") }
        let series = UnsafeMutableRawPointer(column).assumingMemoryBound(to: Int64.self)
        try SeriesCoder(scratch: scratch).read(&reader, count: count, order: order, into: series)
        var worst: UInt64 = 0
        for index in 0..<count {
            let place = column[index]
            worst = max(worst, place)
            column[index] = words[Int(min(place, UInt64(WordTable.most - 1)))]
        }
        guard worst < UInt64(found) else {
            throw ChunkError("a place in a table of \(found) words is less than that, found \(worst)")
        }
    }
}
