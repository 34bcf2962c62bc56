/// Which streams and values a reader of records has been told of.
///
/// Their numbers are dense, so a bit for each is little even for many thousands.
struct DefinedSet {
    /// A number that a record refers to.
    enum Reference: Hashable {
        case stream(UInt32)
        /// The number of a value definition.
        case value(UInt32)
    }

    private var streams: [UInt64] = []
    private var values: [UInt64] = []

    @inline(__always)
    func contains(stream id: UInt32) -> Bool { Self.contains(streams, id) }

    @inline(__always)
    func contains(value id: UInt32) -> Bool { Self.contains(values, id) }

    mutating func insert(_ reference: Reference) {
        switch reference {
        case .stream(let id): Self.insert(&streams, id)
        case .value(let id): Self.insert(&values, id)
        }
    }

    mutating func remove(_ reference: Reference) {
        switch reference {
        case .stream(let id) where contains(stream: id): streams[Int(id / 64)] &= ~(1 << UInt64(id % 64))
        case .value(let id) where contains(value: id): values[Int(id / 64)] &= ~(1 << UInt64(id % 64))
        default: break
        }
    }

    mutating func formUnion(_ other: DefinedSet) {
        Self.formUnion(&streams, other.streams)
        Self.formUnion(&values, other.values)
    }

    /// What is in here and not in the other, streams first, each by its number.
    func subtracting(_ other: DefinedSet) -> [Reference] {
        Self.missing(streams, in: other.streams).map { .stream($0) }
            + Self.missing(values, in: other.values).map { .value($0) }
    }

    @inline(__always)
    private static func contains(_ words: [UInt64], _ id: UInt32) -> Bool {
        let word = Int(id / 64)
        return word < words.count && words[word] >> UInt64(id % 64) & 1 != 0
    }

    private static func insert(_ words: inout [UInt64], _ id: UInt32) {
        let word = Int(id / 64)
        while words.count <= word { words.append(0) }
        words[word] |= 1 << UInt64(id % 64)
    }

    private static func formUnion(_ words: inout [UInt64], _ other: [UInt64]) {
        while words.count < other.count { words.append(0) }
        for index in other.indices { words[index] |= other[index] }
    }

    private static func missing(_ words: [UInt64], in other: [UInt64]) -> [UInt32] {
        var found: [UInt32] = []
        for index in words.indices {
            var rest = words[index] & ~(index < other.count ? other[index] : 0)
            while rest != 0 {
                found.append(UInt32(index * 64 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
        return found
    }
}
