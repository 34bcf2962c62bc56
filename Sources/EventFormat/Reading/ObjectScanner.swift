#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Takes one JSON object apart (RFC 8259) without building anything: where its members stand in the text.
///
/// Reused from line to line, so that a line costs no allocation once the longest was seen.
struct ObjectScanner {
    enum Value {
        /// Bytes between the quotes, with escapes or without.
        case text(Range<Int>, hasEscapes: Bool)
        case number(Range<Int>)
        case flag(Bool)
        case null
        /// Begins at its bracket or brace.
        case list(Int)
        case map(Int)
    }

    struct Member {
        /// Bytes between the quotes.
        var key: Range<Int>
        var value: Value
        /// Where the value begins.
        var start: Int
    }

    private(set) var members: [Member] = []
    private(set) var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    private var at = 0
    private static let deepest = 8

    /// Reads a line that holds one object and nothing else.
    mutating func read(_ line: UnsafeRawBufferPointer) throws(EventTextError) {
        bytes = line
        at = 0
        members.removeAll(keepingCapacity: true)
        skipBlanks()
        guard take(UInt8(ascii: "{")) else {
            throw fault("expected an object, an event such as {\"type\":\"trade\",…}")
        }
        skipBlanks()
        if !take(UInt8(ascii: "}")) {
            repeat {
                skipBlanks()
                let key = try string()
                skipBlanks()
                guard take(UInt8(ascii: ":")) else { throw fault("expected a colon behind the name") }
                skipBlanks()
                let start = at
                members.append(Member(key: key.range, value: try value(depth: 0), start: start))
                skipBlanks()
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw fault("expected a comma or the object's closing brace") }
        }
        skipBlanks()
        if at < bytes.count { throw fault("there is more behind the object; each line holds one") }
    }

    /// Calls `body` with each element of a list that was read, as its bytes' start and value.
    mutating func forEach(
        listAt start: Int, _ body: (inout ObjectScanner, Value, Int) throws(EventTextError) -> Void
    ) throws(EventTextError) {
        at = start + 1
        skipBlanks()
        if take(UInt8(ascii: "]")) { return }
        repeat {
            skipBlanks()
            let place = at
            let element = try value(depth: 0)
            let behind = at
            try body(&self, element, place)
            at = behind
            skipBlanks()
        } while take(UInt8(ascii: ","))
        at += 1
    }

    func fault(_ message: String, at place: Int? = nil) -> EventTextError {
        EventTextError(column: (place ?? at) + 1, message)
    }

    // MARK: Texts and numbers

    func equals(_ range: Range<Int>, _ text: String) -> Bool {
        var text = text
        return text.withUTF8 { other in
            other.count == range.count
                && (range.isEmpty
                    || memcmp(bytes.baseAddress! + range.lowerBound, other.baseAddress!, range.count) == 0)
        }
    }

    /// A text with its escapes taken out.
    func string(_ range: Range<Int>, hasEscapes: Bool) throws(EventTextError) -> String {
        let raw = UnsafeRawBufferPointer(rebasing: bytes[range])
        guard hasEscapes else {
            guard let text = String(validating: raw, as: UTF8.self) else {
                throw fault("the text is not UTF-8", at: range.lowerBound)
            }
            return text
        }
        var out: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            guard bytes[index] == UInt8(ascii: "\\") else {
                out.append(bytes[index])
                index += 1
                continue
            }
            let escape = bytes[index + 1]
            index += 2
            switch escape {
            case UInt8(ascii: "b"): out.append(8)
            case UInt8(ascii: "t"): out.append(9)
            case UInt8(ascii: "n"): out.append(10)
            case UInt8(ascii: "f"): out.append(12)
            case UInt8(ascii: "r"): out.append(13)
            case UInt8(ascii: "u"):
                var code = hexadecimal(index)
                index += 4
                if code & 0xfc00 == 0xd800, index + 6 <= range.upperBound, bytes[index] == UInt8(ascii: "\\"),
                    bytes[index + 1] == UInt8(ascii: "u"), hexadecimal(index + 2) & 0xfc00 == 0xdc00
                {
                    code = 0x10000 + (code & 0x3ff) << 10 + hexadecimal(index + 2) & 0x3ff
                    index += 6
                }
                guard let scalar = Unicode.Scalar(code) else {
                    throw fault("half of a surrogate pair", at: index - 6)
                }
                out.append(contentsOf: String(scalar).utf8)
            default: out.append(escape)
            }
        }
        guard let text = String(validating: out, as: UTF8.self) else {
            throw fault("the text is not UTF-8", at: range.lowerBound)
        }
        return text
    }

    /// The double nearest to a number; `nil` where it is beyond all doubles.
    ///
    /// Up to 15 digits and 22 places are exact in one division (Clinger, "How to read floating point numbers
    /// accurately", PLDI 1990); what is longer, or has an exponent, goes to `strtod`.
    func number(_ range: Range<Int>) -> Double? {
        var index = range.lowerBound
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        var mantissa: UInt64 = 0
        var digits = 0
        var places = 0
        var isBehindPoint = false
        while index < range.upperBound {
            let byte = bytes[index]
            if byte == UInt8(ascii: ".") {
                isBehindPoint = true
            } else {
                let digit = byte &- 48
                guard digit < 10, digits < 15 else { return slow(range) }
                mantissa = mantissa * 10 + UInt64(digit)
                digits += 1
                if isBehindPoint { places += 1 }
            }
            index += 1
        }
        let value = places == 0 ? Double(mantissa) : Double(mantissa) / Self.powers[places]
        // Minus zero is zero in a record.
        return isNegative && mantissa != 0 ? -value : value
    }

    /// A whole number, `nil` for any other and for one beyond 64 bits.
    func integer(_ range: Range<Int>) -> Int64? {
        var index = range.lowerBound
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        guard index < range.upperBound else { return nil }
        var value: Int64 = 0
        while index < range.upperBound {
            let digit = bytes[index] &- 48
            guard digit < 10 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = product.addingReportingOverflow(isNegative ? -Int64(digit) : Int64(digit))
            if overflow || overflows { return nil }
            value = sum
            index += 1
        }
        return value
    }

    /// A piece of the text for a message.
    func shown(_ value: Value, at start: Int) -> String {
        let range: Range<Int>
        switch value {
        case .text(let text, _): range = text
        case .number(let number): range = number
        case .flag(let flag): return flag ? "true" : "false"
        case .null: return "null"
        case .list: return "a list"
        case .map: return "an object"
        }
        let piece = bytes[range.prefix(40)]
        return "'" + String(decoding: piece, as: UTF8.self) + (range.count > 40 ? "…'" : "'")
    }

    private static let powers: [Double] = (0...15).map { power in
        (0..<power).reduce(1.0) { value, _ in value * 10 }
    }

    private func slow(_ range: Range<Int>) -> Double? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: range.count + 1) { copy in
            for (index, place) in range.enumerated() { copy[index] = CChar(bitPattern: bytes[place]) }
            copy[range.count] = 0
            let value = strtod(copy.baseAddress!, nil)
            guard value.isFinite else { return nil }
            return value == 0 ? 0 : value
        }
    }

    private func hexadecimal(_ start: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in start..<(start + 4) { value = value << 4 | UInt32(Self.digit(bytes[index]) ?? 0) }
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

    // MARK: Grammar

    private mutating func skipBlanks() {
        while at < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[at]) { at += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func value(depth: Int) throws(EventTextError) -> Value {
        guard at < bytes.count else { throw fault("the line ends in the middle of an object") }
        let start = at
        switch bytes[at] {
        case UInt8(ascii: "\""):
            let text = try string()
            return .text(text.range, hasEscapes: text.hasEscapes)
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            let isList = bytes[at] == UInt8(ascii: "[")
            try skip(isList: isList, depth: depth)
            return isList ? .list(start) : .map(start)
        case UInt8(ascii: "t"): return try word("true", .flag(true))
        case UInt8(ascii: "f"): return try word("false", .flag(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try numberRange())
        }
    }

    private mutating func skip(isList: Bool, depth: Int) throws(EventTextError) {
        guard depth < Self.deepest else { throw fault("lists and objects are nested too deeply") }
        let end = isList ? UInt8(ascii: "]") : UInt8(ascii: "}")
        at += 1
        skipBlanks()
        if take(end) { return }
        repeat {
            skipBlanks()
            if !isList {
                _ = try string()
                skipBlanks()
                guard take(UInt8(ascii: ":")) else { throw fault("expected a colon behind the name") }
                skipBlanks()
            }
            _ = try value(depth: depth + 1)
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(end) else { throw fault("expected a comma or '\(isList ? "]" : "}")'") }
    }

    private mutating func word(_ text: StaticString, _ value: Value) throws(EventTextError) -> Value {
        let count = text.utf8CodeUnitCount
        guard bytes.count - at >= count, memcmp(bytes.baseAddress! + at, text.utf8Start, count) == 0 else {
            throw fault("expected a value")
        }
        at += count
        return value
    }

    private mutating func string() throws(EventTextError) -> (range: Range<Int>, hasEscapes: Bool) {
        guard take(UInt8(ascii: "\"")) else { throw fault("expected a text in quotes") }
        let start = at
        var hasEscapes = false
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                at += 1
                return (start..<(at - 1), hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                guard at + 1 < bytes.count else { throw fault("the text has no end") }
                let escape = bytes[at + 1]
                if escape == UInt8(ascii: "u") {
                    guard at + 6 <= bytes.count, (at + 2..<at + 6).allSatisfy({ Self.digit(bytes[$0]) != nil }) else {
                        throw fault("expected four hexadecimal digits behind \\u")
                    }
                    at += 6
                } else {
                    guard "\"\\/bfnrt".utf8.contains(escape) else { throw fault("this escape is not one of JSON") }
                    at += 2
                }
            case 0..<0x20: throw fault("a control character stands in a text")
            default: at += 1
            }
        }
        throw fault("the text has no end", at: start - 1)
    }

    private mutating func numberRange() throws(EventTextError) -> Range<Int> {
        let start = at
        _ = take(UInt8(ascii: "-"))
        let whole = digits()
        guard whole > 0, whole == 1 || bytes[at - whole] != UInt8(ascii: "0") else {
            throw fault("expected a value", at: start)
        }
        if take(UInt8(ascii: ".")), digits() == 0 { throw fault("expected digits behind the point") }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            if digits() == 0 { throw fault("expected digits of the exponent") }
        }
        return start..<at
    }

    private mutating func digits() -> Int {
        let start = at
        while at < bytes.count, bytes[at] &- 48 < 10 { at += 1 }
        return at - start
    }
}
