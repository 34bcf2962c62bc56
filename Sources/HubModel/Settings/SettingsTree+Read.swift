/// Where and why a text is not JSON.
public struct JSONSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Bytes before the place.
    public let offset: Int
    public let reason: String

    public var description: String { "not JSON at byte \(offset): \(reason)" }
}

extension SettingsTree {
    /// Reads one JSON document (RFC 8259), UTF-8.
    ///
    /// Integers without point and exponent that fit an `Int64` become `integer`, all else `number`. Keys that occur
    /// twice, numbers beyond a double, more than 128 levels and anything after the document are errors.
    public init(json bytes: some Sequence<UInt8>) throws(JSONSyntaxError) {
        var reader = JSONReader(bytes: Array(bytes))
        self = try reader.document()
    }

    /// Reads one JSON document from text.
    public init(json text: String) throws(JSONSyntaxError) { try self.init(json: Array(text.utf8)) }
}

private struct JSONReader {
    let bytes: [UInt8]
    var at = 0

    mutating func document() throws(JSONSyntaxError) -> SettingsTree {
        let tree = try value(depth: 0)
        skipBlanks()
        guard at == bytes.count else { throw fault("something follows the document") }
        return tree
    }

    func fault(_ reason: String) -> JSONSyntaxError { JSONSyntaxError(offset: at, reason: reason) }

    mutating func skipBlanks() {
        while at < bytes.count,
            bytes[at] == 0x20 || bytes[at] == 0x0a || bytes[at] == 0x0d || bytes[at] == 0x09
        {
            at += 1
        }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    mutating func value(depth: Int) throws(JSONSyntaxError) -> SettingsTree {
        guard depth < 128 else { throw fault("more than 128 levels") }
        skipBlanks()
        guard at < bytes.count else { throw fault("it ends where a value is expected") }
        switch bytes[at] {
        case UInt8(ascii: "{"): return try map(depth: depth)
        case UInt8(ascii: "["): return try list(depth: depth)
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    mutating func word(_ text: StaticString, _ value: SettingsTree) throws(JSONSyntaxError)
        -> SettingsTree
    {
        let length = text.utf8CodeUnitCount
        let matches = text.withUTF8Buffer { bytes[at...].prefix(length).elementsEqual($0) }
        guard matches else { throw fault("expected a value") }
        at += length
        return value
    }

    mutating func list(depth: Int) throws(JSONSyntaxError) -> SettingsTree {
        at += 1
        var items: [SettingsTree] = []
        skipBlanks()
        if take(UInt8(ascii: "]")) { return .list(items) }
        while true {
            items.append(try value(depth: depth + 1))
            skipBlanks()
            if take(UInt8(ascii: "]")) { return .list(items) }
            guard take(UInt8(ascii: ",")) else { throw fault("expected ',' or ']'") }
        }
    }

    mutating func map(depth: Int) throws(JSONSyntaxError) -> SettingsTree {
        at += 1
        var entries: [(String, SettingsTree)] = []
        // Kept beside the entries so that a map of many keys is not compared key by key.
        var keys: Set<String> = []
        skipBlanks()
        if take(UInt8(ascii: "}")) { return .map(entries) }
        while true {
            skipBlanks()
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
                throw fault("expected a key in quotes")
            }
            let start = at
            let key = try string()
            guard keys.insert(key).inserted else {
                throw JSONSyntaxError(offset: start, reason: "the key '\(key)' occurs twice")
            }
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw fault("expected ':'") }
            entries.append((key, try value(depth: depth + 1)))
            skipBlanks()
            if take(UInt8(ascii: "}")) { return .map(entries) }
            guard take(UInt8(ascii: ",")) else { throw fault("expected ',' or '}'") }
        }
    }

    mutating func number() throws(JSONSyntaxError) -> SettingsTree {
        let start = at
        _ = take(UInt8(ascii: "-"))
        let whole = digits()
        guard whole > 0 else {
            at = start
            throw fault("expected a value")
        }
        guard whole == 1 || bytes[at - whole] != UInt8(ascii: "0") else {
            throw fault("a number begins with 0")
        }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            guard digits() > 0 else { throw fault("expected digits after the point") }
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            at += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw fault("expected digits in the exponent") }
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if isWhole, let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            at = start
            throw fault("the number is beyond a double")
        }
        return .number(number)
    }

    mutating func digits() -> Int {
        let start = at
        while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) { at += 1 }
        return at - start
    }

    mutating func string() throws(JSONSyntaxError) -> String {
        at += 1
        let start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"),
            bytes[at] >= 0x20
        {
            at += 1
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
            let text = try checked(Array(bytes[start..<at]), start)
            at += 1
            return text
        }
        var buffer = Array(bytes[start..<at])
        while true {
            guard at < bytes.count else { throw fault("the text does not end") }
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") {
                at += 1
                return try checked(buffer, start)
            }
            guard byte >= 0x20 else { throw fault("a control character in a text") }
            at += 1
            if byte == UInt8(ascii: "\\") {
                try escape(into: &buffer)
            } else {
                buffer.append(byte)
            }
        }
    }

    func checked(_ text: [UInt8], _ start: Int) throws(JSONSyntaxError) -> String {
        guard let result = String(validating: text, as: UTF8.self) else {
            throw JSONSyntaxError(offset: start, reason: "the text is not UTF-8")
        }
        return result
    }

    mutating func escape(into buffer: inout [UInt8]) throws(JSONSyntaxError) {
        guard at < bytes.count else { throw fault("the text does not end") }
        let letter = bytes[at]
        at += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(letter)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0c)
        case UInt8(ascii: "n"): buffer.append(0x0a)
        case UInt8(ascii: "r"): buffer.append(0x0d)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try hexadecimal())
            if (0xd800..<0xdc00).contains(code) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                    throw fault("half a surrogate pair")
                }
                let low = UInt32(try hexadecimal())
                guard (0xdc00..<0xe000).contains(low) else { throw fault("half a surrogate pair") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw fault("half a surrogate pair") }
            buffer += Array(String(Character(scalar)).utf8)
        default: throw fault("an unknown escape")
        }
    }

    mutating func hexadecimal() throws(JSONSyntaxError) -> UInt16 {
        guard at + 4 <= bytes.count else { throw fault("expected four hexadecimal digits") }
        var value: UInt16 = 0
        for _ in 0..<4 {
            let byte = bytes[at]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw fault("expected four hexadecimal digits")
            }
            value = value << 4 | UInt16(digit)
            at += 1
        }
        return value
    }
}
