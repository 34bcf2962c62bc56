/// Unsigned numbers of 0 to 56 or of 64 bits, one behind the other, the first in the lowest bits.
///
/// 57 to 63 bits are not used: so every number lies within the eight bytes from the one its first bit is in, and one
/// unaligned load gets it.
enum BitPacking {
    static let widest = 56

    /// The least width that is used for numbers of so many bits.
    @inline(__always)
    static func width(bits: Int) -> Int { bits > widest ? 64 : bits }

    @inline(__always)
    static func mask(_ width: Int) -> UInt64 { width >= 64 ? ~0 : (1 &<< UInt64(width)) &- 1 }

    @inline(__always)
    static func bytes(_ count: Int, width: Int) -> Int { (count * width + 7) >> 3 }

    /// Higher bits of the numbers than `width` are left off. Up to 8 bytes behind the last are overwritten.
    static func pack(
        _ values: UnsafePointer<UInt64>, count: Int, width: Int, into target: UnsafeMutableRawPointer
    ) {
        guard width > 0 else { return }
        if width == 64 {
            target.copyMemory(from: values, byteCount: count * 8)
            return
        }
        let mask = mask(width)
        let step = UInt64(width)
        var target = target
        var bits: UInt64 = 0
        var filled: UInt64 = 0
        for index in 0..<count {
            bits |= (values[index] & mask) &<< filled
            filled &+= step
            target.storeBytes(of: bits.littleEndian, as: UInt64.self)
            target += Int(filled &>> 3)
            bits = bits &>> (filled & ~7)
            filled &= 7
        }
        target.storeBytes(of: bits.littleEndian, as: UInt64.self)
    }

    /// Up to 8 bytes behind the last number are read.
    @inline(__always)
    static func unpack(
        _ source: UnsafeRawPointer, count: Int, width: Int, into values: UnsafeMutablePointer<UInt64>
    ) {
        if width == 64 {
            UnsafeMutableRawPointer(values).copyMemory(from: source, byteCount: count * 8)
            return
        }
        let mask = mask(width)
        var bit = 0
        for index in 0..<count {
            let word = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt64.self))
            values[index] = (word &>> UInt64(bit & 7)) & mask
            bit &+= width
        }
    }
}
