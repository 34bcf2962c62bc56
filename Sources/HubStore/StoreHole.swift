public import HubJournal

/// Positions of which something cannot be read any more.
public struct StoreHole: Sendable, Hashable {
    /// The last position before it.
    public var after: UInt64
    /// The first position behind it.
    public var before: UInt64
    /// What is missing there.
    public var kinds: KindSet
    /// Not retention has taken it: a file is damaged.
    public var isDamage: Bool
}

extension Store {
    /// What of a filter is gone between two positions, in order; nothing that the filter does not ask for. Any thread.
    ///
    /// Only good for positions that the journal has let go. With times in the filter, what certainly lies outside of them does
    /// not count.
    /// - Parameters:
    ///   - seq: after this position.
    ///   - last: up to this position.
    public func holes(after seq: UInt64, through last: UInt64, matching filter: JournalFilter) -> [StoreHole] {
        catalogue.withLock { $0 }.holes(after: seq, through: last, matching: filter)
    }

    /// The same for all streams.
    public func holes(after seq: UInt64, through last: UInt64, kinds: KindSet) -> [StoreHole] {
        holes(after: seq, through: last, matching: JournalFilter(kinds: kinds))
    }
}

extension Catalogue {
    /// Beyond all positions that SQLite can hold.
    static let end = UInt64(Int64.max) - 1

    func holes(after seq: UInt64, through last: UInt64, matching filter: JournalFilter) -> [StoreHole] {
        var found: [StoreHole] = []
        let last = min(last, Self.end)
        guard last > seq else { return [] }
        for part in StorePart.inDayFiles {
            let asked = part.kinds(of: filter.kinds)
            if !asked.isEmpty { found += missing(part, asked, seq, last, filter) }
        }
        if let rows = missingRows(seq, last, filter) { found.append(rows) }
        for chunk in damaged where chunk.lastSeq > seq && chunk.firstSeq <= last {
            guard filter.kinds.contains(chunk.kind), filter.streams?.contains(chunk.stream) ?? true else { continue }
            found.append(
                StoreHole(
                    after: max(seq, chunk.firstSeq - 1), before: min(last, chunk.lastSeq) + 1,
                    kinds: KindSet([Int(chunk.kind)]), isDamage: true))
        }
        return StoreHole.apart(found)
    }

    /// Holes of one part: between segments, and where a segment's is gone.
    private func missing(
        _ part: StorePart, _ asked: KindSet, _ seq: UInt64, _ last: UInt64, _ filter: JournalFilter
    ) -> [StoreHole] {
        var found: [StoreHole] = []
        func add(_ after: UInt64, _ before: UInt64, _ kinds: KindSet, isDamage: Bool) {
            guard !kinds.isEmpty, before > after + 1 else { return }
            if let previous = found.last, previous.before == after + 1, previous.isDamage == isDamage {
                found[found.count - 1].before = before
                if previous.kinds != kinds { found[found.count - 1].kinds = previous.kinds.union(kinds) }
            } else {
                found.append(StoreHole(after: after, before: before, kinds: kinds, isDamage: isDamage))
            }
        }
        let usual = asked.intersection(part.usualKinds)
        var done = seq
        var number = index(after: seq)
        while done < last {
            guard number < entries.count else {
                add(done, last + 1, usual, isDamage: false)
                break
            }
            let entry = entries[number]
            if entry.firstSeq > done + 1 {
                let before = min(entry.firstSeq, last + 1)
                // What no segment tells of was there before there was a store for it, or its segment was damaged.
                if !isOutside(filter, number) { add(done, before, usual, isDamage: false) }
                done = before - 1
                if done >= last { break }
            }
            let end = min(entry.lastSeq, last)
            if let isDamage = isMissing(entry, part, filter) {
                add(done, end + 1, entry.kinds.intersection(asked), isDamage: isDamage)
            }
            done = end
            number += 1
        }
        return found
    }

    /// The hole that retention has left among bars and the like.
    private func missingRows(_ seq: UInt64, _ last: UInt64, _ filter: JournalFilter) -> StoreHole? {
        let asked = StorePart.kept.kinds(of: filter.kinds)
        guard !asked.isEmpty else { return nil }
        var end: UInt64 = 0
        var kinds = KindSet([])
        for (stream, gone) in keptGone where gone.seq > seq && filter.streams?.contains(stream) ?? true {
            let missing = gone.kinds.intersection(asked)
            if missing.isEmpty { continue }
            kinds = kinds.union(missing)
            end = max(end, gone.seq)
        }
        guard end > seq, !isOutside(filter, index(after: end)) else { return nil }
        return StoreHole(after: seq, before: min(last, end) + 1, kinds: kinds, isDamage: false)
    }

    /// Whether a part of a segment, as far as a filter touches it, is gone, and whether by damage; `nil` if it is there.
    private func isMissing(_ entry: CompactedEntry, _ part: StorePart, _ filter: JournalFilter) -> Bool? {
        let state = entry[part]
        if state == .none { return nil }
        if let from = filter.fromNanoseconds, entry.lastEvent < from { return nil }
        if let to = filter.toNanoseconds, entry.firstEvent >= to { return nil }
        if state == .gone { return false }
        let key = DayKey(part: part, day: entry.day)
        if unreadable[key] != nil { return true }
        guard state == .trimmed, let trimmed = trims[key] else { return nil }
        guard let streams = filter.streams else { return false }
        return streams.ids.contains { trimmed.contains($0) } ? false : nil
    }

    /// Whether a range by time begins behind all that was received before an entry. What is more than 5 s ahead of its receive
    /// time is not believed.
    private func isOutside(_ filter: JournalFilter, _ number: Int) -> Bool {
        guard let from = filter.fromNanoseconds, number < entries.count else { return false }
        return from > entries[number].firstReceived + 5_000_000_000
    }
}

extension StoreHole {
    /// The same holes so that none overlaps another one, in order.
    static func apart(_ holes: [StoreHole]) -> [StoreHole] {
        guard holes.count > 1 else { return holes }
        var edges: [UInt64] = []
        for hole in holes { edges += [hole.after, hole.before - 1] }
        edges.sort()
        var apart: [StoreHole] = []
        let sorted = holes.sorted { $0.after < $1.after }
        var active: [StoreHole] = []
        var next = 0
        for (edge, end) in zip(edges, edges.dropFirst()) where edge < end {
            while next < sorted.count, sorted[next].after <= edge {
                active.append(sorted[next])
                next += 1
            }
            active.removeAll { $0.before <= edge + 1 }
            guard let first = active.first else { continue }
            let kinds = active.dropFirst().reduce(first.kinds) { $0.union($1.kinds) }
            let piece = StoreHole(
                after: edge, before: end + 1, kinds: kinds, isDamage: active.allSatisfy(\.isDamage))
            if let last = apart.last, last.before == edge + 1, last.kinds == kinds, last.isDamage == piece.isDamage {
                apart[apart.count - 1].before = piece.before
            } else {
                apart.append(piece)
            }
        }
        return apart
    }
}
