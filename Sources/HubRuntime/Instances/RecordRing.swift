import CHubSystem
import Glibc
import PluginABI
import Synchronization

/// Records between one provider's thread and the sequencer: one producer, one consumer, no lock.
///
/// The memory is mapped twice, back to back, so that a record never wraps. The producer writes records in place, checks
/// them, and shows them with one store; the consumer reads them in place.
final class RecordRing: @unchecked Sendable {
    let capacity: Int
    private let base: UnsafeMutableRawPointer
    /// Bytes ever shown, and ever dealt with.
    private let shown = Atomic<Int>(0)
    private let consumed = Atomic<Int>(0)
    /// The count at which the memory begins. It moves only while the ring is empty, and is published with the records.
    private let origin = Atomic<Int>(0)

    /// - Parameter capacity: a power of two and a multiple of the page size.
    init(capacity: Int = 4 << 20) {
        precondition(capacity & (capacity - 1) == 0 && capacity % 4096 == 0, "a ring is a power of two of pages")
        self.capacity = capacity
        let descriptor = hub_ring_file("hub-ring")
        let isSized = descriptor >= 0 && ftruncate(descriptor, capacity) == 0
        precondition(isSized, "no memory for a ring of \(capacity) bytes")
        let area = mmap(nil, capacity * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        precondition(area != MAP_FAILED, "no address space for a ring of \(capacity) bytes")
        base = area!
        for half in 0..<2 {
            let place = mmap(
                base + half * capacity, capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor, 0)
            precondition(place != MAP_FAILED, "no memory for a ring of \(capacity) bytes")
        }
        close(descriptor)
    }

    deinit {
        munmap(base, capacity * 2)
    }

    // MARK: Producer

    /// Room for new records, contiguous.
    ///
    /// An empty ring begins anew at its first byte: a consumer that keeps up leaves the records of batch after batch in
    /// the same few pages, which stay in the processor's cache, and the rest of the ring is never touched.
    func free() -> UnsafeMutableRawBufferPointer {
        let at = shown.load(ordering: .relaxed)
        let used = at - consumed.load(ordering: .acquiring)
        if used == 0 { origin.store(at, ordering: .relaxed) }
        return UnsafeMutableRawBufferPointer(start: place(at), count: capacity - used)
    }

    /// Bytes of `free`. Either side.
    var freeBytes: Int { capacity - (shown.load(ordering: .acquiring) - consumed.load(ordering: .acquiring)) }

    /// Bytes ever shown; either side. Bytes ever dealt with; the consumer.
    var shownBytes: Int { shown.load(ordering: .acquiring) }
    var consumedBytes: Int { consumed.load(ordering: .relaxed) }

    private func place(_ count: Int) -> UnsafeMutableRawPointer {
        base + ((count - origin.load(ordering: .relaxed)) & (capacity - 1))
    }

    /// The first bytes of `free` are whole, checked records now.
    func show(_ bytes: Int) {
        shown.add(bytes, ordering: .releasing)
    }

    // MARK: Consumer

    /// Whole records that wait, at most about `limit` bytes of them; they stay until `consume`.
    func waiting(limit: Int) -> UnsafeMutableRawBufferPointer {
        let at = consumed.load(ordering: .relaxed)
        let bytes = shown.load(ordering: .acquiring) - at
        let start = place(at)
        guard bytes > limit else { return UnsafeMutableRawBufferPointer(start: start, count: bytes) }
        var whole = 0
        repeat {
            whole += Int((start + whole).load(as: UInt8.self)) * Int(HUB_LINE)
        } while whole < limit
        return UnsafeMutableRawBufferPointer(start: start, count: whole)
    }

    func consume(_ bytes: Int) {
        consumed.add(bytes, ordering: .releasing)
    }

    /// Whether all that was shown was dealt with. Either side.
    var isEmpty: Bool { shown.load(ordering: .acquiring) == consumed.load(ordering: .acquiring) }
}
