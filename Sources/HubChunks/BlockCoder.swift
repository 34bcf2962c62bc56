/// Blocks of packed numbers, as bytes: a header (the low six bits the width, 57 standing for 64; then a bit each for a base
/// and for exceptions), the base, the numbers, and of the exceptions their count, width, places and higher bits. The places
/// are bytes, or a bit a number if there are more than 16.
enum BlockCoder {
    private static let widthOf64: UInt8 = 57
    private static let hasBase: UInt8 = 1 << 6
    private static let hasExceptions: UInt8 = 1 << 7
    private static let listedExceptions = 16
    /// No block is longer.
    static let mostBytes = 2 * BlockPlan.most * 8 + 64

    /// Writes a block. `values` is changed; `spare` has room for a block.
    static func write(
        _ values: UnsafeMutablePointer<Int64>, count: Int, plan: BlockPlan, into writer: inout ByteWriter,
        spare: UnsafeMutablePointer<UInt64>
    ) {
        var header = plan.width == 64 ? widthOf64 : UInt8(plan.width)
        if plan.isOffset { header |= hasBase }
        if plan.exceptions > 0 { header |= hasExceptions }
        writer.put(header)
        let numbers = UnsafeMutableRawPointer(values).assumingMemoryBound(to: UInt64.self)
        if plan.isOffset {
            writer.putVariable(plan.base)
            for index in 0..<count { values[index] = values[index] &- plan.base }
        } else {
            for index in 0..<count { numbers[index] = ZigZag.encode(values[index]) }
        }
        BitPacking.pack(numbers, count: count, width: plan.width, into: writer.memory + writer.count)
        writer.count += BitPacking.bytes(count, width: plan.width)
        if plan.exceptions > 0 { writeExceptions(numbers, count, plan, &writer, spare) }
    }

    private static func writeExceptions(
        _ numbers: UnsafePointer<UInt64>, _ count: Int, _ plan: BlockPlan, _ writer: inout ByteWriter,
        _ spare: UnsafeMutablePointer<UInt64>
    ) {
        writer.put(UInt8(plan.exceptions))
        writer.put(UInt8(plan.exceptionWidth))
        let shift = UInt64(plan.width)
        let isListed = plan.exceptions <= listedExceptions
        var map: (UInt64, UInt64) = (0, 0)
        var found = 0
        for index in 0..<count {
            let high = numbers[index] &>> shift
            guard high != 0 else { continue }
            spare[found] = high
            found += 1
            if isListed {
                writer.put(UInt8(index))
            } else if index < 64 {
                map.0 |= 1 &<< UInt64(index)
            } else {
                map.1 |= 1 &<< UInt64(index - 64)
            }
        }
        if !isListed {
            writer.put(map.0)
            writer.put(map.1)
        }
        BitPacking.pack(spare, count: found, width: plan.exceptionWidth, into: writer.memory + writer.count)
        writer.count += BitPacking.bytes(found, width: plan.exceptionWidth)
    }

    /// Reads a block; `spare` has room for one.
    @inline(__always)
    static func read(
        _ reader: inout ByteReader, count: Int, into values: UnsafeMutablePointer<Int64>,
        spare: UnsafeMutablePointer<UInt64>
    ) throws(ChunkError) {
        let header = try reader.number(UInt8.self)
        let code = header & 63
        guard code <= widthOf64 else { throw ChunkError("a block's width is 0 to 56 or 64 bits, found code \(code)") }
        let width = code == widthOf64 ? 64 : Int(code)
        let base = header & hasBase != 0 ? try reader.signedVariable() : 0
        let numbers = UnsafeMutableRawPointer(values).assumingMemoryBound(to: UInt64.self)
        let packed = try reader.take(BitPacking.bytes(count, width: width))
        BitPacking.unpack(packed, count: count, width: width, into: numbers)
        if header & hasExceptions != 0 { try readExceptions(&reader, numbers, count, width, spare) }
        if header & hasBase == 0 {
            for index in 0..<count { values[index] = ZigZag.decode(numbers[index]) }
        } else if base != 0 {
            for index in 0..<count { values[index] &+= base }
        }
    }

    private static func readExceptions(
        _ reader: inout ByteReader, _ numbers: UnsafeMutablePointer<UInt64>, _ count: Int, _ width: Int,
        _ spare: UnsafeMutablePointer<UInt64>
    ) throws(ChunkError) {
        let exceptions = Int(try reader.number(UInt8.self))
        let wide = Int(try reader.number(UInt8.self))
        guard exceptions <= count, wide <= BitPacking.widest || wide == 64, width <= BitPacking.widest else {
            throw ChunkError(
                "a block of \(count) numbers of \(width) bits has \(exceptions) exceptions of \(wide) bits")
        }
        let isListed = exceptions <= listedExceptions
        let places = try reader.take(isListed ? exceptions : 16)
        BitPacking.unpack(
            try reader.take(BitPacking.bytes(exceptions, width: wide)), count: exceptions, width: wide, into: spare)
        let shift = UInt64(width)
        if isListed {
            for index in 0..<exceptions {
                let place = Int(places.load(fromByteOffset: index, as: UInt8.self))
                guard place < count else { throw misplaced(place, count) }
                numbers[place] |= spare[index] &<< shift
            }
            return
        }
        var index = 0
        for half in 0..<2 {
            var map = UInt64(littleEndian: places.loadUnaligned(fromByteOffset: half * 8, as: UInt64.self))
            while map != 0 {
                let place = half * 64 + map.trailingZeroBitCount
                map &= map &- 1
                guard place < count, index < exceptions else { throw misplaced(place, count) }
                numbers[place] |= spare[index] &<< shift
                index += 1
            }
        }
        guard index == exceptions else {
            throw ChunkError("a block has \(exceptions) exceptions, but places for \(index)")
        }
    }

    @inline(never)
    private static func misplaced(_ place: Int, _ count: Int) -> ChunkError {
        ChunkError("a block of \(count) numbers has an exception too many, or at place \(place)")
    }
}
