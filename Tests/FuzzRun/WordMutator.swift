import PluginTestSupport

/// The common mutations, and for text now and then a word that a reader of text may stumble over.
struct WordMutator {
    private var mutator: Mutator
    private let words: Bool

    private static let list: [[UInt8]] = [
        "null", "true", "-", "-0", "1e999", "1e-999", "9223372036854775808", "18446744073709551616", "0.1e1", ".5",
        "NaN",
        "Infinity", "\"\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\", "{", "}", "[", "]", "{}", "[]", ",", ":", "\"",
        "\u{feff}",
        "\u{1f600}", "2025-02-30T25:61:61+0530", "9999-99-99", "0000-00-00 00:00:00", "-1", "\r\n", ",,,,,,,,,,,,,",
        "\0",
    ].map { Array($0.utf8) }

    init(seed: UInt64, words: Bool) {
        mutator = Mutator(seed: seed)
        self.words = words
    }

    mutating func mutate(_ corpus: [[UInt8]], most: Int) -> [UInt8] {
        var bytes = mutator.mutate(corpus, most: most)
        guard words else { return bytes }
        for _ in 0..<Int(mutator.next() % 3) {
            let word = Self.list[Int(mutator.next() % UInt64(Self.list.count))]
            let at = Int(mutator.next() % UInt64(bytes.count + 1))
            let repeated = mutator.next() % 16 == 0 ? 1 + Int(mutator.next() % 200) : 1
            let end = mutator.next() % 2 == 0 ? at : min(bytes.count, at + word.count)
            bytes.replaceSubrange(at..<end, with: (0..<repeated).flatMap { _ in word })
        }
        if bytes.count > most { bytes.removeSubrange(most...) }
        return bytes
    }
}
