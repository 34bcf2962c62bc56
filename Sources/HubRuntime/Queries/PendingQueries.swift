import PluginABI
import Synchronization

/// The questions that an instance was asked and has not answered yet, with what came of each so far.
final class PendingQueries: Sendable {
    private struct Pending {
        var symbols: UInt32
        var reply = QueryReply()
        var bytes = 0
        var waiter: CheckedContinuation<QueryReply, Never>
    }

    private let pending = Mutex<[UInt64: Pending]>([:])
    private let lastID = Atomic<UInt64>(0)

    /// One answer may take so much memory.
    static let mostBytes = 64 << 20
    /// So many may be open at once.
    static let mostOpen = 4096

    func nextID() -> UInt64 { lastID.add(1, ordering: .relaxed).newValue }

    /// Begins one. False, and nothing happens, if there are too many.
    func begin(_ id: UInt64, symbols: Int, _ waiter: CheckedContinuation<QueryReply, Never>) -> Bool {
        pending.withLock { pending in
            guard pending.count < Self.mostOpen else { return false }
            pending[id] = Pending(symbols: UInt32(clamping: symbols), waiter: waiter)
            return true
        }
    }

    /// Takes records of an answer: copied, checked as emitted ones are.
    func records(_ id: UInt64, _ records: UnsafeRawPointer, _ length: Int, now: Int64) -> hub_status {
        guard let symbols = pending.withLock({ $0[id]?.symbols }) else { return hub_status(HUB_NOT_FOUND) }
        guard length > 0 else { return hub_status(HUB_OK) }
        guard length <= Self.mostBytes, length % Int(HUB_LINE) == 0 else { return hub_status(HUB_OVERLOAD) }
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: Int(HUB_LINE))
        defer { space.deallocate() }
        space.copyMemory(from: UnsafeRawBufferPointer(start: records, count: length))
        var check = RecordCheck(handleCount: symbols + 1)
        let good = check.run(space, receivedNanoseconds: now)
        var parts: [Int: [UInt8]] = [:]
        var offset = 0
        while offset < good {
            let record = (space.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
            let size = Int(record.pointee.lines) * Int(HUB_LINE)
            if record.pointee.stream > 0 {
                parts[Int(record.pointee.stream) - 1, default: []] += space[offset..<(offset + size)]
            }
            offset += size
        }
        return pending.withLock { pending in
            guard let bytes = pending[id]?.bytes else { return hub_status(HUB_NOT_FOUND) }
            guard bytes + good <= Self.mostBytes else { return hub_status(HUB_OVERLOAD) }
            pending[id]?.bytes = bytes + good
            for (place, part) in parts { pending[id]?.reply.records[place, default: []] += part }
            return check.rejected == 0 ? hub_status(HUB_OK) : hub_status(HUB_PROTOCOL)
        }
    }

    func json(_ id: UInt64, _ text: String) -> hub_status {
        pending.withLock { pending in
            guard pending[id] != nil else { return hub_status(HUB_NOT_FOUND) }
            guard text.utf8.count <= Self.mostBytes else { return hub_status(HUB_OVERLOAD) }
            pending[id]?.reply.json = text
            return hub_status(HUB_OK)
        }
    }

    /// Ends one. False: it had ended before.
    @discardableResult
    func finish(
        _ id: UInt64, failure: (reason: QueryFailure.Reason, detail: String, retryAfterMilliseconds: Int?)?,
        next: String = "", now: Int64
    ) -> Bool {
        guard var ended = pending.withLock({ $0.removeValue(forKey: id) }) else { return false }
        ended.reply.failure = failure
        ended.reply.next = next
        ended.reply.fetchedNanoseconds = now
        ended.waiter.resume(returning: ended.reply)
        return true
    }

    /// Nobody will answer any more.
    func failAll(_ detail: String) {
        let ids = pending.withLock { Array($0.keys) }
        for id in ids { finish(id, failure: (.failed, detail, nil), now: 0) }
    }
}
