import Glibc
package import PluginKit

/// What the decoder knows of one subscribed instrument key: updates are partial, this is the whole.
struct KeySlot {
    /// Of the key; 0 = the slot is free.
    var hash: UInt64 = 0
    var keyOffset: UInt32 = 0
    var keyLength: UInt32 = 0
    var handle: UInt32 = 0
    var kinds: KindSet = []
    /// Something came since the key was subscribed on this connection.
    var isSeen = false
    /// The first level is known since then.
    var isQuoted = false
    var state = FeedUpdate()
}

/// Instrument keys to slots: open addressing over a hash of the key's bytes, at most half full. Grows when instruments
/// are added, never while messages are decoded.
package struct KeyTable: ~Copyable {
    private var slots: UnsafeMutablePointer<KeySlot>
    private var capacity: Int
    /// The bytes of all keys, one behind the other.
    private var keys: UnsafeMutablePointer<UInt8>
    private var keyBytes = 0
    /// Of them, of keys that were removed.
    private var deadBytes = 0
    private var keyCapacity = 4096
    private(set) var count = 0

    init(minimumCapacity: Int = 64) {
        var capacity = 16
        while capacity < minimumCapacity * 2 { capacity *= 2 }
        self.capacity = capacity
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: KeySlot(), count: capacity)
        keys = .allocate(capacity: keyCapacity)
    }

    deinit {
        slots.deallocate()
        keys.deallocate()
    }

    /// Eight bytes at a time, mixed by multiplication; never 0.
    @inline(__always)
    private static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: key.count) &* 0x9E37_79B9_7F4A_7C15
        var offset = 0
        while offset + 8 <= key.count {
            let word = key.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash &>> 32
            offset += 8
        }
        var tail: UInt64 = 0
        while offset < key.count {
            tail = tail &<< 8 | UInt64(key[offset])
            offset += 1
        }
        hash = (hash ^ tail) &* 0xC4CE_B9FE_1A85_EC53
        hash ^= hash &>> 29
        return hash == 0 ? 1 : hash
    }

    /// The slot of a key; nil = it is not subscribed.
    @inline(__always)
    func find(_ key: UnsafeRawBufferPointer) -> UnsafeMutablePointer<KeySlot>? {
        let hash = KeyTable.hash(key)
        var index = Int(truncatingIfNeeded: hash) & (capacity - 1)
        while slots[index].hash != 0 {
            if slots[index].hash == hash, slots[index].keyLength == UInt32(key.count), matches(slots + index, key) {
                return slots + index
            }
            index = (index + 1) & (capacity - 1)
        }
        return nil
    }

    @inline(__always)
    private func matches(_ slot: UnsafeMutablePointer<KeySlot>, _ key: UnsafeRawBufferPointer) -> Bool {
        guard let base = key.baseAddress else { return slot.pointee.keyLength == 0 }
        return memcmp(keys + Int(slot.pointee.keyOffset), base, key.count) == 0
    }

    /// Adds a key, or changes what is wanted of it.
    package mutating func set(_ key: String, handle: UInt32, kinds: KindSet) {
        var key = key
        key.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            if let slot = find(bytes) {
                slot.pointee.handle = handle
                slot.pointee.kinds = kinds
                return
            }
            if (count + 1) * 2 > capacity {
                rebuild(capacity: capacity * 2)
            } else if deadBytes > 4096, deadBytes * 2 > keyBytes {
                rebuild(capacity: capacity)
            }
            let hash = KeyTable.hash(bytes)
            insert(
                KeySlot(
                    hash: hash, keyOffset: UInt32(keyBytes), keyLength: UInt32(bytes.count), handle: handle,
                    kinds: kinds))
            append(bytes)
        }
    }

    /// Removes a key. Those that stand behind it because its place was taken move up.
    mutating func remove(_ key: String) {
        var key = key
        key.withUTF8 { bytes in
            guard let slot = find(UnsafeRawBufferPointer(bytes)) else { return }
            deadBytes += bytes.count
            let mask = capacity - 1
            var free = slot - slots
            var next = free
            while true {
                next = (next + 1) & mask
                guard slots[next].hash != 0 else { break }
                // How far each is from where it would stand best.
                let home = Int(truncatingIfNeeded: slots[next].hash) & mask
                if (next - home) & mask >= (next - free) & mask {
                    slots[free] = slots[next]
                    free = next
                }
            }
            slots[free] = KeySlot()
            count -= 1
        }
    }

    /// Forgets what is known of a key: what comes next is the first state of a new subscription.
    func forget(_ key: String) {
        var key = key
        key.withUTF8 { bytes in
            guard let slot = find(UnsafeRawBufferPointer(bytes)) else { return }
            slot.pointee.isSeen = false
            slot.pointee.isQuoted = false
            slot.pointee.state = FeedUpdate()
        }
    }

    private mutating func insert(_ slot: KeySlot) {
        var index = Int(truncatingIfNeeded: slot.hash) & (capacity - 1)
        while slots[index].hash != 0 { index = (index + 1) & (capacity - 1) }
        slots[index] = slot
        count += 1
    }

    /// Moves everything, and the bytes of the keys that are left close together.
    private mutating func rebuild(capacity newCapacity: Int) {
        let old = slots
        let oldCapacity = capacity
        let oldKeys = keys
        capacity = newCapacity
        slots = .allocate(capacity: newCapacity)
        slots.initialize(repeating: KeySlot(), count: newCapacity)
        count = 0
        keys = .allocate(capacity: keyCapacity)
        keyBytes = 0
        deadBytes = 0
        for index in 0..<oldCapacity where old[index].hash != 0 {
            var slot = old[index]
            let bytes = UnsafeRawBufferPointer(start: oldKeys + Int(slot.keyOffset), count: Int(slot.keyLength))
            slot.keyOffset = UInt32(keyBytes)
            append(bytes)
            insert(slot)
        }
        old.deallocate()
        oldKeys.deallocate()
    }

    private mutating func append(_ key: UnsafeRawBufferPointer) {
        if keyBytes + key.count > keyCapacity {
            keyCapacity = max(keyCapacity * 2, keyBytes + key.count)
            let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: keyCapacity)
            larger.update(from: keys, count: keyBytes)
            keys.deallocate()
            keys = larger
        }
        for byte in key {
            keys[keyBytes] = byte
            keyBytes += 1
        }
    }
}
