/// The parameters of an address, decoded, in the order in which they were written.
struct QueryText: Sendable {
    private(set) var pairs: [(name: String, value: String)] = []
    /// Names, or raw pieces, that are not properly percent-encoded.
    private(set) var unreadable: [String] = []

    /// Reads what stands behind the question mark.
    init(_ query: Substring) {
        for piece in query.utf8.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true) {
            let equals = piece.firstIndex(of: UInt8(ascii: "=")) ?? piece.endIndex
            let value = equals == piece.endIndex ? piece[equals...] : piece[piece.index(after: equals)...]
            guard let name = PercentText.decode(piece[..<equals], plusIsBlank: true),
                let value = PercentText.decode(value, plusIsBlank: true)
            else {
                unreadable.append(String(Substring(piece[..<equals])))
                continue
            }
            pairs.append((name, value))
        }
    }

    /// Reads the parameters of a request target, `/v1/bars?symbols=A`.
    init(target: String) {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            self.init(Substring())
            return
        }
        self.init(target[target.utf8.index(after: mark)...])
    }
}
