import GRDB
import HubChunks
import HubJournal
import PluginABI

/// What readers need of chunks, and what happens where some cannot be read: it costs their range, and nothing else.
extension Store {
    var catalogueNow: Catalogue { catalogue.withLock { $0 } }
    var catalogueVersion: Int { catalogue.withLock { $0.version } }

    /// Headers of a segment's chunks that can hold what a filter selects; `nil` if there are none of the part.
    func chunks(
        of entry: CompactedEntry, _ part: StorePart, matching filter: JournalFilter, in catalogue: Catalogue
    ) throws -> (source: ChunkSource, headers: [ChunkHeader])? {
        guard catalogue.isReadable(entry, part) else { return nil }
        let wanted = part.kinds(of: filter.kinds).intersection(entry.kinds)
        guard !wanted.isEmpty else { return nil }
        let key = DayKey(part: part, day: entry.day)
        let source = try chunkSource(key)
        var headers = try read(source) { db in
            try ChunkTable.headers(db, segment: entry.firstSeq, part: part, matching: filter)
        }
        if entry[part] == .trimmed, let trimmed = catalogue.trims[key] {
            headers.removeAll { trimmed.contains($0.stream) }
        }
        if !catalogue.damaged.isEmpty {
            headers.removeAll { header in
                catalogue.damaged.contains {
                    $0.segment == entry.firstSeq && $0.stream == header.stream && $0.kind == header.kind
                        && $0.firstSeq == header.firstSeq
                }
            }
        }
        return (source, headers)
    }

    func chunkSource(_ key: DayKey) throws -> ChunkSource {
        guard key.part != .kept else { return .store }
        do {
            if let file = try files.file(key) { return .file(key, file) }
            noteLoss(of: key, words: "\(files.path(key)) is not there")
        } catch {
            noteLoss(of: key, words: "\(error)")
        }
        throw ChunkTable.Failure.fileLost
    }

    /// A read of the database in which chunks lie.
    func read<Result>(_ source: ChunkSource, _ body: (Database) throws -> Result) throws -> Result {
        switch source {
        case .store: return try pool.read(body)
        case .file(let key, let file):
            do {
                return try file.pool.read(body)
            } catch let error as DatabaseError {
                noteLoss(of: key, words: "\(file.path): \(error.message ?? "\(error.resultCode)")")
                throw ChunkTable.Failure.fileLost
            }
        }
    }

    /// Kept records between two positions, by position.
    func readKept(
        after seq: UInt64, through last: UInt64, kinds: KindSet, most: Int,
        _ body: (UnsafePointer<hub_record>) -> Void
    ) throws {
        try pool.read { db in
            let rows = try Row.fetchCursor(
                try db.cachedStatement(
                    sql: """
                        SELECT body FROM event WHERE \(Self.condition(kinds))seq > ? AND seq <= ? ORDER BY seq LIMIT ?
                        """), arguments: [Int64(clamping: seq), Int64(clamping: last), most])
            try Self.forEach(rows, body)
        }
    }

    /// Without a condition on the kind the table itself is read in order; the condition written out is what lets SQLite use the
    /// index of the rare kinds.
    static func condition(_ kinds: KindSet) -> String {
        let kept = StorePart.kept.kinds(of: kinds)
        if kept == StorePart.kept.usualKinds { return "" }
        var condition = "kind IN (\(kept.text)) AND "
        if !kept.contains(UInt8(HUB_BAR)), !kept.contains(UInt8(HUB_VALUE)) {
            condition += "kind NOT IN (5, 6) AND "
        }
        return condition
    }

    // MARK: Faults

    /// A file of a day cannot be read: what it held is a hole until it can.
    func noteLoss(of key: DayKey, words: String) {
        let isNew = catalogue.withLock { catalogue in
            // What retention has just removed is no loss.
            let isWanted = catalogue.entries.contains {
                $0.day == key.day && ($0[key.part] == .present || $0[key.part] == .trimmed)
            }
            guard isWanted, catalogue.unreadable[key] == nil else { return false }
            catalogue.unreadable[key] = words
            catalogue.version += 1
            return true
        }
        guard isNew else { return }
        files.forget(key)
        tell("\(words); what it held of \(DayFiles.name(key.day)) cannot be read, everything else can")
    }

    /// A chunk cannot be unpacked: its range is a hole.
    func noteDamage(_ chunk: ChunkHeader, after seq: UInt64, words: String) {
        let isNew = catalogue.withLock { catalogue in
            let index = catalogue.index(after: max(seq, chunk.firstSeq - 1))
            guard index < catalogue.entries.count else { return false }
            let damage = DamagedChunk(
                segment: catalogue.entries[index].firstSeq, stream: chunk.stream, kind: chunk.kind,
                firstSeq: chunk.firstSeq, lastSeq: chunk.lastSeq)
            guard !catalogue.damaged.contains(damage) else { return false }
            catalogue.damaged.append(damage)
            catalogue.version += 1
            return true
        }
        if isNew { tell("a chunk with \(chunk.firstSeq) to \(chunk.lastSeq) cannot be read: \(words)") }
    }

    func tell(_ words: String) { faults.withLock { $0 }?(words) }
}
