#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension JSONReader {
    /// The double nearest to a number.
    @inlinable @inline(__always)
    public mutating func number() throws(JSONError) -> Double {
        skipBlanks()
        guard at < end else { throw JSONError(.truncated, offset: offset) }
        guard at.pointee &- 48 < 10 || at.pointee == UInt8(ascii: "-") else {
            throw JSONError(.otherKind(expected: .number), offset: offset)
        }
        let first = at
        guard let number = DecimalText.number(&at, end) else {
            at = first
            return try slowNumber()
        }
        return number
    }

    /// A number, also one that comes as text; NaN for `null`, `""`, `"NaN"` and everything else that is no number.
    @inlinable @inline(__always)
    public mutating func numberOrNaN() throws(JSONError) -> Double {
        switch try kind() {
        case .number: return try number()
        case .text: return DecimalText.number(try text())
        default:
            try skip()
            return .nan
        }
    }

    /// A whole number, also one that comes as text or with a fraction of zero; `nil` for everything else.
    @inlinable
    public mutating func integerIfAny() throws(JSONError) -> Int64? { Int64(exactly: try numberOrNaN()) }

    /// `true` and `false`, also as text; `nil` for everything else.
    public mutating func flagIfAny() throws(JSONError) -> Bool? {
        switch try kind() {
        case .flag: return try flag()
        case .text:
            let text = try text()
            return text == "true" ? true : text == "false" ? false : nil
        default:
            try skip()
            return nil
        }
    }

    mutating func skipNumber() throws(JSONError) {
        if at.pointee == UInt8(ascii: "-") { at += 1 }
        guard at < end else { throw JSONError(.truncated, offset: offset) }
        if at.pointee == UInt8(ascii: "0") { at += 1 } else { try digits() }
        if at < end, at.pointee == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if at < end, at.pointee | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < end, at.pointee == UInt8(ascii: "+") || at.pointee == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
    }

    private mutating func digits() throws(JSONError) {
        guard at < end else { throw JSONError(.truncated, offset: offset) }
        guard at.pointee &- 48 < 10 else { throw JSONError(.badNumber, offset: offset) }
        while at < end, at.pointee &- 48 < 10 { at += 1 }
    }

    @usableFromInline
    @inline(never)
    mutating func slowNumber() throws(JSONError) -> Double {
        let first = at
        try skipNumber()
        let value = DecimalText.nearest(first, at - first)
        guard value.isFinite else { throw JSONError(.badNumber, offset: first - start) }
        return value
    }
}

/// Decimal numbers as JSON writes them.
public enum DecimalText {
    /// The double nearest to the number that stands here, where one multiplication or division is exact (Clinger, "How
    /// to read floating point numbers accurately", PLDI 1990): a mantissa of 53 bits and a power up to 10²². `nil` = it
    /// has to be read slowly, or is none.
    @inlinable @inline(__always)
    static func number(_ at: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Double? {
        let isNegative = at < end && at.pointee == UInt8(ascii: "-")
        if isNegative { at += 1 }
        var mantissa: UInt64 = 0
        let firstDigit = at
        while at < end {
            let digit = at.pointee &- 48
            guard digit < 10 else { break }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            at += 1
        }
        var digits = at - firstDigit
        guard digits > 0, digits == 1 || firstDigit.pointee != UInt8(ascii: "0") else { return nil }
        var places = 0
        if at < end, at.pointee == UInt8(ascii: ".") {
            at += 1
            let firstPlace = at
            while at < end {
                let digit = at.pointee &- 48
                guard digit < 10 else { break }
                mantissa = mantissa &* 10 &+ UInt64(digit)
                at += 1
            }
            places = at - firstPlace
            guard places > 0 else { return nil }
            digits += places
        }
        if at < end, at.pointee | 0x20 == UInt8(ascii: "e") { return nil }
        // 19 digits cannot overflow 64 bits.
        guard digits <= 19, mantissa <= 1 << 53, places <= 22 else { return nil }
        let value = places == 0 ? Double(mantissa) : Double(mantissa) / powers[places]
        // Minus zero is zero in a record.
        return isNegative && mantissa != 0 ? -value : value
    }

    /// The number that a text is, blanks around it and a plus sign allowed; NaN for every other text.
    public static func number(_ text: JSONText) -> Double {
        var at = text.start
        var end = text.start + text.count
        while at < end, at.pointee == 0x20 { at += 1 }
        while at < end, end[-1] == 0x20 { end -= 1 }
        if at < end, at.pointee == UInt8(ascii: "+") {
            at += 1
            if at < end, at.pointee == UInt8(ascii: "-") { return .nan }
        }
        guard at < end else { return .nan }
        let first = at
        if let value = number(&at, end), at == end { return value }
        // strtod knows hexadecimal numbers, infinities and more; a price must not.
        for place in first..<end {
            let byte = place.pointee
            guard byte &- 48 < 10 || byte == 43 || byte == 45 || byte == 46 || byte | 0x20 == 101 else { return .nan }
        }
        let value = nearest(first, end - first)
        return value.isFinite ? value : .nan
    }

    /// What `strtod` makes of all these bytes; NaN where it does not take all.
    static func nearest(_ start: UnsafePointer<UInt8>, _ count: Int) -> Double {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { copy in
            guard let base = copy.baseAddress else { return .nan }
            for index in 0..<count { base[index] = CChar(bitPattern: start[index]) }
            base[count] = 0
            var rest: UnsafeMutablePointer<CChar>?
            let value = strtod(base, &rest)
            guard rest == base + count else { return .nan }
            return value == 0 ? 0 : value
        }
    }

    @usableFromInline nonisolated(unsafe) static let powers: UnsafeMutablePointer<Double> = {
        let powers = UnsafeMutablePointer<Double>.allocate(capacity: 23)
        var power = 1.0
        for index in 0...22 {
            powers[index] = power
            power *= 10
        }
        return powers
    }()
}
