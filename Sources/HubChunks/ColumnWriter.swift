internal import Glibc

/// Chooses the coding of a column, writes it, and proves it by unpacking it again: what was packed is deleted, so it is not
/// enough that the codings are right by construction.
struct ColumnWriter {
    /// Less than this, and a table of words cannot pay.
    private static let leastForDictionary = 16
    /// A column that packs into fewer bits a number is not tried with a table.
    private static let bitsWithoutDictionary = 3

    let scratch: Scratch
    let table: WordTable

    /// What a plan needs to know of a column.
    struct Column {
        var words: UnsafePointer<UInt64>
        var count: Int
        var kind: ColumnClass
        /// In its line.
        var place = 0
        /// How many columns back one stands that this may be close to, and its words.
        var reference = 0
        var other: UnsafePointer<UInt64>?
    }

    /// Writes the column at a place of a line; all of the line are in the scratch.
    ///
    /// - Parameter refused: counts up if the column did not come back, and is stored as it is.
    func write(_ column: Column, into writer: inout ByteWriter, refused: inout Int) -> ColumnCoding {
        let (words, count) = (column.words, column.count)
        if isConstant(words, count) {
            guard words[0] != 0 else { return .zero }
            writer.reserve(8)
            writer.put(words[0])
            return .constant
        }
        let start = writer.count
        let coding = count < 3 ? nil : writeSmallest(column, &writer)
        if let coding, writer.count - start < count * 8 {
            if comesBack(column, coding, start, &writer) { return coding }
            refused += 1
        }
        writer.count = start
        writer.reserve(count * 8)
        writer.put(words, count: count * 8)
        return .plain
    }

    private func comesBack(
        _ column: Column, _ coding: ColumnCoding, _ start: Int, _ writer: inout ByteWriter
    ) -> Bool {
        writer.reserve(ChunkEncoder.padding)
        let back = UnsafeMutableRawPointer(scratch.otherSeries).assumingMemoryBound(to: UInt64.self)
        do {
            try ColumnReader(scratch: scratch, words: table.words).read(
                coding, ByteReader(writer.memory + start, count: writer.count - start), count: column.count,
                place: column.place, into: back)
        } catch {
            return false
        }
        return memcmp(back, column.words, column.count * 8) == 0
    }

    private func isConstant(_ words: UnsafePointer<UInt64>, _ count: Int) -> Bool {
        let first = words[0]
        // Most columns that are not constant say so soon.
        var start = 0
        while start < count {
            let end = min(start + BlockPlan.most, count)
            var differs: UInt64 = 0
            for index in start..<end { differs |= words[index] ^ first }
            if differs != 0 { return false }
            start = end
        }
        return true
    }

    private func writeSmallest(_ column: Column, _ writer: inout ByteWriter) -> ColumnCoding? {
        let decimals = column.kind == .decimal ? decimalPlan(column) : nil
        let integers = decimals == nil ? integerPlan(column) : nil
        let bits = decimals?.bits ?? integers?.bits ?? .max
        let usesTable = column.kind == .decimal || column.kind == .word
        if usesTable, column.count >= Self.leastForDictionary, bits > column.count * Self.bitsWithoutDictionary {
            if writeDictionary(column, under: bits, &writer) { return .dictionary }
            // The table took the place of the series.
            if decimals != nil { _ = decimalPlan(column) } else { _ = integerPlan(column) }
        }
        if let decimals {
            decimals.write(column.words, count: column.count, scratch: scratch, into: &writer)
            return .decimals
        }
        integers?.write(count: column.count, scratch: scratch, into: &writer)
        return integers == nil ? nil : .integers
    }

    private func decimalPlan(_ column: Column) -> DecimalColumn? {
        DecimalColumn.plan(
            column.words, count: column.count, reference: column.reference, scratch: scratch, other: column.other)
    }

    private func integerPlan(_ column: Column) -> IntegerColumn {
        let orders =
            switch column.kind {
            case .time: 1...2
            case .counter: 0...2
            case .decimal, .word: 0...1
            }
        let isRelated = column.kind == .time
        return IntegerColumn.plan(
            column.words, count: column.count, orders: orders, findsDivisor: column.kind == .time,
            reference: isRelated ? column.reference : 0, scratch: scratch, other: isRelated ? column.other : nil)
    }

    /// Writes the column by the words in it, if that takes less than so many bits.
    private func writeDictionary(_ column: Column, under bits: Int, _ writer: inout ByteWriter) -> Bool {
        // Each word that is found costs about two bytes at least.
        let limit = min(column.count / 2, bits / 16)
        guard table.fill(column.words, count: column.count, limit: limit, series: scratch.series) else { return false }
        let coder = SeriesCoder(scratch: scratch)
        let (order, placeBits) = coder.bestOrder(scratch.series, count: column.count, orders: 0...1)
        guard placeBits + table.count * 10 < bits else { return false }
        let start = writer.count
        writer.reserve(8 + 8 * table.count)
        writer.put(UInt16(table.count))
        let head = writer.count
        writer.putZeros(3)
        // The places are moved aside: writing the words needs the room.
        scratch.otherSeries.update(from: scratch.series, count: column.count)
        let coding = writeWords(of: column.kind, &writer)
        let length = writer.count - head - 3
        writer.count = head
        writer.put(coding.rawValue)
        writer.put(UInt16(length))
        writer.count += length
        writer.reserve(1)
        writer.put(UInt8(order))
        coder.write(scratch.otherSeries, count: column.count, order: order, into: &writer)
        if writer.count - start < bits / 8 { return true }
        writer.count = start
        return false
    }

    private func writeWords(of kind: ColumnClass, _ writer: inout ByteWriter) -> ColumnCoding {
        let start = writer.count
        let column = Column(words: table.words, count: table.count, kind: kind)
        var coding = ColumnCoding.integers
        if kind == .decimal, let plan = decimalPlan(column) {
            plan.write(table.words, count: table.count, scratch: scratch, into: &writer)
            coding = .decimals
        } else {
            integerPlan(column).write(count: table.count, scratch: scratch, into: &writer)
        }
        if writer.count - start < table.count * 8 { return coding }
        writer.count = start
        writer.reserve(table.count * 8)
        writer.put(table.words, count: table.count * 8)
        return .plain
    }
}
