public import PluginABI

/// A set of record kinds (`HUB_TRADE` …).
public struct KindSet: Hashable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64)

    public init(_ kinds: some Sequence<Int>) {
        words = (0, 0, 0, 0)
        for kind in kinds { insert(UInt8(kind)) }
    }

    /// Every kind.
    public static let all = KindSet(0...255)

    public mutating func insert(_ kind: UInt8) {
        let bit = UInt64(1) << UInt64(kind & 63)
        switch kind >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        default: words.3 |= bit
        }
    }

    @inline(__always)
    public func contains(_ kind: UInt8) -> Bool {
        let word =
            switch kind >> 6 {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        return word >> UInt64(kind & 63) & 1 == 1
    }

    /// The kinds in it, in order.
    public var kinds: [UInt8] { (0...255).filter { contains(UInt8($0)) }.map { UInt8($0) } }

    /// One bit for each kind, or group of kinds, that the index tells apart.
    var indexMask: UInt16 {
        var mask: UInt16 = 0
        for kind in kinds { mask |= Self.indexBit(kind) }
        return mask
    }

    @inline(__always)
    static func indexBit(_ kind: UInt8) -> UInt16 {
        if kind <= 10 { return 1 << UInt16(kind) }
        switch kind {
        case 128: return 1 << 11
        case 129: return 1 << 12
        case 11...127: return 1 << 13
        case 130...191: return 1 << 14
        default: return 1 << 15
        }
    }

    public static func == (a: KindSet, b: KindSet) -> Bool { a.words == b.words }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

/// A set of stream ids.
public struct StreamSet: Hashable, Sendable {
    /// In order, each once.
    public let ids: [UInt32]
    private let words: [UInt64]

    public init(_ ids: some Sequence<UInt32>) {
        var sorted: [UInt32] = []
        for id in ids.sorted() where sorted.last != id { sorted.append(id) }
        self.ids = sorted
        // Ids are dense, so a bitmap is small; those beyond the limit of the index are found by searching.
        let end = sorted.last { $0 < StreamSet.bitmapEnd }.map { Int($0) / 64 + 1 } ?? 0
        var words = [UInt64](repeating: 0, count: end)
        for id in sorted where id < StreamSet.bitmapEnd { words[Int(id) / 64] |= 1 << UInt64(id % 64) }
        self.words = words
    }

    static let bitmapEnd: UInt32 = 1 << 22

    @inline(__always)
    public func contains(_ id: UInt32) -> Bool {
        let word = Int(id / 64)
        if word < words.count { return words[word] >> UInt64(id % 64) & 1 == 1 }
        return id >= Self.bitmapEnd && ids.contains(id)
    }
}

/// Which records a search is for. All conditions hold together.
public struct JournalFilter: Sendable {
    /// `nil`: of all streams.
    public var streams: StreamSet?
    public var kinds: KindSet
    /// `ts_event` at or after this, nanoseconds.
    public var fromNanoseconds: Int64?
    /// `ts_event` before this, nanoseconds.
    public var toNanoseconds: Int64?

    public init(
        streams: StreamSet? = nil, kinds: KindSet = .all, fromNanoseconds: Int64? = nil, toNanoseconds: Int64? = nil
    ) {
        self.streams = streams
        self.kinds = kinds
        self.fromNanoseconds = fromNanoseconds
        self.toNanoseconds = toNanoseconds
    }

    @inline(__always)
    public func matches(_ record: UnsafePointer<hub_record>) -> Bool {
        guard kinds.contains(record.pointee.kind) else { return false }
        if let streams, !streams.contains(record.pointee.stream) { return false }
        if let fromNanoseconds, record.pointee.ts_event < fromNanoseconds { return false }
        if let toNanoseconds, record.pointee.ts_event >= toNanoseconds { return false }
        return true
    }
}
