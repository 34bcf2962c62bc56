import GRDB
import HubChunks
public import HubJournal
import PluginABI

/// How many events of a stream and kind there are, and from when to when.
public struct EventCount: Sendable, Hashable {
    public var stream: UInt32
    public var kind: UInt8
    public var count: UInt64
    /// Times of the first and of the last one, nanoseconds.
    public var firstNanoseconds: Int64
    public var lastNanoseconds: Int64

    mutating func add(count more: UInt64, first: Int64, last: Int64) {
        count += more
        firstNanoseconds = min(firstNanoseconds, first)
        lastNanoseconds = max(lastNanoseconds, last)
    }
}

extension Store {
    /// Whether events of a kind are packed into the files of days; others are rows from the moment that the store has followed.
    public static func isPacked(_ kind: UInt8) -> Bool { StorePart.of(kind) != .kept }

    /// Counts compacted events of a filter up to a position, of the kinds that are packed. Any thread.
    ///
    /// Chunks tell by their headers what they hold; only those across an end of the range are unpacked.
    public func countPacked(through seq: UInt64, matching filter: JournalFilter) throws(StoreError) -> [EventCount] {
        try StoreError.wrapping(path) {
            let catalogue = catalogueNow
            var found: [UInt64: EventCount] = [:]
            var decoder = ChunkDecoder()
            for (key, entries) in packed(through: seq, matching: filter, catalogue) {
                do {
                    let source = try chunkSource(key)
                    let headers = try count(entries, key, source, through: seq, filter, catalogue, &found)
                    for header in headers {
                        try add(header, source, through: seq, filter, &decoder, &found)
                    }
                } catch let failure as ChunkTable.Failure {
                    noteUnreadable(failure, catalogue)
                }
            }
            return found.values.sorted { ($0.stream, $0.kind) < ($1.stream, $1.kind) }
        }
    }

    /// Segments with something of a filter, by the file that has them.
    private func packed(
        through seq: UInt64, matching filter: JournalFilter, _ catalogue: Catalogue
    ) -> [(key: DayKey, entries: [CompactedEntry])] {
        var segments: [DayKey: [CompactedEntry]] = [:]
        for entry in catalogue.entries where entry.firstSeq <= seq && entry.mayMatch(filter) {
            for part in StorePart.inDayFiles where catalogue.isReadable(entry, part) {
                guard !part.kinds(of: filter.kinds).intersection(entry.kinds).isEmpty else { continue }
                segments[DayKey(part: part, day: entry.day), default: []].append(entry)
            }
        }
        return segments.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Adds what lies inside of the range as a whole; answers the chunks of which only a part may.
    private func count(
        _ entries: [CompactedEntry], _ key: DayKey, _ source: ChunkSource, through seq: UInt64,
        _ filter: JournalFilter, _ catalogue: Catalogue, _ found: inout [UInt64: EventCount]
    ) throws -> [ChunkHeader] {
        var edges: [ChunkHeader] = []
        let damaged = catalogue.damaged.filter { chunk in entries.contains { $0.firstSeq == chunk.segment } }
        let inside: [any DatabaseValueConvertible] = [
            filter.fromNanoseconds ?? .min, filter.toNanoseconds ?? .max, Int64(clamping: seq),
        ]
        for state in [CompactedEntry.State.present, .trimmed] {
            let segments = entries.filter { $0[key.part] == state }.map { String($0.firstSeq) }
            guard !segments.isEmpty else { continue }
            var condition = "segment IN (\(segments.joined(separator: ",")))"
            // More would make the statement longer than what it saves.
            if let ids = filter.streams?.ids, ids.count <= 32 {
                condition += " AND stream IN (\(ids.map { String($0) }.joined(separator: ",")))"
            }
            let trimmed = state == .trimmed ? catalogue.trims[key] : nil
            func isWanted(_ stream: UInt32, _ kind: UInt8) -> Bool {
                filter.kinds.contains(kind) && filter.streams?.contains(stream) ?? true
                    && !(trimmed?.contains(stream) ?? false)
            }
            // A damaged chunk's count is as good as lost: what cannot be read is not there.
            let whole = "first_event >= ? AND last_event < ? AND last_seq <= ?"
            let lost = damaged.map {
                " AND NOT (segment = \($0.segment) AND stream = \($0.stream) AND kind = \($0.kind)"
                    + " AND first_seq = \($0.firstSeq))"
            }.joined()
            try read(source) { db in
                let sums = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT stream, kind, sum(count), min(first_event), max(last_event) FROM chunk
                        WHERE \(condition)\(lost) AND \(whole) GROUP BY stream, kind
                        """, arguments: StatementArguments(inside))
                while let row = try sums.next() {
                    let stream = UInt32(truncatingIfNeeded: row[0] as Int64)
                    let kind = UInt8(truncatingIfNeeded: row[1] as Int64)
                    guard isWanted(stream, kind) else { continue }
                    Self.add(
                        EventCount(
                            stream: stream, kind: kind, count: UInt64(row[2] as Int64), firstNanoseconds: row[3],
                            lastNanoseconds: row[4]), to: &found)
                }
                let rest = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT id, stream, kind, first_seq, last_seq, first_event, last_event, count FROM chunk
                        WHERE \(condition)\(lost) AND last_event >= ? AND first_event < ? AND first_seq <= ?
                            AND NOT (\(whole))
                        """, arguments: StatementArguments(inside + inside))
                while let row = try rest.next() {
                    let header = ChunkHeader(row)
                    if isWanted(header.stream, header.kind) { edges.append(header) }
                }
            }
        }
        return edges
    }

    /// Counts what of a chunk lies in the range.
    private func add(
        _ header: ChunkHeader, _ source: ChunkSource, through seq: UInt64, _ filter: JournalFilter,
        _ decoder: inout ChunkDecoder, _ found: inout [UInt64: EventCount]
    ) throws {
        var buffer = RecordBuffer(capacity: 1 << 12)
        do {
            try read(source) { try ChunkTable.decode($0, header, &decoder, into: &buffer) }
        } catch let failure as ChunkTable.Failure {
            noteUnreadable(failure, catalogueNow)
            return
        }
        ChunkTable.forEach(buffer) { record in
            let time = record.pointee.ts_event != 0 ? record.pointee.ts_event : record.pointee.ts_recv
            guard record.pointee.seq <= seq, time >= filter.fromNanoseconds ?? .min,
                filter.toNanoseconds.map({ time < $0 }) ?? true
            else { return }
            Self.add(
                EventCount(
                    stream: header.stream, kind: header.kind, count: 1, firstNanoseconds: time, lastNanoseconds: time),
                to: &found)
        }
    }

    private static func add(_ count: EventCount, to found: inout [UInt64: EventCount]) {
        let key = UInt64(count.stream) << 8 | UInt64(count.kind)
        if found[key] == nil {
            found[key] = count
        } else {
            found[key]?.add(
                count: count.count, first: count.firstNanoseconds, last: count.lastNanoseconds)
        }
    }

    /// Notes what could not be read, so that readers are told of it as a hole; what retention has taken meanwhile is none.
    func noteUnreadable(_ failure: ChunkTable.Failure, _ catalogue: Catalogue) {
        switch failure {
        case .vanished(let chunk):
            if catalogue.version == catalogueVersion {
                noteDamage(chunk, after: chunk.firstSeq - 1, words: "it is not there")
            }
        case .damaged(let chunk, let words): noteDamage(chunk, after: chunk.firstSeq - 1, words: words)
        case .fileLost: break
        }
    }
}
