import PluginABI

/// What a reader gets at a time.
public enum JournalChunk {
    /// Whole records, one after the other, `first` to `last`, in the mapped file. Valid until the reader's next call or end.
    case records(UnsafeRawBufferPointer, first: UInt64, last: UInt64)
    /// Everything that is published was read.
    case caughtUp
    /// Positions `after` to `before`, both exclusive, cannot be read: retention has passed them, or a file is gone. The
    /// reader goes on behind.
    case hole(after: UInt64, before: UInt64)
}

/// A cursor over the journal, from some position to the live edge.
///
/// On one thread at a time. It keeps the segment that it is in mapped, even if retention removes the file.
public final class JournalReader: @unchecked Sendable {
    /// Seq of the last record given out.
    public private(set) var position: UInt64

    private let journal: Journal
    private var segment: Segment?
    private var base = UnsafeRawPointer(bitPattern: 64)!
    private var offset = 0

    init(_ journal: Journal, after seq: UInt64) {
        self.journal = journal
        position = seq
    }

    /// The next records, as many as fit into `maxBytes`, but at least one.
    public func next(maxBytes: Int = 1 << 20) -> JournalChunk {
        var mayRefresh = journal.isReadOnly
        while true {
            if let segment {
                let word = segment.published.load(ordering: .acquiring)
                let end = Segment.end(word)
                if offset < end {
                    return take(segment, to: end, last: segment.firstSeq + Segment.records(word) - 1, maxBytes)
                }
                // Only a segment that will not grow is left.
                if word == segment.final.load(ordering: .acquiring) {
                    self.segment = nil
                    continue
                }
            } else if position < journal.head {
                if let hole = find() { return hole }
                continue
            } else {
                standAtTheEnd()
            }
            guard mayRefresh else { return .caughtUp }
            mayRefresh = false
            journal.refresh()
        }
    }

    /// At the live edge the place of the next record is known without searching.
    private func standAtTheEnd() {
        guard let last = journal.segment(containing: position) else { return }
        let word = last.published.load(ordering: .acquiring)
        guard last.firstSeq + Segment.records(word) == position + 1, let start = try? last.base() else { return }
        segment = last
        base = start
        offset = Segment.end(word)
    }

    private func take(_ segment: Segment, to end: Int, last: UInt64, _ maxBytes: Int) -> JournalChunk {
        let first = position + 1
        let start = base + offset
        if end - offset <= maxBytes {
            let bytes = end - offset
            offset = end
            position = last
            return .records(UnsafeRawBufferPointer(start: start, count: bytes), first: first, last: last)
        }
        var bytes = 0
        var seq = position
        repeat {
            bytes += Int((start + bytes).load(as: UInt8.self)) * Int(HUB_LINE)
            seq += 1
        } while offset + bytes < end
            && bytes + Int((start + bytes).load(as: UInt8.self)) * Int(HUB_LINE) <= maxBytes
        offset += bytes
        position = seq
        return .records(UnsafeRawBufferPointer(start: start, count: bytes), first: first, last: seq)
    }

    /// Finds the place of the record after `position`, which is published; a hole if it is not there any more.
    private func find() -> JournalChunk? {
        let wanted = position + 1
        if let found = journal.segment(containing: wanted), wanted < found.publishedNext,
            let place = try? found.place(of: wanted)
        {
            segment = found
            base = place.base
            offset = place.offset
            return nil
        }
        let next = journal.segment(after: wanted)?.firstSeq ?? journal.head + 1
        defer { position = next - 1 }
        return .hole(after: position, before: next)
    }
}

extension Segment {
    /// Where a published record lies.
    func place(of seq: UInt64) throws(FileFault) -> (base: UnsafeRawPointer, offset: Int)? {
        let base = try base()
        if seq == firstSeq { return (base, dataOffset) }
        guard let block = try block(containing: seq) else { return nil }
        var offset = Int(block.firstOffset)
        for _ in block.firstSeq..<seq { offset += Int((base + offset).load(as: UInt8.self)) * Int(HUB_LINE) }
        return (base, offset)
    }
}
