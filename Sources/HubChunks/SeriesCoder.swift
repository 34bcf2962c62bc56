/// A series of numbers as blocks of itself, of its differences, or of the differences of those.
///
/// Stamps of a steady clock have equal differences, so that second differences are near 0 (after Pelkonen et al.,
/// "Gorilla: a fast, scalable, in-memory time series database", VLDB 2015).
struct SeriesCoder {
    static let highestOrder = 2
    /// Blocks that are looked at to weigh one way against another.
    private static let sampledBlocks = 4

    let scratch: Scratch

    static func mostBytes(_ count: Int) -> Int { (count / BlockPlan.most + 1) * BlockCoder.mostBytes }

    /// The order of differences that packs smallest, and about how many bits it takes. Two zeros stand before the series.
    func bestOrder(
        _ series: UnsafePointer<Int64>, count: Int, orders: ClosedRange<Int>
    ) -> (order: Int, bits: Int) {
        var best = (order: orders.lowerBound, bits: Int.max)
        for order in orders {
            let bits = estimate(series, count: count, order: order)
            if bits < best.bits { best = (order, bits) }
        }
        return best
    }

    private func estimate(_ series: UnsafePointer<Int64>, count: Int, order: Int) -> Int {
        let blocks = (count + BlockPlan.most - 1) / BlockPlan.most
        let looked = min(blocks, Self.sampledBlocks)
        var (bits, values) = (0, 0)
        for sample in 0..<looked {
            let start = sample * blocks / looked * BlockPlan.most
            let size = min(BlockPlan.most, count - start)
            difference(series + start, count: size, order: order)
            bits += BlockPlan.best(scratch.block, count: size, histogram: scratch.histogram).bits
            values += size
        }
        return bits * count / values
    }

    func write(_ series: UnsafePointer<Int64>, count: Int, order: Int, into writer: inout ByteWriter) {
        writer.reserve(Self.mostBytes(count))
        var start = 0
        while start < count {
            let size = min(BlockPlan.most, count - start)
            difference(series + start, count: size, order: order)
            let plan = BlockPlan.best(scratch.block, count: size, histogram: scratch.histogram)
            BlockCoder.write(scratch.block, count: size, plan: plan, into: &writer, spare: scratch.spare)
            start += size
        }
    }

    @inline(__always)
    private func difference(_ series: UnsafePointer<Int64>, count: Int, order: Int) {
        let block = scratch.block
        switch order {
        case 0: block.update(from: series, count: count)
        case 1: for index in 0..<count { block[index] = series[index] &- series[index - 1] }
        default:
            for index in 0..<count {
                block[index] = series[index] &- 2 &* series[index - 1] &+ series[index - 2]
            }
        }
    }

    /// Reads what ``write(_:count:order:into:)`` wrote.
    func read(
        _ reader: inout ByteReader, count: Int, order: Int, into series: UnsafeMutablePointer<Int64>
    ) throws(ChunkError) {
        let spare = scratch.spare
        var (last, step): (Int64, Int64) = (0, 0)
        var start = 0
        while start < count {
            let size = min(BlockPlan.most, count - start)
            let block = series + start
            try BlockCoder.read(&reader, count: size, into: block, spare: spare)
            switch order {
            case 0: break
            case 1:
                for index in 0..<size {
                    last &+= block[index]
                    block[index] = last
                }
            default:
                for index in 0..<size {
                    step &+= block[index]
                    last &+= step
                    block[index] = last
                }
            }
            start += size
        }
    }
}
