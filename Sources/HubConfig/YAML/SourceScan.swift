/// What is checked in the bytes themselves, before YAML is read.
enum SourceScan {
    /// Configuration files larger than this are refused.
    static let largestFile = 1 << 20

    /// Complains about bytes that no text has. False: there is no point in reading on.
    static func check(_ source: SourceText, _ problems: Problems) -> Bool {
        let bytes = source.bytes
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
            problems.report(
                SourceSpan(source, line: 1, column: 1), "", "the file is UTF-16; save it as UTF-8")
            return false
        }
        var at = 0
        while at < bytes.count {
            let byte = bytes[at]
            if byte < 0x80 {
                let isText = byte >= 0x20 && byte != 0x7f || byte == 0x09 || byte == 0x0a || byte == 0x0d
                guard isText else {
                    let code = String(byte, radix: 16)
                    complain(
                        source, at, problems,
                        "a control character (0x\(code.count < 2 ? "0" : "")\(code)); inside double quotes it may be written as \\x\(code.count < 2 ? "0" : "")\(code)"
                    )
                    return false
                }
                at += 1
                continue
            }
            let length = sequenceLength(bytes, at)
            guard length > 0 else {
                complain(
                    source, at, problems,
                    "the byte 0x\(String(byte, radix: 16)) is not UTF-8; save the file as UTF-8 (it may be Latin-1)"
                )
                return false
            }
            if length == 2, byte == 0xc2, bytes[at + 1] < 0xa0, bytes[at + 1] != 0x85 {
                complain(
                    source, at, problems, "a control character (U+00\(String(bytes[at + 1], radix: 16)))")
                return false
            }
            if length == 3, byte == 0xef, bytes[at + 1] == 0xbf, bytes[at + 2] >= 0xbe {
                complain(source, at, problems, "a code point that is no character")
                return false
            }
            if length == 3, byte == 0xef, bytes[at + 1] == 0xbb, bytes[at + 2] == 0xbf {
                complain(source, at, problems, "a byte order mark in the middle of the text; delete it")
                return false
            }
            at += length
        }
        return true
    }

    private static func complain(
        _ source: SourceText, _ offset: Int, _ problems: Problems, _ message: String
    ) {
        let (line, column) = source.position(ofByte: offset)
        problems.report(SourceSpan(source, line: line, column: column), "", message)
    }

    /// Bytes of the UTF-8 sequence that starts here; 0 where there is none (RFC 3629: no overlong forms, no surrogates).
    private static func sequenceLength(_ bytes: [UInt8], _ at: Int) -> Int {
        let first = bytes[at]
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xbf
        switch first {
        case 0xc2...0xdf: length = 2
        case 0xe0:
            length = 3
            low = 0xa0
        case 0xed:
            length = 3
            high = 0x9f
        case 0xe1...0xef: length = 3
        case 0xf0:
            length = 4
            low = 0x90
        case 0xf4:
            length = 4
            high = 0x8f
        case 0xf1...0xf3: length = 4
        default: return 0
        }
        guard at + length <= bytes.count, (low...high).contains(bytes[at + 1]) else { return 0 }
        for index in 2..<max(length, 2) where bytes[at + index] & 0xc0 != 0x80 { return 0 }
        return length
    }
}
