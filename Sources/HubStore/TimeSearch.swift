import HubChunks
public import HubJournal
public import PluginABI

/// Finds events by their time among what was compacted, without going through it: segments and chunks are told apart by the
/// times of their first and last event, and only those are unpacked that may hold what is in force at one of the times asked for.
///
/// For one request; on one thread at a time.
public final class TimeSearch {
    private let store: Store
    private let filter: JournalFilter
    private let through: UInt64
    private let catalogue: Catalogue
    /// Segments with something of the filter; the one with the newest event first.
    private let entries: [CompactedEntry]
    private var headers: [UInt64: [UInt32: [Chunk]]] = [:]
    private var decoder = ChunkDecoder()
    private var buffer = RecordBuffer(capacity: 1 << 12)

    private struct Chunk {
        var source: ChunkSource
        var header: ChunkHeader
    }

    /// - Parameters:
    ///   - filter: streams of all instruments that are asked for, and the kinds.
    ///   - seq: later events do not count.
    public init(_ store: Store, through seq: UInt64, matching filter: JournalFilter) {
        self.store = store
        self.filter = filter
        through = seq
        catalogue = store.catalogueNow
        entries = catalogue.entries.filter { entry in
            entry.firstSeq <= seq && entry.mayMatch(filter) && !filter.kinds.intersection(entry.kinds).isEmpty
        }.sorted { $0.lastEvent > $1.lastEvent }
    }

    /// Hands over all events that may be in force at some times, and others, in no order.
    ///
    /// - Parameters:
    ///   - streams: of one instrument.
    ///   - times: ascending, nanoseconds.
    ///   - best: time of the newest event that is known at or before the time with this number; `Int64.min` if there is none yet, `nil` to
    ///     end the search.
    ///   - take: an event, which may change what `best` answers. Good only within the call.
    public func run(
        streams: [UInt32], times: [Int64], best: (Int) -> Int64?, take: (UnsafePointer<hub_record>) -> Void
    ) throws(StoreError) {
        try StoreError.wrapping(store.path) {
            var nextEntry = 0
            var pending: [Chunk] = []
            var nextChunk = 0
            // Downwards, what begins behind one time begins behind all that follow.
            for (number, time) in times.enumerated().reversed() {
                guard var known = best(number) else { return }
                while nextEntry < entries.count {
                    let entry = entries[nextEntry]
                    if entry.firstEvent <= time {
                        guard entry.lastEvent >= known else { break }
                        let more = streams.flatMap { headersOf(entry)[$0] ?? [] }
                        if !more.isEmpty {
                            pending.removeFirst(nextChunk)
                            nextChunk = 0
                            pending += more
                            pending.sort { $0.header.lastEvent > $1.header.lastEvent }
                        }
                    }
                    nextEntry += 1
                    guard try unpack(&pending, &nextChunk, time, number, &known, best, take) else { return }
                }
                guard try unpack(&pending, &nextChunk, time, number, &known, best, take) else { return }
            }
        }
    }

    /// Unpacks those chunks that may hold something newer than what is known; answers whether the search goes on.
    private func unpack(
        _ chunks: inout [Chunk], _ next: inout Int, _ time: Int64, _ number: Int, _ known: inout Int64,
        _ best: (Int) -> Int64?, _ take: (UnsafePointer<hub_record>) -> Void
    ) throws -> Bool {
        while next < chunks.count {
            let chunk = chunks[next]
            if chunk.header.firstEvent <= time {
                guard chunk.header.lastEvent >= known else { break }
                try unpack(chunk, take)
                guard let newer = best(number) else { return false }
                known = newer
            }
            next += 1
        }
        return true
    }

    private func unpack(_ chunk: Chunk, _ take: (UnsafePointer<hub_record>) -> Void) throws {
        buffer.removeAll()
        do {
            try store.read(chunk.source) { try ChunkTable.decode($0, chunk.header, &decoder, into: &buffer) }
        } catch let failure as ChunkTable.Failure {
            store.noteUnreadable(failure, catalogue)
            return
        }
        ChunkTable.forEach(buffer) { if $0.pointee.seq <= through { take($0) } }
    }

    private func headersOf(_ entry: CompactedEntry) -> [UInt32: [Chunk]] {
        if let known = headers[entry.firstSeq] { return known }
        var found: [UInt32: [Chunk]] = [:]
        for part in StorePart.inDayFiles {
            do {
                guard let some = try store.chunks(of: entry, part, matching: filter, in: catalogue) else { continue }
                for header in some.headers where header.firstSeq <= through {
                    found[header.stream, default: []].append(Chunk(source: some.source, header: header))
                }
            } catch let failure as ChunkTable.Failure {
                store.noteUnreadable(failure, catalogue)
            } catch {
                store.tell("the index of \(DayFiles.name(entry.day)) cannot be read: \(error)")
            }
        }
        headers[entry.firstSeq] = found
        return found
    }
}
