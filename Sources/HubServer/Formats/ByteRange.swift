/// One range of bytes of `Range` (RFC 9110, section 14): `bytes=500-`, `bytes=0-499`, `bytes=-500`.
enum ByteRange: Hashable {
    case from(Int)
    case between(Int, Int)
    case last(Int)

    /// `nil` for what is no range, and for several: such a request is answered as a whole.
    init?(_ field: String) {
        guard field.hasPrefix("bytes="), !field.contains(",") else { return nil }
        let parts = field.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
            .map { Negotiation.trimmed($0) }
        guard parts.count == 2 else { return nil }
        func number(_ text: Substring) -> Int? {
            text.utf8.allSatisfy { $0 &- 48 < 10 } ? Int(text) : nil
        }
        switch (number(parts[0]), number(parts[1])) {
        case (let first?, let last?) where first <= last: self = .between(first, last)
        case (let first?, nil) where parts[1].isEmpty: self = .from(first)
        case (nil, let count?) where parts[0].isEmpty: self = .last(count)
        default: return nil
        }
    }

    /// The bytes meant of so many; `nil` where there are none of them.
    func resolved(_ total: Int) -> Range<Int>? {
        let range: Range<Int> =
            switch self {
            case .from(let first): min(first, total)..<total
            case .between(let first, let last): min(first, total)..<max(min(first, total), min(last, total - 1) + 1)
            case .last(let count): max(0, total - count)..<total
            }
        return range.isEmpty ? nil : range
    }
}
