/// Addresses of requests.
public enum URLText {
    /// A text as part of a query: everything but letters, digits and `-._~` percent-encoded.
    public static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = Array("0123456789ABCDEF")
                result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return result
    }

    /// `base`, a path and the parameters that have a value; a slash at the end of `base` does not matter.
    public static func make(_ base: String, _ path: String, _ parameters: [(name: String, value: String)]) -> String {
        var url = base
        while url.hasSuffix("/") { url.removeLast() }
        url += path
        // An address of a host alone gets its root, which not every parser adds.
        if path.isEmpty, url.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 2 { url += "/" }
        var mark = "?"
        for (name, value) in parameters where !value.isEmpty {
            url += "\(mark)\(name)=\(escaped(value))"
            mark = "&"
        }
        return url
    }
}
