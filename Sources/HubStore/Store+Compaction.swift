import EventFormat
import GRDB
import HubChunks
public import HubJournal
import PluginABI

/// What became of a segment of the journal.
public struct CompactedSegment: Sendable, Hashable {
    public var firstSeq: UInt64
    public var lastSeq: UInt64
    /// Records that were packed, and the bytes they take now.
    public var records: Int
    public var bytes: Int
    /// Where the segment's records end before they should: what lies behind is lost.
    public var isDamaged: Bool
}

/// Where compaction and retention are, for tests that stop them there.
enum StoreStep: String, Sendable, CaseIterable {
    case segmentFound, chunksWritten, fileCommitted, catalogueWritten, segmentDone
    case retentionNoted, fileRemoved, instrumentsRemoved, roomGivenBack, retentionDone
}

extension Store {
    /// Everything up to here is in the store whole, market data too; what lies behind only the journal has. Any thread.
    public var compactedTo: UInt64 { catalogue.withLock { $0.compactedTo } }

    /// Packs the oldest segment of the journal that is sealed and was not compacted yet, if the store has followed beyond it.
    /// One thread at a time (others wait).
    ///
    /// Each file is written in one transaction, and the segment counts as compacted by the last one, that of the store; after a
    /// crash before it all is done again, and what was done before makes room for it.
    /// - Returns: what was packed; `nil` if there is nothing to do.
    public func compactNext(_ journal: Journal) throws(StoreError) -> CompactedSegment? {
        let result: Result<CompactedSegment?, StoreError> = compactionLock.withLock { _ in
            do throws(StoreError) {
                return .success(try compactHoldingLock(journal))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func compactHoldingLock(_ journal: Journal) throws(StoreError) -> CompactedSegment? {
        let done = compactedTo
        guard let segment = journal.sealedSegment(after: done), segment.lastSeq <= position else { return nil }
        onStep?(.segmentFound)
        return try StoreError.wrapping(path) {
            try segment.withRecords { try compact(segment, $0) }
        }
    }

    private func compact(_ segment: SealedSegment, _ records: UnsafeRawBufferPointer) throws -> CompactedSegment {
        compactor.sorter.sort(records, first: segment.firstSeq)
        var entry = CompactedEntry(
            firstSeq: segment.firstSeq, lastSeq: compactor.sorter.lastSeq,
            day: CivilDate.day(ofNanoseconds: compactor.sorter.firstReceived),
            firstReceived: compactor.sorter.firstReceived, lastReceived: compactor.sorter.lastReceived,
            firstEvent: .max, lastEvent: .min, kinds: KindSet(compactor.sorter.kinds.map { Int($0) }))
        var bytes = 0
        for part in StorePart.inDayFiles {
            let lanes = compactor.sorter.lanes.filter { StorePart.of($0.kind) == part }
            guard !lanes.isEmpty else { continue }
            let key = DayKey(part: part, day: entry.day)
            guard let file = try files.file(key, creating: true) else { continue }
            try StoreError.wrapping(file.path) {
                try file.pool.write { db in
                    try limitPages?(db)
                    bytes += try compactor.write(lanes, &entry, db)
                    onStep?(.chunksWritten)
                }
            }
            entry[part] = .present
            onStep?(.fileCommitted)
        }
        try writeDurably { db in
            let lanes = compactor.sorter.lanes.filter { StorePart.of($0.kind) == .kept }
            if !lanes.isEmpty {
                bytes += try compactor.write(lanes, &entry, db)
                entry.kept = .present
            }
            // A segment at these positions that is not this one belongs to an end that the journal lost.
            try CatalogueTable.takeBack(after: segment.firstSeq - 1, db)
            if entry.lastSeq >= entry.firstSeq { try CatalogueTable.insert(entry, epoch: segment.epoch, db) }
            try Fact.compacted.set(Int64(segment.lastSeq), db)
            onStep?(.catalogueWritten)
        }
        let isWhole = entry.lastSeq == segment.lastSeq
        catalogue.withLock { catalogue in
            catalogue.entries.removeAll { $0.lastSeq >= entry.firstSeq }
            if entry.lastSeq >= entry.firstSeq { catalogue.entries.append(entry) }
            catalogue.compactedTo = segment.lastSeq
            catalogue.version += 1
        }
        onStep?(.segmentDone)
        return CompactedSegment(
            firstSeq: segment.firstSeq, lastSeq: segment.lastSeq, records: compactor.sorter.count, bytes: bytes,
            isDamaged: !isWhole)
    }

    /// A write that survives the power: what follows from it, such as removing files, must not survive without it.
    func writeDurably(_ body: (Database) throws -> Void) throws {
        try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            defer { try? db.execute(sql: "PRAGMA synchronous = NORMAL") }
            try limitPages?(db)
            try db.inTransaction {
                try body(db)
                return .commit
            }
        }
    }
}

/// What compaction keeps from one segment to the next, so that it need not be allocated again. Only with the compaction's
/// lock held.
final class Compactor: @unchecked Sendable {
    var sorter = LaneSorter()
    private var encoder = ChunkEncoder()

    /// Writes the chunks of some lanes of a segment; answers their bytes.
    func write(_ lanes: [LaneSorter.Lane], _ entry: inout CompactedEntry, _ db: Database) throws -> Int {
        var writer = try ChunkWriter(db, segment: entry.firstSeq)
        for lane in lanes {
            try sorter.forEachPiece(of: lane) { records, _ in try writer.write(lane, records, &encoder) }
        }
        entry.firstEvent = min(entry.firstEvent, writer.firstEvent)
        entry.lastEvent = max(entry.lastEvent, writer.lastEvent)
        return writer.bytes
    }
}
