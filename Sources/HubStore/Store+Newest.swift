import EventFormat
import GRDB
import HubChunks
public import HubJournal
public import PluginABI

extension Store {
    /// The newest records before a position, at most `count`, oldest first, one behind the other. Any thread. What is gone is
    /// passed over: `holes` tells.
    ///
    /// - Parameter isWanted: a further condition.
    public func newestRecords(
        _ count: Int, before seq: UInt64, kinds: KindSet = .all,
        where isWanted: ((UnsafePointer<hub_record>) -> Bool)? = nil
    ) throws(StoreError) -> [UInt8] {
        try newestRecords(count, after: 0, before: seq, matching: JournalFilter(kinds: kinds), where: isWanted)
    }

    /// The same with a filter, and not going back beyond a position (exclusive); times in the filter only let chunks be passed
    /// over.
    ///
    /// Reads backwards, segment by segment and chunk by chunk, so what it costs is the distance to the oldest one found.
    public func newestRecords(
        _ count: Int, after floor: UInt64, before seq: UInt64, matching filter: JournalFilter,
        where isWanted: ((UnsafePointer<hub_record>) -> Bool)? = nil
    ) throws(StoreError) -> [UInt8] {
        guard count > 0, seq > floor + 1 else { return [] }
        return try StoreError.wrapping(path) {
            var found = NewestRecords(count: count)
            while true {
                let catalogue = catalogueNow
                do {
                    try collect(&found, after: floor, before: min(found.oldestLooked, seq), filter, isWanted)
                    return found.bytes
                } catch let failure as ChunkTable.Failure {
                    // The segment is gone through again, without what cannot be read.
                    noteUnreadable(failure, catalogue)
                }
            }
        }
    }

    private func collect(
        _ found: inout NewestRecords, after floor: UInt64, before seq: UInt64, _ filter: JournalFilter,
        _ isWanted: ((UnsafePointer<hub_record>) -> Bool)?
    ) throws {
        let catalogue = catalogueNow
        let wantsKept = !StorePart.kept.kinds(of: filter.kinds).isEmpty
        let wantsChunks =
            filter.kinds.contains(UInt8(HUB_CONTROL))
            || StorePart.inDayFiles.contains { !$0.kinds(of: filter.kinds).isEmpty }
        var end = seq
        var number = wantsChunks ? min(catalogue.index(after: seq - 1), catalogue.entries.count - 1) : -1
        while end > floor + 1, !found.isFull {
            // Downwards: what lies behind the last segment, the segment, what lies before it, and so on.
            while number >= 0, catalogue.entries[number].firstSeq >= end { number -= 1 }
            let entry = number >= 0 ? catalogue.entries[number] : nil
            let isInside = entry.map { $0.lastSeq + 1 >= end } ?? false
            let start = max(floor, isInside ? entry!.firstSeq - 1 : entry?.lastSeq ?? 0)
            var inSpan = found.forSpan()
            if isInside, let entry {
                try collectChunks(&inSpan, entry, after: start, before: end, filter, isWanted, catalogue)
            }
            if wantsKept { try collectKept(&inSpan, after: start, before: end, filter, isWanted) }
            found.add(inSpan)
            end = start + 1
            found.oldestLooked = end
        }
    }

    private func collectKept(
        _ found: inout NewestRecords, after floor: UInt64, before seq: UInt64, _ filter: JournalFilter,
        _ isWanted: ((UnsafePointer<hub_record>) -> Bool)?
    ) throws {
        try pool.read { db in
            let rows = try Row.fetchCursor(
                try db.cachedStatement(
                    sql: """
                        SELECT body FROM event WHERE \(Self.condition(filter.kinds))seq > ? AND seq < ?
                        ORDER BY seq DESC
                        """), arguments: [Int64(clamping: floor), Int64(clamping: seq)])
            let scratch = RecordScratch()
            var count = 0
            while count < found.count, let row = try rows.next() {
                try row.withUnsafeData(atIndex: 0) { data in
                    scratch.withRecord(data) { record in
                        if let streams = filter.streams, !streams.contains(record.pointee.stream) { return }
                        guard isWanted?(record) ?? true else { return }
                        found.add(record)
                        count += 1
                    }
                }
            }
        }
    }

    private func collectChunks(
        _ found: inout NewestRecords, _ entry: CompactedEntry, after floor: UInt64, before seq: UInt64,
        _ filter: JournalFilter, _ isWanted: ((UnsafePointer<hub_record>) -> Bool)?, _ catalogue: Catalogue
    ) throws {
        guard entry.mayMatch(filter) else { return }
        var chunks: [(source: ChunkSource, header: ChunkHeader)] = []
        for part in StorePart.allCases {
            guard let some = try self.chunks(of: entry, part, matching: filter, in: catalogue) else { continue }
            chunks += some.headers.filter { $0.lastSeq > floor && $0.firstSeq < seq }.map { (some.source, $0) }
        }
        chunks.sort { $0.header.lastSeq > $1.header.lastSeq }
        var buffer = RecordBuffer(capacity: 64)
        var decoder = ChunkDecoder()
        var places: [Int] = []
        for (source, header) in chunks {
            // All that follow end before the oldest one that is needed.
            if let oldest = found.oldestNeeded, header.lastSeq < oldest { return }
            buffer.removeAll()
            try read(source) { try ChunkTable.decode($0, header, &decoder, into: &buffer) }
            places.removeAll(keepingCapacity: true)
            let base = buffer.bytes.baseAddress!
            var offset = 0
            while offset < buffer.count {
                places.append(offset)
                offset += Int((base + offset).load(as: UInt8.self)) * Int(HUB_LINE)
            }
            var count = 0
            for place in places.reversed() where count < found.count {
                let record = (base + place).assumingMemoryBound(to: hub_record.self)
                guard record.pointee.seq < seq else { continue }
                guard record.pointee.seq > floor else { break }
                guard isWanted?(record) ?? true else { continue }
                found.add(record)
                count += 1
            }
        }
    }
}

/// The newest records so far.
private struct NewestRecords {
    /// How many are wanted.
    let count: Int
    /// Everything from here on was looked at.
    var oldestLooked = UInt64.max
    private var records: [(seq: UInt64, bytes: [UInt8])] = []

    init(count: Int) {
        self.count = count
    }

    var isFull: Bool { records.count >= count }

    /// For a stretch before all that was found: it needs to find only what is missing.
    func forSpan() -> NewestRecords { NewestRecords(count: count - records.count) }

    mutating func add(_ record: UnsafePointer<hub_record>) {
        records.append((record.pointee.seq, Array(RecordPointer(record).bytes)))
        if records.count >= count * 2 + 64 { cut() }
    }

    mutating func add(_ other: NewestRecords) {
        records += other.records
        cut()
    }

    private mutating func cut() {
        records.sort { $0.seq > $1.seq }
        if records.count > count { records.removeLast(records.count - count) }
    }

    /// What is older need not be looked at; `nil` as long as there are not enough.
    var oldestNeeded: UInt64? {
        mutating get {
            guard records.count >= count else { return nil }
            cut()
            return records.last?.seq
        }
    }

    /// All, oldest first.
    var bytes: [UInt8] { records.sorted { $0.seq < $1.seq }.flatMap(\.bytes) }
}
