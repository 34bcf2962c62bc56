internal import PluginABI

/// Records one behind the other in memory that is aligned to lines and kept when the buffer is emptied.
public struct RecordBuffer: ~Copyable {
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    /// Bytes in use, a multiple of a line.
    public private(set) var count = 0

    /// - Parameter capacity: bytes that fit at first; it grows.
    public init(capacity: Int = 1 << 16) {
        self.capacity = max(capacity, Int(HUB_LINE))
        memory = .allocate(byteCount: self.capacity, alignment: Int(HUB_LINE))
    }

    deinit { memory.deallocate() }

    /// All records; good until the next change.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

    public mutating func removeAll() { count = 0 }

    /// Room for that many bytes more behind the last record, not yet counted: write there, then `commit`.
    public mutating func reserve(_ bytes: Int) -> UnsafeMutableRawPointer {
        if count + bytes > capacity {
            capacity = max(capacity * 2, count + bytes)
            let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: Int(HUB_LINE))
            grown.copyMemory(from: memory, byteCount: count)
            memory.deallocate()
            memory = grown
        }
        return memory + count
    }

    /// Counts what was written into reserved room.
    public mutating func commit(_ bytes: Int) { count += bytes }
}
