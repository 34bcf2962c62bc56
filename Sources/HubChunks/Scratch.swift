/// Memory that encoding and decoding work in, allocated once: eight columns and what is made of one.
///
/// One owner at a time; a copied encoder or decoder shares it with its original, and neither may leave its isolation.
final class Scratch {
    static let columnsInLine = 8
    // Two lines more than the values, so that columns do not lie at equal places of a cache page.
    private static let stride = ChunkEncoder.mostRecords + 16

    private let columns: UnsafeMutablePointer<UInt64>
    private let all: UnsafeMutablePointer<Int64>
    /// Numbers made of the column at hand; two zeros stand before it, so that differences need no first case.
    let series: UnsafeMutablePointer<Int64>
    /// A second series, where two ways are weighed.
    let otherSeries: UnsafeMutablePointer<Int64>
    /// Places of what a column could not take in.
    let places: UnsafeMutablePointer<UInt16>
    /// A block, before and after packing.
    let block: UnsafeMutablePointer<Int64>
    let spare: UnsafeMutablePointer<UInt64>
    let histogram: UnsafeMutablePointer<UInt16>
    /// Where each record begins, in bytes, of those that have the line at hand.
    let offsets: UnsafeMutablePointer<Int>

    init() {
        columns = .allocate(capacity: Self.stride * Self.columnsInLine)
        columns.initialize(repeating: 0, count: Self.stride * Self.columnsInLine)
        all = .allocate(capacity: Self.stride * 2)
        all.initialize(repeating: 0, count: Self.stride * 2)
        series = all + 2
        otherSeries = all + Self.stride + 2
        places = .allocate(capacity: ChunkEncoder.mostRecords)
        places.initialize(repeating: 0, count: ChunkEncoder.mostRecords)
        block = .allocate(capacity: BlockPlan.most)
        block.initialize(repeating: 0, count: BlockPlan.most)
        spare = .allocate(capacity: BlockPlan.most)
        spare.initialize(repeating: 0, count: BlockPlan.most)
        histogram = .allocate(capacity: 66)
        histogram.initialize(repeating: 0, count: 66)
        offsets = .allocate(capacity: ChunkEncoder.mostRecords)
        offsets.initialize(repeating: 0, count: ChunkEncoder.mostRecords)
    }

    deinit {
        columns.deallocate()
        all.deallocate()
        places.deallocate()
        block.deallocate()
        spare.deallocate()
        histogram.deallocate()
        offsets.deallocate()
    }

    /// The words at one place of a line, of all records.
    @inline(__always)
    func column(_ index: Int) -> UnsafeMutablePointer<UInt64> { columns + index * Self.stride }
}
