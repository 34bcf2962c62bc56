/// Where a bounded replay ends, against the journal.
struct StreamBound: Hashable, Sendable {
    /// The last position that belongs to it; as large as can be where only a time ends it.
    var through: UInt64 = .max
    /// The first matching event whose time is at or after this does not belong to it any more: nanoseconds.
    var nanoseconds: Int64?

    /// - Parameter after: where the replay begins.
    init(_ end: StreamEnd, after: UInt64, facts: StreamFacts) {
        switch end {
        case .now: through = max(after, facts.head)
        case .seq(let seq): through = max(after, seq)
        case .time(let nanoseconds):
            self.nanoseconds = nanoseconds
            // A time that is over ends at what is there by now; one to come lets the stream go on until it has come.
            if nanoseconds <= facts.nowNanoseconds { through = max(after, facts.head) }
        }
    }
}
