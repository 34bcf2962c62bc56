#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension JSONReader {
    /// A text, its escapes resolved. Half of a surrogate pair becomes U+FFFD: vendors cut summaries anywhere.
    @inlinable @inline(__always)
    public mutating func text() throws(JSONError) -> JSONText {
        skipBlanks()
        guard at < end else { throw JSONError(.truncated, offset: offset) }
        guard at.pointee == UInt8(ascii: "\"") else { throw JSONError(.otherKind(expected: .text), offset: offset) }
        let first = at + 1
        let cursor = plainEnd(first)
        guard cursor < end, cursor.pointee == UInt8(ascii: "\"") else { return try resolvedText() }
        at = cursor + 1
        return JSONText(start: first, count: cursor - first)
    }

    /// The first byte from a place on that is not plain text: a quote, a backslash or a control character; else the end.
    @inlinable @inline(__always)
    func plainEnd(_ first: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
        var cursor = first
        // Eight bytes at once: what is taken from each borrows from the next only behind a byte that is found, so the lowest
        // bit is right.
        let ones: UInt64 = 0x0101_0101_0101_0101
        while end - cursor >= 8 {
            let word = UInt64(littleEndian: UnsafeRawPointer(cursor).loadUnaligned(as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let escape = word ^ (ones &* 0x5c)
            let found =
                ((quote &- ones) & ~quote | (escape &- ones) & ~escape | (word &- (ones &* 0x20)) & ~word)
                & (ones &* 0x80)
            if found != 0 { return cursor + found.trailingZeroBitCount / 8 }
            cursor += 8
        }
        while cursor < end {
            let byte = cursor.pointee
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { return cursor }
            cursor += 1
        }
        return cursor
    }

    /// A text, or `nil` for `null` and any other kind of value, which is passed.
    @inlinable
    public mutating func textIfAny() throws(JSONError) -> JSONText? {
        if try kind() == .text { return try text() }
        try skip()
        return nil
    }

    /// Passes a text; where it stands, with its escapes.
    mutating func rawText() throws(JSONError) -> (text: JSONText, hasEscapes: Bool) {
        let first = at + 1
        var cursor = first
        var hasEscapes = false
        while true {
            cursor = plainEnd(cursor)
            guard cursor < end else { break }
            switch cursor.pointee {
            case UInt8(ascii: "\""):
                at = cursor + 1
                return (JSONText(start: first, count: cursor - first), hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                cursor += try escapeLength(cursor)
            default: throw JSONError(.badText, offset: cursor - start)
            }
        }
        throw JSONError(.truncated, offset: end - start)
    }

    private func escapeLength(_ cursor: UnsafePointer<UInt8>) throws(JSONError) -> Int {
        guard end - cursor >= 2 else { throw JSONError(.truncated, offset: end - start) }
        switch cursor[1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return 2
        case UInt8(ascii: "u"):
            for index in 2..<6 {
                guard cursor + index < end else { throw JSONError(.truncated, offset: end - start) }
                guard Self.digit(cursor[index]) != nil else {
                    throw JSONError(.badText, offset: cursor + index - start)
                }
            }
            return 6
        default: throw JSONError(.badText, offset: cursor - start)
        }
    }

    @usableFromInline
    @inline(never)
    mutating func resolvedText() throws(JSONError) -> JSONText {
        let raw = try rawText().text
        let out = scratch.pointee.room(raw.count)
        var to = out
        var from = raw.start
        let last = raw.start + raw.count
        while from < last {
            guard from.pointee == UInt8(ascii: "\\") else {
                to.pointee = from.pointee
                to += 1
                from += 1
                continue
            }
            let escape = from[1]
            from += 2
            switch escape {
            case UInt8(ascii: "b"): to.pointee = 8
            case UInt8(ascii: "f"): to.pointee = 12
            case UInt8(ascii: "n"): to.pointee = 10
            case UInt8(ascii: "r"): to.pointee = 13
            case UInt8(ascii: "t"): to.pointee = 9
            case UInt8(ascii: "u"):
                to = Self.put(Self.scalar(&from, last), at: to)
                continue
            default: to.pointee = escape
            }
            to += 1
        }
        scratch.pointee.used += to - out
        return JSONText(start: out, count: to - out)
    }

    private static func scalar(_ from: inout UnsafePointer<UInt8>, _ last: UnsafePointer<UInt8>) -> UInt32 {
        let code = hexadecimal(from)
        from += 4
        guard code & 0xf800 == 0xd800 else { return code }
        if code & 0xfc00 == 0xd800, last - from >= 6, from[0] == UInt8(ascii: "\\"), from[1] == UInt8(ascii: "u") {
            let low = hexadecimal(from + 2)
            if low & 0xfc00 == 0xdc00 {
                from += 6
                return 0x10000 + (code & 0x3ff) << 10 + low & 0x3ff
            }
        }
        return 0xfffd
    }

    private static func put(_ code: UInt32, at place: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        switch code {
        case 0..<0x80:
            place[0] = UInt8(code)
            return place + 1
        case 0x80..<0x800:
            place[0] = UInt8(0xc0 | code >> 6)
            place[1] = UInt8(0x80 | code & 0x3f)
            return place + 2
        case 0x800..<0x10000:
            place[0] = UInt8(0xe0 | code >> 12)
            place[1] = UInt8(0x80 | code >> 6 & 0x3f)
            place[2] = UInt8(0x80 | code & 0x3f)
            return place + 3
        default:
            place[0] = UInt8(0xf0 | code >> 18)
            place[1] = UInt8(0x80 | code >> 12 & 0x3f)
            place[2] = UInt8(0x80 | code >> 6 & 0x3f)
            place[3] = UInt8(0x80 | code & 0x3f)
            return place + 4
        }
    }

    private static func hexadecimal(_ start: UnsafePointer<UInt8>) -> UInt32 {
        var value: UInt32 = 0
        for index in 0..<4 { value = value << 4 | UInt32(digit(start[index]) ?? 0) }
        return value
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
