extension Journal {
    /// Removes the oldest sealed segments that are past `retentionNanoseconds` by `ts_recv`, or beyond `retentionBytes`. Any
    /// thread; never the open segment.
    ///
    /// Readers that are in one keep what they have; others get a `hole`.
    /// - Parameters:
    ///   - nowNanoseconds: the journal's time, by which age is measured.
    ///   - seq: this position and all after it stay: what sinks and the store have not taken yet. What follows the oldest
    ///     kept checkpoint stays, too.
    /// - Returns: the positions removed; `nil` if none were.
    @discardableResult
    public func applyRetention(
        nowNanoseconds: Int64, keepFrom seq: UInt64
    ) throws(JournalError) -> ClosedRange<UInt64>? {
        guard !isReadOnly, !isClosed else { throw .notOpenForWriting }
        var removed: ClosedRange<UInt64>?
        let fault: FileFault? = retentionLock.withLock { _ in
            do throws(FileFault) {
                // Starting needs what follows the newest checkpoint, and if that is damaged, what follows the one before.
                var floor = seq
                if let oldest = try checkpoints().first { floor = min(floor, oldest + 1) }
                while let (segment, next) = try expired(nowNanoseconds, floor) {
                    try segment.remove()
                    segments.withLock { segments in segments.removeAll { $0 === segment } }
                    removed = (removed?.lowerBound ?? segment.firstSeq)...(next - 1)
                }
                return nil
            } catch {
                return error
            }
        }
        if let fault, removed == nil { throw .system(fault) }
        return removed
    }

    /// The oldest segment, if it may go, and the seq after its last.
    private func expired(_ nowNanoseconds: Int64, _ floor: UInt64) throws(FileFault) -> (Segment, UInt64)? {
        let list = segments.withLock { $0 }
        guard list.count > 1, let oldest = list.first, let next = oldest.finalNext, next <= floor,
            oldest.publishedNext == next, isSealedOrCannotBe(oldest)
        else { return nil }
        if let limit = options.retentionBytes, sizeBytes > limit { return (oldest, next) }
        if let age = options.retentionNanoseconds, let last = try oldest.lastReceived(),
            last < nowNanoseconds - age
        {
            return (oldest, next)
        }
        return nil
    }

    /// Sealing that failed is tried again here. What the full disk alone keeps from being sealed may go all the same, or there
    /// would never be room again.
    private func isSealedOrCannotBe(_ segment: Segment) -> Bool {
        do throws(FileFault) {
            try segment.seal()
            return true
        } catch {
            return error.isFull
        }
    }
}
