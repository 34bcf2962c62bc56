/// Memory for texts with escapes, reused message after message.
///
/// Texts that were given out never move: a full block is followed by another one, twice as large.
public final class JSONScratch {
    struct Storage {
        var block: UnsafeMutablePointer<UInt8>?
        var capacity = 0
        var used = 0
        // Full blocks of this message.
        var older: [UnsafeMutablePointer<UInt8>] = []

        mutating func reset() {
            used = 0
            for block in older { block.deallocate() }
            older.removeAll()
            guard capacity > JSONScratch.kept else { return }
            block?.deallocate()
            block = nil
            capacity = 0
        }

        mutating func room(_ count: Int) -> UnsafeMutablePointer<UInt8> {
            if let block, capacity - used >= count { return block + used }
            if let block { older.append(block) }
            capacity = max(count, 2 * capacity, 4096)
            used = 0
            let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
            block = fresh
            return fresh
        }
    }

    /// What is kept from one message to the next at most; one large answer must not hold its memory for ever.
    static let kept = 1 << 20

    // The reader holds this pointer, not the object: no reference counting while a message is read.
    let storage: UnsafeMutablePointer<Storage>

    /// Makes scratch memory that holds nothing yet.
    public init() {
        storage = .allocate(capacity: 1)
        storage.initialize(to: Storage())
    }

    deinit {
        storage.pointee.reset()
        storage.pointee.block?.deallocate()
        storage.deinitialize(count: 1)
        storage.deallocate()
    }
}
