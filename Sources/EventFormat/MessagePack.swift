#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// JSON that the hub wrote, as MessagePack: the same objects with the same keys in the same order, in the shortest form
/// that MessagePack has for each value.
///
/// There is one definition of what an object looks like, the JSON one; this is another way to write it down. A number
/// without point or exponent becomes an integer, every other a 64-bit float: the very double that was printed, since
/// the hub prints decimals that read back to it.
///
/// Only for the hub's own JSON: it is not checked, and nothing but memory outside of it is guarded.
public enum MessagePack {
    /// Appends JSON values, one behind the other with commas between them or a single one, as MessagePack values.
    public static func append(json: UnsafeRawBufferPointer, to buffer: inout TextBuffer) {
        guard let base = json.baseAddress, json.count > 0 else { return }
        // The worst is a number such as `1.5`, three bytes that become nine.
        buffer.withRoom(json.count * 3 + 16) { out in
            var writer = MessagePackWriter(
                at: base.assumingMemoryBound(to: UInt8.self),
                end: base.assumingMemoryBound(to: UInt8.self) + json.count,
                out: out)
            while writer.at < writer.end {
                writer.value()
                if writer.at < writer.end, writer.at.pointee == UInt8(ascii: ",") { writer.at += 1 }
            }
            return writer.out - out
        }
    }

    /// Longest header of an array.
    public static let maximumHeader = 5

    /// The header of an array, right-aligned in five bytes; answers how many of them it takes.
    public static func arrayHeader(count: Int, endingAt end: UnsafeMutablePointer<UInt8>) -> Int {
        switch count {
        case 0..<16:
            end[-1] = 0x90 | UInt8(count)
            return 1
        case 16..<65536:
            end[-3] = 0xDC
            end[-2] = UInt8(count >> 8)
            end[-1] = UInt8(count & 0xFF)
            return 3
        default:
            end[-5] = 0xDD
            for index in 0..<4 { end[index - 4] = UInt8(truncatingIfNeeded: count >> (24 - 8 * index)) }
            return 5
        }
    }
}

/// Walks over JSON text and writes what it finds.
private struct MessagePackWriter {
    var at: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    var out: UnsafeMutablePointer<UInt8>

    mutating func value() {
        switch at.pointee {
        case UInt8(ascii: "{"): container(UInt8(ascii: "}"), short: 0x80, long: 0xDE)
        case UInt8(ascii: "["): container(UInt8(ascii: "]"), short: 0x90, long: 0xDC)
        case UInt8(ascii: "\""): text()
        case UInt8(ascii: "t"):
            put(0xC3)
            at += 4
        case UInt8(ascii: "f"):
            put(0xC2)
            at += 5
        case UInt8(ascii: "n"):
            put(0xC0)
            at += 4
        default: number()
        }
    }

    /// A map or an array. How many it has is known behind it: most have fewer than sixteen, and the others move.
    private mutating func container(_ closing: UInt8, short: UInt8, long: UInt8) {
        at += 1
        let header = out
        out += 1
        var count = 0
        let isMap = closing == UInt8(ascii: "}")
        while at < end, at.pointee != closing {
            if at.pointee == UInt8(ascii: ",") { at += 1 }
            if isMap {
                text()
                at += 1
            }
            value()
            count &+= 1
        }
        at += 1
        if count < 16 {
            header.pointee = short | UInt8(count)
        } else if count < 65536 {
            widen(header, by: 2)
            header[0] = long
            header[1] = UInt8(count >> 8)
            header[2] = UInt8(count & 0xFF)
        } else {
            widen(header, by: 4)
            header[0] = long + 1
            store(UInt32(truncatingIfNeeded: count), at: header + 1)
        }
    }

    /// Moves what stands behind a header of one byte.
    private mutating func widen(_ header: UnsafeMutablePointer<UInt8>, by bytes: Int) {
        memmove(header + 1 + bytes, header + 1, out - header - 1)
        out += bytes
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        out.pointee = byte
        out += 1
    }

    @inline(__always)
    private func store<Number: FixedWidthInteger>(_ number: Number, at place: UnsafeMutablePointer<UInt8>) {
        UnsafeMutableRawPointer(place).storeBytes(of: number.bigEndian, as: Number.self)
    }

    @inline(__always)
    private mutating func put<Number: FixedWidthInteger>(_ tag: UInt8, _ number: Number) {
        out.pointee = tag
        store(number, at: out + 1)
        out += 1 + MemoryLayout<Number>.size
    }

    // MARK: Text

    /// Copies up to the quote in words of eight bytes, in the hope that there is no escape and that it is short.
    private mutating func text() {
        at += 1
        let start = out
        out += 1
        while at + 8 <= end {
            let word = UnsafeRawPointer(at).loadUnaligned(as: UInt64.self).littleEndian
            let special = Self.zeroBytes(word ^ 0x2222_2222_2222_2222) | Self.zeroBytes(word ^ 0x5C5C_5C5C_5C5C_5C5C)
            UnsafeMutableRawPointer(out).storeBytes(of: word.littleEndian, as: UInt64.self)
            if special == 0 {
                at += 8
                out += 8
                continue
            }
            let length = special.trailingZeroBitCount / 8
            at += length
            out += length
            if at.pointee == UInt8(ascii: "\"") {
                at += 1
                return close(start)
            }
            unescape()
        }
        while at < end, at.pointee != UInt8(ascii: "\"") {
            if at.pointee == UInt8(ascii: "\\") {
                unescape()
            } else {
                put(at.pointee)
                at += 1
            }
        }
        at += 1
        close(start)
    }

    /// The high bit of each byte that is zero; exact for the lowest one, which is all that is looked at.
    @inline(__always)
    private static func zeroBytes(_ word: UInt64) -> UInt64 {
        (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
    }

    /// Writes the header of a text in front of its bytes, which begin one byte behind `start`.
    @inline(__always)
    private mutating func close(_ start: UnsafeMutablePointer<UInt8>) {
        let length = out - start - 1
        if length < 32 {
            start.pointee = 0xA0 | UInt8(length)
        } else if length < 256 {
            widen(start, by: 1)
            start[0] = 0xD9
            start[1] = UInt8(length)
        } else if length < 65536 {
            widen(start, by: 2)
            start[0] = 0xDA
            store(UInt16(length), at: start + 1)
        } else {
            widen(start, by: 4)
            start[0] = 0xDB
            store(UInt32(truncatingIfNeeded: length), at: start + 1)
        }
    }

    @inline(never)
    private mutating func unescape() {
        let escaped = at[1]
        at += 2
        switch escaped {
        case UInt8(ascii: "b"): put(0x08)
        case UInt8(ascii: "t"): put(0x09)
        case UInt8(ascii: "n"): put(0x0A)
        case UInt8(ascii: "f"): put(0x0C)
        case UInt8(ascii: "r"): put(0x0D)
        case UInt8(ascii: "u"):
            // The hub escapes control characters only.
            var code: UInt8 = 0
            for index in 0..<4 {
                let digit = at[index]
                code = code << 4 | (digit < 0x3A ? digit & 15 : digit & 15 + 9)
            }
            at += 4
            put(code)
        default: put(escaped)
        }
    }

    // MARK: Numbers

    private mutating func number() {
        let start = at
        let isNegative = at.pointee == UInt8(ascii: "-")
        if isNegative { at += 1 }
        var digits: UInt64 = 0
        var count = 0
        var places = 0
        while at < end, at.pointee &- 0x30 < 10 {
            digits = digits &* 10 &+ UInt64(at.pointee &- 0x30)
            count &+= 1
            at += 1
        }
        if at == end || (at.pointee != UInt8(ascii: ".") && at.pointee | 0x20 != UInt8(ascii: "e")) {
            // Nineteen digits always fit.
            if count <= 19, !isNegative || digits <= 1 << 63 {
                return isNegative ? put(negative: digits) : put(positive: digits)
            }
            return put(double: slowDouble(start))
        }
        if at.pointee == UInt8(ascii: ".") {
            at += 1
            let point = at
            while at < end, at.pointee &- 0x30 < 10 {
                digits = digits &* 10 &+ UInt64(at.pointee &- 0x30)
                at += 1
            }
            places = at - point
        }
        let hasExponent = at < end && at.pointee | 0x20 == UInt8(ascii: "e")
        if hasExponent {
            while at < end, at.pointee != UInt8(ascii: ","), at.pointee != UInt8(ascii: "}"),
                at.pointee != UInt8(ascii: "]")
            {
                at += 1
            }
        }
        // A whole number below 2^53 divided by a power of ten that is exact in a double is correctly rounded.
        guard !hasExponent, count &+ places <= 19, digits < 1 << 53, places <= 22 else {
            return put(double: slowDouble(start))
        }
        let magnitude = Double(digits) / Self.powerOfTen(places)
        put(double: isNegative ? -magnitude : magnitude)
    }

    @inline(__always)
    private static func powerOfTen(_ exponent: Int) -> Double {
        exponent <= 9
            ? NumberText.powerOfTen(exponent)
            : exponent <= 18
                ? 1e9 * NumberText.powerOfTen(exponent - 9) : 1e18 * NumberText.powerOfTen(exponent - 18)
    }

    @inline(never)
    private func slowDouble(_ start: UnsafePointer<UInt8>) -> Double {
        Double(String(decoding: UnsafeBufferPointer(start: start, count: at - start), as: UTF8.self)) ?? .nan
    }

    @inline(__always)
    private mutating func put(double: Double) {
        put(0xCB, double.bitPattern)
    }

    @inline(__always)
    private mutating func put(positive number: UInt64) {
        if number < 128 {
            put(UInt8(number))
        } else if number < 256 {
            put(0xCC, UInt8(number))
        } else if number < 65536 {
            put(0xCD, UInt16(number))
        } else if number < 1 << 32 {
            put(0xCE, UInt32(number))
        } else {
            put(0xCF, number)
        }
    }

    private mutating func put(negative magnitude: UInt64) {
        let number = Int64(truncatingIfNeeded: 0 &- magnitude)
        if number >= -32 {
            put(UInt8(bitPattern: Int8(number)))
        } else if number >= -128 {
            put(0xD0, Int8(number))
        } else if number >= -32768 {
            put(0xD1, Int16(number))
        } else if number >= -2_147_483_648 {
            put(0xD2, Int32(number))
        } else {
            put(0xD3, number)
        }
    }
}

extension TextBuffer {
    /// Appends bytes that will be known later.
    public mutating func appendPlaceholder(_ count: Int) {
        withRoom(count) { out in
            for index in 0..<count { out[index] = 0 }
            return count
        }
    }

    /// Writes over bytes that are there.
    public mutating func overwrite(_ range: Range<Int>, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "outside of the text")
        body(base + range.lowerBound)
    }
}
