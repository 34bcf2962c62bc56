/// A growable array in memory of its own, for the hot path: no reference counts, no exclusivity checks, stable
/// addresses between two calls of `append`.
///
/// Indices are not checked; whoever takes an index from a record compares it with `count` first.
struct Table<Element: BitwiseCopyable>: ~Copyable {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 16) {
        self.capacity = max(1, capacity)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    @inline(__always)
    subscript(index: Int) -> Element {
        get { base[index] }
        nonmutating set { base[index] = newValue }
    }

    mutating func append(_ element: Element) {
        if count == capacity { grow() }
        (base + count).initialize(to: element)
        count += 1
    }

    mutating func removeAll() { count = 0 }

    mutating func removeLast() -> Element {
        count -= 1
        return base[count]
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: base, count: count)
        base.deallocate()
        base = larger
        capacity *= 2
    }
}

extension Table where Element == UInt64 {
    /// Ascending, in place, without memory of its own (heapsort).
    func sort() {
        guard count > 1 else { return }
        var start = count / 2
        while start > 0 {
            start -= 1
            siftDown(from: start, end: count)
        }
        var end = count
        while end > 1 {
            end -= 1
            swap(0, end)
            siftDown(from: 0, end: end)
        }
    }

    private func swap(_ a: Int, _ b: Int) {
        let kept = base[a]
        base[a] = base[b]
        base[b] = kept
    }

    private func siftDown(from start: Int, end: Int) {
        var root = start
        while true {
            var child = root * 2 + 1
            if child >= end { return }
            if child + 1 < end, base[child] < base[child + 1] { child += 1 }
            if base[root] >= base[child] { return }
            swap(root, child)
            root = child
        }
    }
}
