#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Bytes that end at a page nobody may read: a decoder that reads one byte too many crashes the test.
package final class GuardedBytes {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private static let page = 4096

    package init(capacity: Int = 1 << 16) {
        self.capacity = (capacity + GuardedBytes.page - 1) / GuardedBytes.page * GuardedBytes.page
        base = mmap(
            nil, self.capacity + GuardedBytes.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        precondition(base != MAP_FAILED && mprotect(base + self.capacity, GuardedBytes.page, PROT_NONE) == 0)
    }

    deinit { munmap(base, capacity + GuardedBytes.page) }

    /// A copy of these bytes that ends at the guarded page; valid until the next call.
    package func holding(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let count = min(bytes.count, capacity)
        let start = base + capacity - count
        bytes.withUnsafeBytes { start.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: count) }
        return UnsafeRawBufferPointer(start: start, count: count)
    }
}
