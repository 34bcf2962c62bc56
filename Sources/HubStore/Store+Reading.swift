import EventFormat
import GRDB
import HubChunks
public import HubJournal
public import PluginABI

extension Store {
    /// A cursor over everything that the store has after a position and up to another one. Any thread; each reader on one at a
    /// time.
    ///
    /// Streams and kinds of the filter hold exactly; times only let it pass over chunks that cannot match.
    public func reader(
        after seq: UInt64, through last: UInt64 = .max, matching filter: JournalFilter = JournalFilter()
    ) -> StoreReader {
        StoreReader(self, after: seq, through: last, matching: filter)
    }

    /// The oldest position of which the store has something; `nil` if it has nothing. Any thread.
    public func earliest() throws(StoreError) -> UInt64? {
        try StoreError.wrapping(path) { try pool.read { db in try noteFirstKept(db) } }
        return earliestReadable?.seq
    }

    /// The oldest position of which the store has something, and when that was received; `nil` if it has nothing. Any thread,
    /// and without waiting for the disk.
    public var earliestReadable: (seq: UInt64, receivedNanoseconds: Int64)? {
        let compacted = catalogue.withLock { catalogue -> Place? in
            if catalogue.firstVersion != catalogue.version {
                catalogue.first = catalogue.firstReadable.map { Place(seq: $0.firstSeq, received: $0.firstReceived) }
                catalogue.firstVersion = catalogue.version
            }
            return catalogue.first
        }
        let kept = firstKept.withLock { $0 }
        return [compacted, kept].compactMap { $0 }.min { $0.seq < $1.seq }.map { ($0.seq, $0.received) }
    }

    /// Looks which kept record is the first.
    func noteFirstKept(_ db: Database) throws {
        var place: Place?
        let rows = try Row.fetchCursor(
            try db.cachedStatement(sql: "SELECT body FROM event ORDER BY seq LIMIT 1"))
        try Self.forEach(rows) { place = Place(seq: $0.pointee.seq, received: $0.pointee.ts_recv) }
        firstKept.withLock { $0 = place }
    }

    /// Records between two positions (both exclusive), in order by `seq`, one behind the other. Any thread. What is gone is
    /// passed over: `holes` tells.
    ///
    /// - Parameters:
    ///   - kinds: only these.
    ///   - streams: only those of these; `nil` = all.
    ///   - maxBytes: the answer ends after the record that reaches it.
    /// - Returns: the records, and the last position that they cover: `before - 1` if nothing is left.
    public func records(
        after seq: UInt64, before: UInt64, kinds: KindSet = .all, streams: StreamSet? = nil, maxBytes: Int = 1 << 20
    ) throws(StoreError) -> (records: [UInt8], last: UInt64) {
        var bytes: [UInt8] = []
        guard before > 0 else { return ([], seq) }
        let last = try forEachRecord(after: seq, through: before - 1, kinds: kinds, streams: streams) { record in
            bytes.append(contentsOf: RecordPointer(record).bytes)
            return bytes.count < maxBytes
        }
        return (bytes, last)
    }

    /// Calls `body` with records after a position and up to another one, in order by `seq`, until it answers `false`. Any
    /// thread. A record is good only within `body`. What is gone is passed over: `holes` tells.
    ///
    /// Of kinds other than `bar` and `value` there are few kept ones, and they are found without reading those.
    /// - Returns: the last position that was looked at: `last`, or that of the record at which `body` ended it.
    @discardableResult
    public func forEachRecord(
        after seq: UInt64, through last: UInt64, kinds: KindSet = .all, streams: StreamSet? = nil,
        _ body: (UnsafePointer<hub_record>) -> Bool
    ) throws(StoreError) -> UInt64 {
        try forEachRecord(
            after: seq, through: last, matching: JournalFilter(streams: streams, kinds: kinds), body)
    }

    /// The same with a filter; times in it only let chunks be passed over.
    @discardableResult
    public func forEachRecord(
        after seq: UInt64, through last: UInt64, matching filter: JournalFilter,
        _ body: (UnsafePointer<hub_record>) -> Bool
    ) throws(StoreError) -> UInt64 {
        guard seq < last else { return seq }
        let reader = reader(after: seq, through: last, matching: filter)
        var buffer = RecordBuffer(capacity: 1 << 12)
        // A caller that wants a few records should not wait for many.
        var most = 1 << 12
        while true {
            buffer.removeAll()
            let stop = try reader.read(into: &buffer, maxBytes: most)
            most = min(most * 4, 1 << 20)
            var offset = 0
            while offset < buffer.count {
                let record = (buffer.bytes.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                offset += Int(record.pointee.lines) * Int(HUB_LINE)
                if !body(record) { return record.pointee.seq }
            }
            if case .end = stop { return last }
        }
    }

    /// Calls `body` with every gap record up to a position, in order by `seq`. Any thread. A record is good only within `body`.
    public func gaps(
        through seq: UInt64, _ body: (UnsafePointer<hub_record>) -> Void
    ) throws(StoreError) {
        try forEachRecord(after: 0, through: seq, kinds: KindSet([HUB_GAP])) { record in
            body(record)
            return true
        }
    }
}

/// A position and when it was received.
struct Place: Sendable {
    var seq: UInt64
    var received: Int64
}

extension Catalogue {
    /// The oldest segment of which something is left.
    var firstReadable: CompactedEntry? {
        entries.first { entry in StorePart.allCases.contains { isReadable(entry, $0) } }
    }
}
