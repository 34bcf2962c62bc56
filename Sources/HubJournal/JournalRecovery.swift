import CHubSystem
import PluginABI

/// Finds the end of the log when a folder is opened for writing: the first line whose seq is not the expected one. Nobody saw
/// what follows.
struct JournalRecovery {
    var segments: [Segment]
    /// Last position.
    var head: UInt64 = 0
    /// Continuity is broken by what was found, whatever the shutdown was like.
    var isBroken = false
    /// Files to be removed: parts of the log behind its end.
    var toRemove: [Segment] = []
    /// Found whole, and not sealed yet.
    var toSeal: [Segment] = []
    var cutBytes = 0

    /// - Parameter mayBeTorn: the machine went down while records were written, so pages may be missing behind others.
    init(_ segments: [Segment], mayBeTorn: Bool) throws(FileFault) {
        self.segments = segments
        var number = 0
        while number < self.segments.count {
            let segment = self.segments[number]
            let next = number + 1 < self.segments.count ? self.segments[number + 1] : nil
            if segment.finalNext == nil {
                let base = try segment.base()
                var end = segment.scan(
                    base, from: segment.dataOffset, next: segment.firstSeq, limit: next?.firstSeq ?? UInt64.max)
                if mayBeTorn, next == nil { Self.withoutTornRecord(segment, base, &end) }
                let word = Segment.pack(records: end.next - segment.firstSeq, end: end.offset)
                segment.published.store(word, ordering: .releasing)
                segment.committed.store(word, ordering: .releasing)
                if let next {
                    let isWhole = end.next == next.firstSeq
                    // What was lost of an open segment was lost of everything behind it, too. (A sealed segment behind it
                    // is another matter: then this one is damaged, and readers get a hole.)
                    if !isWhole && self.segments[(number + 1)...].allSatisfy({ $0.finalNext == nil }) {
                        toRemove = Array(self.segments[(number + 1)...])
                        self.segments.removeSubrange((number + 1)...)
                        isBroken = true
                    } else {
                        segment.final.store(word, ordering: .releasing)
                        toSeal.append(segment)
                    }
                }
            }
            number += 1
        }
        if let last = self.segments.last { head = last.publishedNext - 1 }
    }

    /// Takes back a last record whose lines on the next page never arrived: the page's zeros are not what was written, or
    /// cannot be told from it.
    private static func withoutTornRecord(
        _ segment: Segment, _ base: UnsafeRawPointer, _ end: inout (offset: Int, next: UInt64)
    ) {
        guard end.next > segment.firstSeq else { return }
        var offset = segment.dataOffset
        for _ in segment.firstSeq..<(end.next - 1) {
            offset += Int((base + offset).load(as: UInt8.self)) * Int(HUB_LINE)
        }
        var page = (offset / 4096 + 1) * 4096
        while page < end.offset {
            let part = UnsafeRawBufferPointer(start: base + page, count: min(4096, end.offset - page))
            if part.allSatisfy({ $0 == 0 }) {
                end = (offset, end.next - 1)
                return
            }
            page += 4096
        }
    }
}
