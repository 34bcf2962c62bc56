/// Bytes of a chunk in the making, in memory that is kept from chunk to chunk.
struct ByteWriter: ~Copyable {
    private(set) var memory: UnsafeMutableRawPointer
    private var capacity: Int
    var count = 0

    init(capacity: Int) {
        self.capacity = capacity
        memory = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit { memory.deallocate() }

    /// Makes room for that many bytes more; what writes behind it relies on that.
    mutating func reserve(_ bytes: Int) {
        guard count + bytes > capacity else { return }
        capacity = max(capacity * 2, count + bytes)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
        grown.copyMemory(from: memory, byteCount: count)
        memory.deallocate()
        memory = grown
    }

    @inline(__always)
    mutating func put<T: FixedWidthInteger>(_ value: T) {
        memory.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }

    mutating func put(_ bytes: UnsafeRawPointer, count added: Int) {
        (memory + count).copyMemory(from: bytes, byteCount: added)
        count += added
    }

    mutating func putZeros(_ added: Int) {
        (memory + count).initializeMemory(as: UInt8.self, repeating: 0, count: added)
        count += added
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    mutating func putVariable(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(rest))
    }

    mutating func putVariable(_ value: Int64) { putVariable(ZigZag.encode(value)) }

    /// Bytes that ``putVariable(_:)`` writes.
    static func variableBytes(_ value: Int64) -> Int {
        max(1, (70 - ZigZag.encode(value).leadingZeroBitCount) / 7)
    }
}

/// Signed numbers as unsigned ones, small if they are near 0: 0, -1, 1, -2, 2 …
enum ZigZag {
    @inline(__always)
    static func encode(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)) }

    @inline(__always)
    static func decode(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value &>> 1) ^ (0 &- Int64(bitPattern: value & 1))
    }
}
