/// Integers as decimal digits, written straight into memory.
public enum IntegerText {
    /// Writes at most 20 bytes at `out` and answers how many.
    @inline(__always)
    public static func write(_ number: Int64, to out: UnsafeMutablePointer<UInt8>) -> Int {
        if number < 0 {
            out[0] = UInt8(ascii: "-")
            return 1 &+ write(number.magnitude, to: out + 1)
        }
        return write(UInt64(bitPattern: number), to: out)
    }

    /// Writes at most 20 bytes at `out` and answers how many.
    public static func write(_ number: UInt64, to out: UnsafeMutablePointer<UInt8>) -> Int {
        if number < 100_000_000 { return writeUpToEight(UInt32(truncatingIfNeeded: number), to: out) }
        let high = number / 100_000_000
        let low = UInt32(truncatingIfNeeded: number &- high &* 100_000_000)
        // Times have 16 digits: two groups of eight without another division by a variable length.
        let length: Int
        if high < 100_000_000 {
            length = writeUpToEight(UInt32(truncatingIfNeeded: high), to: out)
        } else {
            let top = high / 100_000_000
            length = writeUpToEight(UInt32(truncatingIfNeeded: top), to: out)
            writeEight(UInt32(truncatingIfNeeded: high &- top &* 100_000_000), to: out + length)
            writeEight(low, to: out + length + 8)
            return length &+ 16
        }
        writeEight(low, to: out + length)
        return length &+ 8
    }

    /// Number of decimal digits; 1 for zero.
    @inline(__always)
    static func digitCount(_ number: UInt64) -> Int {
        var count = 1
        var rest = number
        while rest >= 10_000 {
            rest /= 10_000
            count &+= 4
        }
        if rest >= 1000 { return count &+ 3 }
        if rest >= 100 { return count &+ 2 }
        return rest >= 10 ? count &+ 1 : count
    }

    /// Exactly eight digits, with leading zeros; `number` is below 10^8.
    @inline(__always)
    static func writeEight(_ number: UInt32, to out: UnsafeMutablePointer<UInt8>) {
        // Splits into digits in parallel: four-digit halves, then pairs, then single digits, each in its own lane of
        // a word.
        let high = number / 10_000
        let low = number &- high &* 10_000
        let halves = UInt64(high) | UInt64(low) << 32
        let hundreds = ((halves &* 10_486) >> 20) & 0x0000_007F_0000_007F
        let pairs = ((halves &- hundreds &* 100) << 16) | hundreds
        let tens = ((pairs &* 103) >> 10) & 0x000F_000F_000F_000F
        let digits = ((pairs &- tens &* 10) << 8) | tens
        UnsafeMutableRawPointer(out).storeBytes(
            of: (digits | 0x3030_3030_3030_3030).littleEndian, as: UInt64.self)
    }

    /// One to eight digits without leading zeros; `number` is below 10^8.
    @inline(__always)
    private static func writeUpToEight(_ number: UInt32, to out: UnsafeMutablePointer<UInt8>) -> Int {
        if number < 10 {
            out[0] = UInt8(truncatingIfNeeded: number) &+ UInt8(ascii: "0")
            return 1
        }
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) {
            if let base = $0.baseAddress { writeEight(number, to: base.assumingMemoryBound(to: UInt8.self)) }
        }
        word = UInt64(littleEndian: word)
        let leadingZeros = (word & 0x0F0F_0F0F_0F0F_0F0F).trailingZeroBitCount / 8
        word >>= UInt64(leadingZeros * 8)
        let length = 8 - leadingZeros
        for index in 0..<length {
            out[index] = UInt8(truncatingIfNeeded: word)
            word >>= 8
        }
        return length
    }

    /// Exactly `width` digits with leading zeros.
    @inline(__always)
    static func writePadded(_ number: Int64, width: Int, to out: UnsafeMutablePointer<UInt8>) {
        var rest = UInt64(number.magnitude)
        var at = width
        while at > 0 {
            at &-= 1
            out[at] = UInt8(truncatingIfNeeded: rest % 10) &+ UInt8(ascii: "0")
            rest /= 10
        }
    }
}
