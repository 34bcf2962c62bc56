internal import PluginABI

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// A copy of one record; its memory grows with the largest record it ever held.
struct RecordSlot: BitwiseCopyable {
    private var memory: UnsafeMutableRawPointer?
    private var capacityLines: Int32 = 0
    /// 0 = nothing is held.
    private(set) var lines: Int32 = 0

    init() {}

    @inline(__always)
    var record: UnsafePointer<hub_record>? {
        lines == 0 ? nil : UnsafePointer(memory.unsafelyUnwrapped.assumingMemoryBound(to: hub_record.self))
    }

    @inline(__always)
    mutating func store(_ record: UnsafePointer<hub_record>) {
        let needed = Int32(record.pointee.lines)
        if needed > capacityLines { grow(needed) }
        memcpy(memory.unsafelyUnwrapped, record, Int(needed) * Int(HUB_LINE))
        lines = needed
    }

    mutating func free() {
        memory?.deallocate()
        self = RecordSlot()
    }

    private mutating func grow(_ needed: Int32) {
        memory?.deallocate()
        memory = .allocate(byteCount: Int(needed) * Int(HUB_LINE), alignment: Int(HUB_LINE))
        capacityLines = needed
    }
}
