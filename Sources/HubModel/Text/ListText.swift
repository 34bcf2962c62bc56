/// Lists given as one text, in parameters: `symbols=`, `types=`, `of=`.
public enum ListText {
    /// Splits at commas that are not inside parentheses: `rsi(14),macd(12,26,9)` has two parts. Empty parts are left
    /// out.
    public static func split(_ text: String) -> [String] {
        var parts: [String] = []
        var part: [UInt8] = []
        var depth = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "("), depth < Int.max { depth += 1 }
            if byte == UInt8(ascii: ")"), depth > 0 { depth -= 1 }
            if byte == UInt8(ascii: ","), depth == 0 {
                parts.append(String(decoding: part, as: UTF8.self))
                part.removeAll(keepingCapacity: true)
            } else {
                part.append(byte)
            }
        }
        parts.append(String(decoding: part, as: UTF8.self))
        return parts.filter { !$0.isEmpty }
    }
}
