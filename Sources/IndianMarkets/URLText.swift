/// Texts in addresses.
public enum URLText {
    private static let hexadecimal = Array("0123456789ABCDEF".utf8)

    /// Everything but letters, digits and `-._~` as `%XX`: safe in a path, a query and a form.
    public static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `a=1&b=2`; names and values are escaped.
    public static func form(_ fields: [(String, String)]) -> String {
        fields.map { "\(escaped($0.0))=\(escaped($0.1))" }.joined(separator: "&")
    }

    /// An address without the slash it ends in, so that paths can be put behind it.
    public static func base(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }
}
