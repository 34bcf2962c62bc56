#if canImport(Glibc)
    import Glibc
#endif

/// Numbers in a field of a row: from a cursor to the next comma or the line's end, where the cursor is left.
enum NumberParser {
    static let comma = UInt8(ascii: ",")

    /// A whole number; nil = it is none, or too large.
    @inline(__always)
    static func integer(_ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int64? {
        var value: UInt64 = 0
        let start = cursor
        while cursor < end {
            let digit = cursor.pointee &- 48
            guard digit < 10 else { break }
            value = value &* 10 &+ UInt64(digit)
            cursor += 1
        }
        // 18 digits cannot overflow; 19 are in the year 2262 at the latest.
        let digits = cursor - start
        guard digits > 0, digits <= 19, value <= UInt64(Int64.max), cursor == end || cursor.pointee == comma else {
            return nil
        }
        return Int64(value)
    }

    /// A hexadecimal number; an empty field is 0; nil = it is none.
    @inline(__always)
    static func hexadecimal(_ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        let start = cursor
        while cursor < end, cursor.pointee != comma {
            let byte = cursor.pointee
            let digit: UInt8
            switch byte {
            case 48...57: digit = byte - 48
            case 97...102: digit = byte - 87
            case 65...70: digit = byte - 55
            default: return nil
            }
            value = value << 4 | UInt64(digit)
            cursor += 1
        }
        return cursor - start <= 16 ? value : nil
    }

    /// The double nearest to a decimal number; nil = it is none, or not finite.
    ///
    /// Up to 15 digits and 22 places are exact in one division (Clinger, "How to read floating point numbers
    /// accurately", PLDI 1990); what is longer, or has an exponent, goes to `strtod`.
    @inline(__always)
    static func decimal(_ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Double? {
        let start = cursor
        let isNegative = cursor < end && cursor.pointee == UInt8(ascii: "-")
        if isNegative { cursor += 1 }
        var mantissa: UInt64 = 0
        let firstDigit = cursor
        while cursor < end {
            let digit = cursor.pointee &- 48
            guard digit < 10 else { break }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            cursor += 1
        }
        var digits = cursor - firstDigit
        var places = 0
        if cursor < end, cursor.pointee == UInt8(ascii: ".") {
            cursor += 1
            let firstPlace = cursor
            while cursor < end {
                let digit = cursor.pointee &- 48
                guard digit < 10 else { break }
                mantissa = mantissa &* 10 &+ UInt64(digit)
                cursor += 1
            }
            places = cursor - firstPlace
            digits += places
        }
        if digits > 0, digits <= 15, cursor == end || cursor.pointee == comma {
            let value = places == 0 ? Double(mantissa) : Double(mantissa) / powers[places]
            // Minus zero is zero in a record.
            return isNegative && mantissa != 0 ? -value : value
        }
        return slow(start, &cursor, end)
    }

    private nonisolated(unsafe) static let powers: UnsafeMutablePointer<Double> = {
        let powers = UnsafeMutablePointer<Double>.allocate(capacity: 16)
        var power = 1.0
        for index in 0..<16 {
            powers[index] = power
            power *= 10
        }
        return powers
    }()

    @inline(never)
    private static func slow(
        _ start: UnsafePointer<UInt8>, _ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
    ) -> Double? {
        while cursor < end, cursor.pointee != comma { cursor += 1 }
        let length = cursor - start
        guard length > 0, length < 64 else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { copy in
            for index in 0..<length {
                let byte = start[index]
                // strtod knows hexadecimal numbers, infinities and blanks too; a file of prices must not.
                guard (48...57).contains(byte) || byte == 43 || byte == 45 || byte == 46 || byte | 32 == 101 else {
                    return nil
                }
                copy[index] = CChar(bitPattern: byte)
            }
            copy[length] = 0
            var rest: UnsafeMutablePointer<CChar>?
            let value = strtod(copy.baseAddress.unsafelyUnwrapped, &rest)
            guard rest == copy.baseAddress.unsafelyUnwrapped + length, value.isFinite else { return nil }
            return value == 0 ? 0 : value
        }
    }
}
