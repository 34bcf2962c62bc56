/// A segment that is full and on the medium: it never changes any more, and stays readable as long as this is held, also when
/// retention removes the file.
public struct SealedSegment: Sendable {
    public let firstSeq: UInt64
    public let lastSeq: UInt64
    public let epoch: String
    private let segment: Segment

    init?(_ segment: Segment) {
        guard let next = segment.finalNext, next > segment.firstSeq else { return nil }
        firstSeq = segment.firstSeq
        lastSeq = next - 1
        epoch = segment.epoch
        self.segment = segment
    }

    /// Calls `body` with all records, one behind the other, in the mapped file.
    public func withRecords<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let base = try segment.base()
        let end = Segment.end(segment.final.load(ordering: .acquiring))
        return try withExtendedLifetime(segment) {
            try body(
                UnsafeRawBufferPointer(start: base + segment.dataOffset, count: max(0, end - segment.dataOffset)))
        }
    }
}

extension Journal {
    /// The oldest segment with a position after this one, once it is sealed; `nil` while it is not, or if there is none. Any
    /// thread.
    public func sealedSegment(after seq: UInt64) -> SealedSegment? {
        for segment in segments.withLock({ $0 }) {
            guard let next = segment.finalNext else { return nil }
            guard next > seq + 1, next > segment.firstSeq else { continue }
            // Sealing that failed is tried again: what is not on the medium must not be taken for safe.
            guard (try? segment.seal()) != nil, segment.isSealed.load(ordering: .acquiring) else { return nil }
            return SealedSegment(segment)
        }
        return nil
    }
}
