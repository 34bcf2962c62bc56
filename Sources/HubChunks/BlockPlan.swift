/// How a block of up to 128 numbers is packed best.
///
/// Patched frame of reference (after Zukowski, Héman, Nes, Boncz, "Super-scalar RAM-CPU cache compression", ICDE 2006): all
/// numbers get the same few bits, and the few that need more leave their higher bits behind the block, so one outlier does
/// not widen the others. Numbers are taken as distances from the block's least one, or from 0 to both sides.
struct BlockPlan {
    static let most = 128

    /// Bits a number.
    var width = 0
    /// Numbers of more bits, and how many more the widest has.
    var exceptions = 0
    var exceptionWidth = 0
    /// Distances from `base`; else signed.
    var isOffset = true
    var base: Int64 = 0
    /// What all of it takes.
    var bits = 0

    /// - Parameter histogram: room for 66 counters.
    static func best(
        _ values: UnsafePointer<Int64>, count: Int, histogram: UnsafeMutablePointer<UInt16>
    ) -> BlockPlan {
        var least = values[0]
        var greatest = values[0]
        for index in 1..<max(count, 1) {
            let value = values[index]
            least = value < least ? value : least
            greatest = value > greatest ? value : greatest
        }
        let range = UInt64(bitPattern: greatest &- least)
        var offset = BlockPlan()
        offset.base = least
        let header = 8 + 8 * ByteWriter.variableBytes(least)
        if range == 0 {
            offset.bits = header
            return offset
        }
        clear(histogram)
        for index in 0..<count {
            histogram[64 - UInt64(bitPattern: values[index] &- least).leadingZeroBitCount] &+= 1
        }
        offset.choose(histogram, count: count, widest: 64 - range.leadingZeroBitCount)
        offset.bits += header
        // From 0 to both sides is no better where nothing is below 0, and where the range is narrow nothing is far out.
        guard least < 0, offset.bits > header + count * 2 else { return offset }
        clear(histogram)
        var all: UInt64 = 0
        for index in 0..<count {
            let value = ZigZag.encode(values[index])
            all |= value
            histogram[64 - value.leadingZeroBitCount] &+= 1
        }
        var signed = BlockPlan()
        signed.isOffset = false
        signed.choose(histogram, count: count, widest: 64 - all.leadingZeroBitCount)
        signed.bits += 8
        return signed.bits < offset.bits ? signed : offset
    }

    private static func clear(_ histogram: UnsafeMutablePointer<UInt16>) {
        UnsafeMutableRawPointer(histogram).initializeMemory(as: UInt8.self, repeating: 0, count: 66 * 2)
    }

    /// The width that costs least; `histogram` counts numbers by their bits.
    private mutating func choose(_ histogram: UnsafePointer<UInt16>, count: Int, widest: Int) {
        width = BitPacking.width(bits: widest)
        bits = count * width
        var above = 0
        var candidate = widest - 1
        while candidate >= 0 {
            above += Int(histogram[candidate + 1])
            if candidate <= BitPacking.widest {
                let more = BitPacking.width(bits: widest - candidate)
                let cost = count * candidate + 16 + min(above * 8, Self.most) + above * more
                if cost < bits {
                    bits = cost
                    width = candidate
                    exceptions = above
                    exceptionWidth = more
                }
            }
            candidate -= 1
        }
    }
}
