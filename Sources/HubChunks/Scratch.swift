internal import Glibc

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
        columns = Self.zeros(Self.stride * Self.columnsInLine)
        all = Self.zeros(Self.stride * 2)
        series = all + 2
        otherSeries = all + Self.stride + 2
        places = Self.zeros(ChunkEncoder.mostRecords)
        block = Self.zeros(BlockPlan.most)
        spare = Self.zeros(BlockPlan.most)
        histogram = Self.zeros(66)
        offsets = Self.zeros(ChunkEncoder.mostRecords)
    }

    deinit {
        free(columns)
        free(all)
        free(places)
        free(block)
        free(spare)
        free(histogram)
        free(offsets)
    }

    /// Large pieces come from the kernel as zeros, and those that are never touched cost nothing: a decoder that reads one
    /// small chunk does not pay for the greatest.
    private static func zeros<T: FixedWidthInteger>(_ count: Int) -> UnsafeMutablePointer<T> {
        calloc(count, MemoryLayout<T>.stride)!.assumingMemoryBound(to: T.self)
    }

    /// The words at one place of a line, of all records.
    @inline(__always)
    func column(_ index: Int) -> UnsafeMutablePointer<UInt64> { columns + index * Self.stride }
}
