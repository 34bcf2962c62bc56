#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Changes messages at random: what a fuzzer does. The same seed makes the same changes.
package struct Mutator: RandomNumberGenerator {
    package let seed: UInt64
    private var state: UInt64

    /// The seed is that of the environment (`HUB_SEED`), else given.
    package init(seed: UInt64) {
        self.seed = getenv("HUB_SEED").flatMap { UInt64(String(cString: $0)) } ?? seed
        state = self.seed
    }

    /// SplitMix64.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private mutating func place(_ count: Int) -> Int { Int(next() % UInt64(max(1, count))) }

    /// One to four changes of one of the messages: bits, bytes, numbers at their limits, pieces cut, doubled or taken from
    /// another message.
    package mutating func mutate(_ corpus: [[UInt8]], most: Int = 8192) -> [UInt8] {
        guard !corpus.isEmpty else { return [] }
        var bytes = corpus[place(corpus.count)]
        for _ in 0...place(4) {
            guard !bytes.isEmpty else { break }
            let at = place(bytes.count)
            switch next() % 9 {
            case 0: bytes[at] ^= 1 << UInt8(next() % 8)
            case 1: bytes[at] = UInt8(truncatingIfNeeded: next())
            case 2: bytes[at] = [0, 1, 0x7f, 0x80, 0xff][place(5)]
            case 3:
                for index in at..<min(bytes.count, at + 1 + place(8)) { bytes[index] = 0xff }
            case 4: bytes.removeSubrange(at..<min(bytes.count, at + 1 + place(16)))
            case 5: bytes.removeSubrange(at...)
            case 6: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 1 + place(64))], at: at)
            case 7:
                let other = corpus[place(corpus.count)]
                let from = place(other.count)
                bytes.replaceSubrange(at..., with: other[min(from, other.count)...])
            default:
                for index in at..<min(bytes.count, at + 1 + place(9)) {
                    bytes[index] = UInt8(truncatingIfNeeded: next())
                }
            }
            if bytes.count > most { bytes.removeSubrange(most...) }
        }
        return bytes
    }
}
