/// Percent-encoding of addresses, RFC 3986.
enum PercentText {
    /// Decodes `%41`; `nil` where a percent sign is not followed by two hexadecimal digits or the bytes are not UTF-8.
    ///
    /// - Parameter plusIsBlank: as in queries, where forms write a blank as `+`.
    static func decode(_ text: some Collection<UInt8>, plusIsBlank: Bool) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var at = text.startIndex
        while at != text.endIndex {
            let byte = text[at]
            text.formIndex(after: &at)
            switch byte {
            case UInt8(ascii: "%"):
                guard at != text.endIndex, let high = digit(text[at]) else { return nil }
                text.formIndex(after: &at)
                guard at != text.endIndex, let low = digit(text[at]) else { return nil }
                text.formIndex(after: &at)
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsBlank: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
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
