/// Where delivery begins, as far as that is known without reading events.
enum StartResolution: Hashable, Sendable {
    /// After this position. `hole`: what the client had seen, or could have, was lost with an older epoch.
    case at(after: UInt64, hole: StreamHole?)
    /// Events must be searched; `StartSearch` does it.
    case search(StartSearch.Goal)

    /// Checks a start against the journal.
    ///
    /// A position of an older epoch is good up to that epoch's recorded end; beyond it what followed was lost, which
    /// is told as a hole. A position older than what is kept is good too: the reader finds the hole.
    /// - Throws: `cursor_ahead` or `epoch_unknown`.
    static func resolve(_ start: StreamStart, facts: StreamFacts) throws(StreamError) -> StartResolution {
        switch start {
        case .live: return .at(after: facts.head, hole: nil)
        case .earliest: return .at(after: facts.earliest.seq > 0 ? facts.earliest.seq - 1 : 0, hole: nil)
        case .time(let nanoseconds): return .search(.firstAtOrAfter(nanoseconds))
        case .last(let count): return .search(.newest(count))
        case .after(let seq, let name):
            guard let name, name != facts.epoch else {
                guard seq <= facts.head else {
                    throw StreamError(
                        .cursorAhead, "position \(seq) is beyond the head, \(facts.head); start again from meta.as_of")
                }
                return .at(after: seq, hole: nil)
            }
            // The newest of that name: positions only grow.
            guard let epoch = facts.epochs.last(where: { $0.name == name }), let last = epoch.last else {
                throw StreamError(
                    .epochUnknown, "there is no epoch \(name) in this journal; start again from meta.as_of")
            }
            if seq <= last { return .at(after: seq, hole: nil) }
            return .at(after: last, hole: StreamHole(after: last, before: last + 1, reason: .lost))
        }
    }
}

/// What a reader cannot be given although it was once there.
struct StreamHole: Hashable, Sendable {
    enum Reason: String, Sendable {
        case retention
        case lost
    }

    /// Last position before it.
    var after: UInt64
    /// First position behind it.
    var before: UInt64
    var reason: Reason
    /// Kinds concerned; empty = all.
    var types: [String] = []
}
