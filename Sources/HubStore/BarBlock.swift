/// A run of bars of one series as bytes, column by column, exact to the last bit.
///
/// Layout, little-endian: version (1 byte), number of bars (4), then the eleven columns of `StoredBar`. A column of whole
/// numbers is a width (0, 1, 2, 4 or 8 bytes), a base and a step (8 bytes each), and for each bar how many steps it lies
/// above the base. A column of doubles is a kind: 255 = the bits as whole numbers; else decimal places, and the numbers times
/// that power of ten as whole numbers, chosen only where the division gives the very same double again.
enum BarBlock {
    private static let version: UInt8 = 1
    private static let bitsOfDoubles: UInt8 = 255
    private static let powers: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

    /// - Parameter bars: oldest first; at most some thousands.
    static func encode(_ bars: UnsafeBufferPointer<StoredBar>) -> [UInt8] {
        var bytes: [UInt8] = [version]
        bytes.reserveCapacity(bars.count * 40 + 256)
        append(UInt32(bars.count), to: &bytes)
        let raw = UnsafeRawBufferPointer(bars)
        var numbers = [Int64](repeating: 0, count: bars.count)
        for column in StoredBar.columns {
            for index in 0..<bars.count {
                numbers[index] = raw.load(fromByteOffset: index * StoredBar.bytes + column.offset, as: Int64.self)
            }
            if column.isDouble {
                if let places = places(of: numbers) {
                    bytes.append(UInt8(places))
                    for index in 0..<bars.count {
                        let value = Double(bitPattern: UInt64(bitPattern: numbers[index]))
                        numbers[index] = Int64((value * powers[places]).rounded())
                    }
                } else {
                    bytes.append(bitsOfDoubles)
                }
            }
            encode(numbers, to: &bytes)
        }
        return bytes
    }

    /// The fewest decimal places with which all numbers are whole multiples, exactly; `nil` if there are none.
    private static func places(of bits: [Int64]) -> Int? {
        var places = 0
        for bits in bits {
            let value = Double(bitPattern: UInt64(bitPattern: bits))
            while true {
                let scaled = (value * powers[places]).rounded()
                // −0 is not 0, and NaN is not itself: both go the way of their bits.
                if scaled.magnitude < 1e15,
                    UInt64(bitPattern: bits) == (Double(Int64(scaled)) / powers[places]).bitPattern
                {
                    break
                }
                places += 1
                if places == powers.count { return nil }
            }
        }
        return places
    }

    private static func encode(_ numbers: [Int64], to bytes: inout [UInt8]) {
        let base = numbers.min() ?? 0
        var step: UInt64 = 0
        var greatest: UInt64 = 0
        for number in numbers {
            // The distance of any two numbers of 64 bits fits into 64 bits without a sign.
            let distance = UInt64(bitPattern: number &- base)
            greatest = max(greatest, distance)
            if step != 1 { step = commonDivisor(step, distance) }
        }
        step = max(step, 1)
        let most = greatest / step
        let width: Int =
            most == 0 ? 0 : most <= 0xff ? 1 : most <= 0xffff ? 2 : most <= 0xffff_ffff ? 4 : 8
        bytes.append(UInt8(width))
        append(UInt64(bitPattern: base), to: &bytes)
        append(step, to: &bytes)
        guard width > 0 else { return }
        for number in numbers {
            let steps = UInt64(bitPattern: number &- base) / step
            switch width {
            case 1: bytes.append(UInt8(steps))
            case 2: append(UInt16(steps), to: &bytes)
            case 4: append(UInt32(steps), to: &bytes)
            default: append(steps, to: &bytes)
            }
        }
    }

    private static func commonDivisor(_ left: UInt64, _ right: UInt64) -> UInt64 {
        var (left, right) = (left, right)
        while right != 0 { (left, right) = (right, left % right) }
        return left
    }

    private static func append<Number: FixedWidthInteger>(_ number: Number, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    // MARK: Reading

    /// Number of bars in a block; `nil` for bytes that are none.
    static func count(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 5, bytes[0] == version else { return nil }
        return Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
    }

    /// Puts the bars of a block into `bars`, which has room for them.
    ///
    /// - Returns: false for bytes that are no whole block.
    static func decode(_ bytes: UnsafeRawBufferPointer, into bars: UnsafeMutableBufferPointer<StoredBar>) -> Bool {
        guard let count = count(bytes), count <= bars.count, let base = bars.baseAddress else { return false }
        let out = UnsafeMutableRawPointer(base)
        var at = 5
        for column in StoredBar.columns {
            var kind = bitsOfDoubles
            if column.isDouble {
                guard at < bytes.count else { return false }
                kind = bytes[at]
                at += 1
                guard kind == bitsOfDoubles || kind < powers.count else { return false }
            }
            guard at + 17 <= bytes.count else { return false }
            let width = Int(bytes[at])
            let first = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 1, as: Int64.self))
            let step = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 9, as: Int64.self))
            at += 17
            guard at + width * count <= bytes.count else { return false }
            let source = UnsafeRawBufferPointer(rebasing: bytes[at..<(at + width * count)])
            at += width * count
            let target = out + column.offset
            if kind == bitsOfDoubles {
                guard spread(source, width, count, { put(first &+ Int64(bitPattern: $1) &* step, $0, target) }) else {
                    return false
                }
            } else {
                let scale = powers[Int(kind)]
                let whole = spread(source, width, count) {
                    put(Double(first &+ Int64(bitPattern: $1) &* step) / scale, $0, target)
                }
                guard whole else { return false }
            }
        }
        return true
    }

    @inline(__always)
    private static func put<Value>(_ value: Value, _ index: Int, _ target: UnsafeMutableRawPointer) {
        (target + index * StoredBar.bytes).storeBytes(of: value, as: Value.self)
    }

    /// Calls `body` with each number of a column, whatever its width.
    @inline(__always)
    private static func spread(
        _ source: UnsafeRawBufferPointer, _ width: Int, _ count: Int, _ body: (Int, UInt64) -> Void
    ) -> Bool {
        switch width {
        case 0: for index in 0..<count { body(index, 0) }
        case 1: for index in 0..<count { body(index, UInt64(source[index])) }
        case 2: for index in 0..<count { body(index, UInt64(number(source, index, as: UInt16.self))) }
        case 4: for index in 0..<count { body(index, UInt64(number(source, index, as: UInt32.self))) }
        case 8: for index in 0..<count { body(index, number(source, index, as: UInt64.self)) }
        default: return false
        }
        return true
    }

    @inline(__always)
    private static func number<Number: FixedWidthInteger>(
        _ source: UnsafeRawBufferPointer, _ index: Int, as type: Number.Type
    ) -> Number {
        Number(
            littleEndian: source.loadUnaligned(fromByteOffset: index * MemoryLayout<Number>.size, as: Number.self))
    }
}
