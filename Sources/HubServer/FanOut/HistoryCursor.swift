import HubChunks
import HubJournal
import HubRuntime
import HubStore
import Synchronization

/// Records out of the store, one behind the other.
final class HistoryRecords: @unchecked Sendable {
    private let buffer: RecordBuffer

    init(_ buffer: consuming RecordBuffer) {
        self.buffer = buffer
    }

    var count: Int { buffer.count }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try body(buffer.bytes)
    }
}

/// A part of the past: records, the last position that they cover, and what is missing behind that.
struct HistoryChunk: Sendable {
    var records: HistoryRecords
    var last: UInt64
    var hole: StoreHole?
    /// Whether nothing comes behind.
    var isLast: Bool
}

/// A cursor over what the journal has let go, for a connection that reads at its own pace.
///
/// While one chunk is being written, the next is read. What is unpacked for a cursor that rests may be taken from it
/// (`HistoryShelf`); it is unpacked anew then.
final class HistoryCursor: Sendable {
    /// Bytes of records handed out at a time.
    static let chunkBytes = 1 << 20

    private let engine: any EngineAccess
    private let filter: JournalFilter
    private let through: UInt64
    private let shelf: HistoryShelf
    private struct State: Sendable {
        /// Everything up to here was read.
        var position: UInt64
        var reader: StoreReader?
        var told: StoreHole?
        var ready: HistoryChunk?
    }
    private let state: Mutex<State>

    init(
        _ engine: any EngineAccess, after seq: UInt64, through last: UInt64, matching filter: JournalFilter,
        shelf: HistoryShelf
    ) {
        self.engine = engine
        self.filter = filter
        through = last
        self.shelf = shelf
        state = Mutex(State(position: seq))
    }

    deinit { shelf.remove(ObjectIdentifier(self)) }

    /// The next part. Takes its time: not for an event loop.
    func next() throws -> HistoryChunk {
        let result: Result<HistoryChunk, any Error> = state.withLock { state in
            if let ready = state.ready {
                state.ready = nil
                return .success(ready)
            }
            return Result { try read(&state) }
        }
        shelf.used(self)
        return try result.get()
    }

    /// Reads the part that comes next, so that it is there when it is asked for. The same.
    func prefetch() {
        state.withLock { state in
            // What fails here fails again when it is asked for, and is told then.
            if state.ready == nil, state.position < through { state.ready = try? read(&state) }
        }
        shelf.used(self)
    }

    private func read(_ state: inout State) throws -> HistoryChunk {
        try History(engine).wait(for: through)
        let reader = state.reader ?? engine.store.reader(after: state.position, through: through, matching: filter)
        if state.reader == nil { reader.told = state.told }
        state.reader = reader
        var buffer = RecordBuffer(capacity: 1 << 16)
        let stop = try reader.read(into: &buffer, maxBytes: Self.chunkBytes)
        state.position = reader.position
        state.told = reader.told
        var hole: StoreHole?
        if case .hole(let found) = stop { hole = found }
        let isLast = stop == .end || (hole == nil && reader.position >= through)
        if isLast { state.reader = nil }
        return HistoryChunk(records: HistoryRecords(buffer), last: reader.position, hole: hole, isLast: isLast)
    }

    /// Bytes that it holds.
    var heldBytes: Int {
        state.withLockIfAvailable { ($0.reader?.heldBytes ?? 0) + ($0.ready?.records.count ?? 0) } ?? 0
    }

    /// Lets go of what it has unpacked, unless it is just being used.
    func rest() {
        _ = state.withLockIfAvailable { state in
            state.reader = nil
        }
    }
}

/// Bounds what all cursors together keep unpacked: those that were not used for longest let go first.
final class HistoryShelf: Sendable {
    private static let mostBytes = 192 << 20

    private final class Weak: Sendable {
        nonisolated(unsafe) weak var cursor: HistoryCursor?
        init(_ cursor: HistoryCursor) { self.cursor = cursor }
    }
    private struct Entry: Sendable {
        var cursor: Weak
        var bytes: Int
        var lastUse: UInt64
    }
    private struct State: Sendable {
        var entries: [ObjectIdentifier: Entry] = [:]
        var bytes = 0
        var uses: UInt64 = 0
    }
    private let state = Mutex(State())

    func used(_ cursor: HistoryCursor) {
        let bytes = cursor.heldBytes
        let victims: [HistoryCursor] = state.withLock { state in
            state.uses += 1
            let id = ObjectIdentifier(cursor)
            state.bytes += bytes - (state.entries[id]?.bytes ?? 0)
            state.entries[id] = Entry(cursor: Weak(cursor), bytes: bytes, lastUse: state.uses)
            guard state.bytes > Self.mostBytes else { return [] }
            var victims: [HistoryCursor] = []
            for (other, entry) in state.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse })
            where state.bytes > Self.mostBytes / 2 && other != id && entry.bytes > 0 {
                state.bytes -= entry.bytes
                state.entries[other]?.bytes = 0
                if let victim = entry.cursor.cursor { victims.append(victim) }
            }
            return victims
        }
        for victim in victims { victim.rest() }
    }

    func remove(_ id: ObjectIdentifier) {
        state.withLock { state in
            state.bytes -= state.entries.removeValue(forKey: id)?.bytes ?? 0
        }
    }
}
