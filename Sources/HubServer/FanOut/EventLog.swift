/// What streams are read from: the journal, as far as a stream needs to know it.
///
/// Every member may be used from any thread; a reader belongs to whoever asked for it.
protocol EventLog: Sendable {
    var epoch: String { get }
    /// The last position that readers may see.
    var head: UInt64 { get }
    /// The oldest position that readers can be given, and when it was received; beyond the head in an empty journal.
    var earliest: (seq: UInt64, receivedNanoseconds: Int64) { get }
    /// Reads on after a position.
    func reader(after seq: UInt64) -> any LogReader
}

/// A cursor over the journal. Belongs to one thread at a time.
protocol LogReader: AnyObject {
    /// The next whole records, at most `maxBytes` of them but at least one; good until the next call.
    func next(maxBytes: Int) -> LogChunk
}

/// What a reader came upon.
enum LogChunk {
    /// Whole records, one behind the other.
    case records(UnsafeRawBufferPointer)
    /// There is nothing more for now.
    case caughtUp
    /// Positions between the two are gone; the next call goes on at `before`.
    case hole(after: UInt64, before: UInt64)
}
