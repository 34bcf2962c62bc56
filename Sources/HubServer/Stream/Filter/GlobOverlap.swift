/// Whether one text can match two patterns at once.
enum GlobOverlap {
    /// Patterns of `*` (any run), `?` (one character) and themselves. Takes the product of their lengths.
    static func overlap(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        // row[j]: whether the rest of `left` from i and the rest of `right` from j can match the same text.
        var below = [Bool](repeating: false, count: right.count + 1)
        for i in stride(from: left.count, through: 0, by: -1) {
            var row = [Bool](repeating: false, count: right.count + 1)
            for j in stride(from: right.count, through: 0, by: -1) {
                if i == left.count && j == right.count {
                    row[j] = true
                } else if i < left.count && left[i] == UInt8(ascii: "*") {
                    // The star ends here, or takes what stands in the other pattern.
                    row[j] = below[j] || (j < right.count && row[j + 1])
                } else if j < right.count && right[j] == UInt8(ascii: "*") {
                    row[j] = row[j + 1] || (i < left.count && below[j])
                } else if i < left.count && j < right.count {
                    let fits =
                        left[i] == right[j] || left[i] == UInt8(ascii: "?") || right[j] == UInt8(ascii: "?")
                    row[j] = fits && below[j + 1]
                }
            }
            below = row
        }
        return below[0]
    }

    static func overlap(_ left: String, _ right: String) -> Bool {
        overlap(Array(left.utf8), Array(right.utf8))
    }

    static func isGlob(_ text: String) -> Bool {
        text.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
    }
}
