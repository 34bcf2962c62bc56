/// When the open bars of one source are due: a binary min-heap of (end, series).
///
/// Entries are not removed when their bar closes by another way; whoever pops one checks that the bar is still that
/// one. So a watermark that moves costs one comparison as long as nothing is due.
struct DueHeap: BitwiseCopyable {
    struct Entry: BitwiseCopyable {
        var end: Int64
        var series: Int32
    }

    private var base: UnsafeMutablePointer<Entry>?
    private var count = 0
    private var capacity = 0

    init() {}

    /// The earliest end, the largest number when there is none.
    @inline(__always)
    var earliest: Int64 { count == 0 ? .max : base.unsafelyUnwrapped[0].end }

    mutating func push(end: Int64, series: Int32) {
        if count == capacity { grow() }
        let entries = base.unsafelyUnwrapped
        var hole = count
        count += 1
        while hole > 0 {
            let parent = (hole - 1) / 2
            if entries[parent].end <= end { break }
            entries[hole] = entries[parent]
            hole = parent
        }
        entries[hole] = Entry(end: end, series: series)
    }

    /// Removes the earliest entry; there must be one.
    mutating func pop() -> Entry {
        let entries = base.unsafelyUnwrapped
        let first = entries[0]
        count -= 1
        let moved = entries[count]
        var hole = 0
        while true {
            var child = hole * 2 + 1
            if child >= count { break }
            if child + 1 < count, entries[child + 1].end < entries[child].end { child += 1 }
            if moved.end <= entries[child].end { break }
            entries[hole] = entries[child]
            hole = child
        }
        entries[hole] = moved
        return first
    }

    mutating func free() {
        base?.deallocate()
        self = DueHeap()
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: max(16, capacity * 2))
        if let base {
            larger.moveInitialize(from: base, count: count)
            base.deallocate()
        }
        base = larger
        capacity = max(16, capacity * 2)
    }
}
