/// What somebody probably meant to write.
enum NameDistance {
    /// The name that is fewest single-character edits away, if it is near enough to be meant; the first of equals.
    static func nearest(to name: String, among names: some Sequence<String>) -> String? {
        let written = Array(name.utf8.prefix(64))
        var best: (name: String, distance: Int)?
        for candidate in names {
            let distance = edits(written, Array(candidate.utf8.prefix(64)))
            if distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, min(3, written.count / 3)) else { return nil }
        return best.name
    }

    /// Insertions, deletions, substitutions and swaps of neighbours: the restricted Damerau-Levenshtein distance.
    private static func edits(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before: [Int] = []
        var previous = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let substitution = previous[column] + (left[row] == right[column] ? 0 : 1)
                var least = min(substitution, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    least = min(least, before[column - 1] + 1)
                }
                current.append(least)
            }
            before = previous
            previous = current
        }
        return previous[right.count]
    }
}
