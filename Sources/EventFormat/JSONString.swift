/// Strings as JSON has them.
///
/// `"` and `\` are escaped, control characters below U+0020 too (the short forms where there are any, else `\u00XX`);
/// everything else stays as it is. Bytes that are not UTF-8 become U+FFFD, one for each maximal part of a sequence
/// (Unicode 16, section 3.9).
enum JSONString {
    /// Writes at most 6 bytes for each one, and two quotes; answers how many.
    static func write(_ bytes: UnsafeRawBufferPointer, to out: UnsafeMutablePointer<UInt8>) -> Int {
        out[0] = UInt8(ascii: "\"")
        var at = 1
        var index = 0
        let count = bytes.count
        while index < count {
            let byte = bytes[index]
            if byte < 0x80 {
                if byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
                    out[at] = byte
                    at &+= 1
                } else {
                    at &+= writeEscape(byte, to: out + at)
                }
                index &+= 1
                continue
            }
            let length = sequenceLength(bytes, at: index)
            if length > 0 {
                for offset in 0..<length { out[at &+ offset] = bytes[index &+ offset] }
                at &+= length
                index &+= length
            } else {
                out[at] = 0xEF
                out[at &+ 1] = 0xBF
                out[at &+ 2] = 0xBD
                at &+= 3
                index &-= length
            }
        }
        out[at] = UInt8(ascii: "\"")
        return at &+ 1
    }

    private static func writeEscape(_ byte: UInt8, to out: UnsafeMutablePointer<UInt8>) -> Int {
        out[0] = UInt8(ascii: "\\")
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): out[1] = byte
        case 0x08: out[1] = UInt8(ascii: "b")
        case 0x09: out[1] = UInt8(ascii: "t")
        case 0x0A: out[1] = UInt8(ascii: "n")
        case 0x0C: out[1] = UInt8(ascii: "f")
        case 0x0D: out[1] = UInt8(ascii: "r")
        default:
            out[1] = UInt8(ascii: "u")
            out[2] = UInt8(ascii: "0")
            out[3] = UInt8(ascii: "0")
            out[4] = HexDigits.lower(byte >> 4)
            out[5] = HexDigits.lower(byte & 15)
            return 6
        }
        return 2
    }

    /// Length of the well-formed sequence that begins at `index` with a byte of 0x80 or more; else minus the number
    /// of bytes that one replacement character stands for. The ranges are those of Unicode's table 3-7.
    private static func sequenceLength(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Int {
        let lead = bytes[index]
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0:
            length = 3
            low = 0xA0
        case 0xE1...0xEC, 0xEE...0xEF: length = 3
        case 0xED:
            length = 3
            high = 0x9F
        case 0xF0:
            length = 4
            low = 0x90
        case 0xF1...0xF3: length = 4
        case 0xF4:
            length = 4
            high = 0x8F
        default: return -1
        }
        var taken = 1
        while taken < length {
            guard index + taken < bytes.count else { return -taken }
            let byte = bytes[index + taken]
            guard byte >= low && byte <= high else { return -taken }
            low = 0x80
            high = 0xBF
            taken += 1
        }
        return length
    }
}
