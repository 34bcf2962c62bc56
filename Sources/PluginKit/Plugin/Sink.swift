public import PluginABI

/// Where records are carried to: a file, a database, a message broker.
///
/// At least once: after a restart batches come again from the last acknowledged position on. A sink acknowledges with
/// ``Host/acknowledge(through:)`` once what it took is durable.
public protocol Sink: Plugin {
    /// Takes a batch; return = taken (not yet durable), throw = not taken, it comes again.
    mutating func write(_ batch: SinkBatch, now: Now) throws
    /// Makes everything taken durable and acknowledges it before a wall time in nanoseconds.
    mutating func flush(deadlineNanoseconds: Int64) throws
    /// Retention overtook this sink: these records are gone.
    mutating func hole(firstSequence: UInt64, lastSequence: UInt64)
}

extension Sink {
    /// Does nothing.
    public mutating func hole(firstSequence: UInt64, lastSequence: UInt64) {}
}

/// Records as journaled, in order of sequence number; valid during the call.
///
/// The definitions a record needs come before it, in this batch or an earlier one since `start`.
@frozen
public struct SinkBatch {
    @usableFromInline let raw: UnsafePointer<hub_batch>

    /// Wraps the host's struct.
    @inlinable
    public init(_ raw: UnsafePointer<hub_batch>) { self.raw = raw }

    /// First sequence number of the range the batch stands for.
    @inlinable public var firstSequence: UInt64 { raw.pointee.first_seq }
    /// Last sequence number of the range the batch stands for.
    @inlinable public var lastSequence: UInt64 { raw.pointee.last_seq }
    /// Records in the batch.
    @inlinable public var count: Int { Int(raw.pointee.count) }
    /// The record at an index from 0 to `count` - 1.
    @inlinable
    public subscript(index: Int) -> UnsafePointer<hub_record> {
        precondition(index >= 0 && index < count, "record index out of the batch")
        return raw.pointee.records[index].unsafelyUnwrapped
    }
}
