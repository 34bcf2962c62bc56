/// The different words of a column, the frequent ones first: a column of few different words is stored as their places in it.
///
/// Memory is allocated once; a hash table with open addressing finds a word's place.
final class WordTable {
    static let most = 1024
    private static let slots = 4096
    private static let empty = UInt16.max

    private let keys: UnsafeMutablePointer<UInt64>
    private let slotPlaces: UnsafeMutablePointer<UInt16>
    private let found: UnsafeMutablePointer<UInt64>
    private let counts: UnsafeMutablePointer<UInt32>
    private let ranks: UnsafeMutablePointer<Int64>
    private let ranking: UnsafeMutableBufferPointer<UInt64>
    /// The words in order; good until the next `fill`.
    let words: UnsafeMutablePointer<UInt64>
    private(set) var count = 0

    init() {
        keys = .allocate(capacity: Self.slots)
        keys.initialize(repeating: 0, count: Self.slots)
        slotPlaces = .allocate(capacity: Self.slots)
        slotPlaces.initialize(repeating: Self.empty, count: Self.slots)
        found = .allocate(capacity: Self.most)
        found.initialize(repeating: 0, count: Self.most)
        counts = .allocate(capacity: Self.most)
        counts.initialize(repeating: 0, count: Self.most)
        ranks = .allocate(capacity: Self.most)
        ranks.initialize(repeating: 0, count: Self.most)
        ranking = .allocate(capacity: Self.most)
        ranking.initialize(repeating: 0)
        words = .allocate(capacity: Self.most)
        words.initialize(repeating: 0, count: Self.most)
    }

    deinit {
        keys.deallocate()
        slotPlaces.deallocate()
        found.deallocate()
        counts.deallocate()
        ranks.deallocate()
        ranking.deallocate()
        words.deallocate()
    }

    /// Takes a column in and leaves the place of each of its words in `series`.
    ///
    /// - Returns: false if more than `limit` of its words are different.
    func fill(
        _ column: UnsafePointer<UInt64>, count values: Int, limit: Int, series: UnsafeMutablePointer<Int64>
    ) -> Bool {
        let limit = min(limit, Self.most)
        slotPlaces.update(repeating: Self.empty, count: Self.slots)
        var different = 0
        // Neighbours are often equal.
        var (last, lastPlace): (UInt64, Int64) = (~column[0], 0)
        for index in 0..<values {
            let word = column[index]
            if word != last {
                guard let place = self.place(of: word, &different, limit) else { return false }
                (last, lastPlace) = (word, place)
            }
            counts[Int(lastPlace)] &+= 1
            series[index] = lastPlace
        }
        count = different
        rank()
        for index in 0..<values { series[index] = ranks[Int(series[index])] }
        return true
    }

    @inline(__always)
    private func place(of word: UInt64, _ different: inout Int, _ limit: Int) -> Int64? {
        // The golden ratio as a fraction of 2^64 spreads neighbours; the upper bits depend on all of the word.
        var slot = Int(((word ^ (word &>> 32)) &* 0x9E37_79B9_7F4A_7C15) &>> 52)
        while slotPlaces[slot] != Self.empty {
            if keys[slot] == word { return Int64(slotPlaces[slot]) }
            slot = (slot &+ 1) & (Self.slots - 1)
        }
        guard different < limit else { return nil }
        keys[slot] = word
        slotPlaces[slot] = UInt16(different)
        found[different] = word
        counts[different] = 0
        different += 1
        return Int64(different - 1)
    }

    private func rank() {
        // Sorted as one number each: the most frequent first, of equally frequent ones the first found.
        for index in 0..<count { ranking[index] = UInt64(~counts[index]) << 32 | UInt64(index) }
        var sorted = UnsafeMutableBufferPointer(rebasing: ranking[..<count])
        sorted.sort()
        for rank in 0..<count {
            let index = Int(ranking[rank] & 0xffff_ffff)
            ranks[index] = Int64(rank)
            words[rank] = found[index]
        }
    }
}
