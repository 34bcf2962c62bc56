public import PluginABI

extension Journal {
    /// Calls `body` with each published record of a filter after a position and up to another one, in order by `seq`, until it
    /// answers `false`. Any thread.
    ///
    /// Blocks that cannot hold such a record are passed over by means of the index. A record is good only within `body`.
    /// - Parameter stopsWhereGone: ends before what retention has removed, also while this goes on, instead of passing over it:
    ///   for those who find it elsewhere.
    /// - Returns: the last position that was looked at: `last`, or that of the record at which `body` ended it.
    @discardableResult
    public func forEach(
        after seq: UInt64, through last: UInt64 = UInt64.max, matching filter: JournalFilter,
        stopsWhereGone: Bool = false, _ body: (UnsafePointer<hub_record>) -> Bool
    ) throws(JournalError) -> UInt64 {
        let last = min(last, head)
        var stopped: UInt64?
        guard seq < last else { return seq }
        var looked = seq
        for segment in segments(after: seq, before: last + 1) {
            if stopsWhereGone {
                if segment.firstSeq > looked + 1 { return looked }
                looked = (segment.finalNext ?? .max) - 1
            }
            try unlessGone(segment) { () throws(FileFault) in
                let base = try segment.base()
                for block in try segment.candidates(filter, after: seq, before: last + 1) {
                    segment.walk(base, block, after: seq, before: last + 1) { record in
                        if filter.matches(record), !body(record) { stopped = record.pointee.seq }
                        return stopped == nil
                    }
                    if stopped != nil { return }
                }
            } whenGone: {
                if stopsWhereGone { stopped = max(seq, segment.firstSeq - 1) }
            }
            if let stopped { return stopped }
        }
        return last
    }

    /// The first published record of a filter after a position; `nil` if there is none. Any thread.
    ///
    /// With `fromNanoseconds` of the filter this finds a place by time.
    public func firstSeq(after seq: UInt64, matching filter: JournalFilter) throws(JournalError) -> UInt64? {
        var found: UInt64?
        try forEach(after: seq, matching: filter) { record in
            found = record.pointee.seq
            return false
        }
        return found
    }

    /// The first position whose `ts_recv` is at or after a time; one more than the head if there is none. `ts_recv` never goes
    /// backwards, so all before it are older. Any thread.
    public func firstSeq(receivedAtOrAfter nanoseconds: Int64) throws(JournalError) -> UInt64 {
        let list = segments.withLock { $0 }
        let end = head + 1
        var number = 0
        do throws(FileFault) {
            // The last segment that begins before the time is the first that can hold the place.
            var low = 0
            var high = list.count
            while low < high {
                let middle = (low + high) / 2
                if let first = try list[middle].firstReceived(), first < nanoseconds {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            number = max(0, low - 1)
            while number < list.count {
                let segment = list[number]
                let base = try segment.base()
                let before = try segment.last { $0.receivedMaximum < nanoseconds }
                let from = before?.lastSeq ?? (segment.firstSeq - 1)
                var found: UInt64?
                for block in try segment.candidates(JournalFilter(), after: from, before: end) {
                    segment.walk(base, block, after: from, before: end) { record in
                        if record.pointee.ts_recv >= nanoseconds { found = record.pointee.seq }
                        return found == nil
                    }
                    if let found { return found }
                }
                number += 1
            }
        } catch { throw .system(error) }
        return end
    }

    /// Calls `body` with the newest records of a filter before a position, at most `count`, oldest first. Any thread.
    ///
    /// Reads backwards, block by block, so what it costs is the distance to the oldest one found and not the journal's
    /// size. A record is good only within `body`.
    /// - Parameters:
    ///   - isWanted: a further condition, for what a filter cannot say (an interval, a definition).
    ///   - floor: positions up to this are not looked at.
    /// - Returns: how many there were.
    @discardableResult
    public func newest(
        _ count: Int, before seq: UInt64 = UInt64.max, floor: UInt64 = 0, matching filter: JournalFilter,
        where isWanted: ((UnsafePointer<hub_record>) -> Bool)? = nil, _ body: (UnsafePointer<hub_record>) -> Void
    ) throws(JournalError) -> Int {
        let end = min(seq, head + 1)
        guard count > 0, end > floor + 1 else { return 0 }
        // Newest first; the segments stay mapped until the end.
        var found: [UnsafePointer<hub_record>] = []
        let list = segments(after: floor, before: end)
        for segment in list.reversed() where found.count < count {
            try unlessGone(segment) { () throws(FileFault) in
                let base = try segment.base()
                var inBlock: [UnsafePointer<hub_record>] = []
                for block in try segment.candidates(filter, after: floor, before: end).reversed() {
                    inBlock.removeAll(keepingCapacity: true)
                    segment.walk(base, block, after: floor, before: end) { record in
                        if filter.matches(record), isWanted?(record) ?? true { inBlock.append(record) }
                        return true
                    }
                    found.append(contentsOf: inBlock.reversed().prefix(count - found.count))
                    if found.count == count { return }
                }
            }
        }
        withExtendedLifetime(list) {
            for record in found.reversed() { body(record) }
        }
        return found.count
    }

    /// Segments that overlap a range, both ends exclusive.
    private func segments(after seq: UInt64, before end: UInt64) -> [Segment] {
        segments.withLock { segments in
            segments.filter { $0.firstSeq < end && ($0.finalNext ?? UInt64.max) > seq + 1 }
        }
    }

    /// Retention may take a segment away before it was mapped: its records are then no longer part of the journal.
    private func unlessGone(
        _ segment: Segment, _ body: () throws(FileFault) -> Void, whenGone: () -> Void = {}
    ) throws(JournalError) {
        do throws(FileFault) { try body() } catch {
            let isListed = segments.withLock { $0.contains { $0 === segment } }
            if isListed { throw .system(error) }
            whenGone()
        }
    }
}

extension Segment {
    /// Calls `body` with the records of a block between two positions (both exclusive) until it answers `false`.
    func walk(
        _ base: UnsafeRawPointer, _ block: BlockSummary, after: UInt64, before: UInt64,
        _ body: (UnsafePointer<hub_record>) -> Bool
    ) {
        var offset = Int(block.firstOffset)
        for seq in block.firstSeq..<min(before, block.firstSeq + UInt64(block.count)) {
            let record = record(base, offset)
            if seq > after, !body(record) { return }
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
        }
    }
}
