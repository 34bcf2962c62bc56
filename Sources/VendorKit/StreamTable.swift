public import JSONReading
public import PluginKit

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Which stream a vendor's symbol belongs to, found by the bytes of a message.
///
/// Owns raw memory: the owner calls ``deallocate()``. Looking up costs no reference counting and no allocation.
public struct StreamTable {
    /// Where the records of a symbol go.
    public struct Entry {
        public var handle: UInt32
        public var kinds: KindSet

        /// Makes one.
        @inlinable
        public init(handle: UInt32, kinds: KindSet) {
            self.handle = handle
            self.kinds = kinds
        }
    }

    private struct Slot {
        var hash: UInt64
        var name: UnsafeMutablePointer<UInt8>?
        var length: Int
        var entry: Entry
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var mask: Int

    /// Symbols as the vendor sends them; of two with the same symbol the later one stays.
    public init(_ symbols: [(symbol: String, entry: Entry)]) {
        var capacity = 16
        while capacity < symbols.count * 2 { capacity *= 2 }
        mask = capacity - 1
        slots = .allocate(capacity: capacity)
        slots.initialize(
            repeating: Slot(hash: 0, name: nil, length: 0, entry: Entry(handle: 0, kinds: [])), count: capacity)
        for (symbol, entry) in symbols {
            let bytes = Array(symbol.utf8)
            let name = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes.count))
            name.initialize(from: bytes, count: bytes.count)
            let hash = Self.hash(name, bytes.count)
            var index = Int(truncatingIfNeeded: hash) & mask
            while let other = slots[index].name, !isSame(index, hash, name, bytes.count) {
                _ = other
                index = (index + 1) & mask
            }
            slots[index].name?.deallocate()
            slots[index] = Slot(hash: hash, name: name, length: bytes.count, entry: entry)
        }
    }

    /// Gives the memory back.
    public func deallocate() {
        for index in 0...mask { slots[index].name?.deallocate() }
        slots.deallocate()
    }

    /// The stream of a symbol; handle 0 = none.
    public func find(_ symbol: JSONText) -> Entry { find(symbol.start, symbol.count) }

    /// The stream of a symbol; handle 0 = none.
    public func find(_ start: UnsafePointer<UInt8>, _ count: Int) -> Entry {
        let hash = Self.hash(start, count)
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index].name != nil {
            if isSame(index, hash, start, count) { return slots[index].entry }
            index = (index + 1) & mask
        }
        return Entry(handle: 0, kinds: [])
    }

    private func isSame(_ index: Int, _ hash: UInt64, _ start: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard slots[index].hash == hash, slots[index].length == count, let name = slots[index].name else {
            return false
        }
        return memcmp(name, start, count) == 0
    }

    /// FNV-1a with a final mix; symbols are short, and those who choose them are the operator and the vendor.
    private static func hash(_ start: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in 0..<count { hash = (hash ^ UInt64(start[index])) &* 0x0100_0000_01b3 }
        return hash ^ hash >> 32
    }
}
