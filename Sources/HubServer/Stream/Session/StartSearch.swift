internal import EventFormat
internal import PluginABI

/// Finds the position where `from: time` or `from: last` begins. It is given records in order of `seq` and judges them.
///
/// For a time: from any position that is certainly before it, forwards, until `feed` answers true. For the newest
/// events: all records up to the head, or, to read less, ever longer ends of the journal until one holds enough.
struct StartSearch: Sendable {
    enum Goal: Hashable, Sendable {
        /// The first matching event whose time is at or after this: nanoseconds.
        case firstAtOrAfter(Int64)
        /// The newest matching events.
        case newest(Int)
    }

    let goal: Goal
    private let head: UInt64
    private var found: UInt64?
    /// Positions of the newest matching events: a ring.
    private var ring: [UInt64] = []
    private var next = 0

    /// - Parameter head: the position at which the question is answered; later records do not count.
    init(_ goal: Goal, head: UInt64) {
        self.goal = goal
        self.head = head
    }

    /// Takes the next record; answers whether the search is over.
    mutating func feed(_ record: UnsafePointer<hub_record>, matches filter: borrowing CompiledFilter) -> Bool {
        let seq = record.pointee.seq
        guard seq <= head, found == nil else { return true }
        switch goal {
        case .firstAtOrAfter(let nanoseconds):
            guard EventTime.nanoseconds(record) >= nanoseconds, filter.matches(record) else { return false }
            found = seq
            return true
        case .newest(let count):
            guard filter.matches(record) else { return false }
            if ring.count < count {
                ring.append(seq)
            } else {
                ring[next] = seq
                next = (next + 1) % count
            }
            return false
        }
    }

    /// Whether as many events were fed as were asked for: reading further back finds no better start.
    var isComplete: Bool {
        switch goal {
        case .firstAtOrAfter: found != nil
        case .newest(let count): ring.count == count
        }
    }

    /// The position after which delivery begins; the head if nothing matched.
    var after: UInt64 {
        if let found { return found - 1 }
        guard case .newest = goal, let oldest = ring.isEmpty ? nil : ring[next] else { return head }
        return oldest - 1
    }
}

/// The time that `time` of an event shows.
enum EventTime {
    /// Nanoseconds since the Unix epoch: of a value the bar's, of a record that was never stamped when it was received.
    static func nanoseconds(_ record: UnsafePointer<hub_record>) -> Int64 {
        let pointer = RecordPointer(record)
        if pointer.kind == HUB_VALUE {
            let barTime = pointer.asValue.pointee.bar_time
            if barTime != 0 { return barTime }
        }
        return pointer.eventNanoseconds != 0 ? pointer.eventNanoseconds : pointer.receivedNanoseconds
    }
}
