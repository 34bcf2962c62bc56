package import EventFormat
import PluginABI

/// One provider as the sequencer sees it: which stream each of its handles stands for, and what has come from it.
///
/// Belongs to the sequencer's thread, inside the fold lock.
package final class Source {
    package let name: String
    /// The stream without an instrument: the source's own controls and gaps.
    package var ownStream: UInt32 = 0
    /// Stream numbers by handle; 0 = not defined yet.
    package private(set) var streams: ContiguousArray<UInt32> = [0]
    /// What the host knows of a handle, asked once for each.
    private let describe: (UInt32) -> StreamDefinition

    /// Market records taken.
    package var taken: UInt64 = 0
    /// Market records dropped because another source serves.
    package var standby: UInt64 = 0
    /// Wall time at which the last one came.
    package var lastReceivedNanoseconds: Int64 = 0
    /// Event time of the last one.
    package var lastEventNanoseconds: Int64 = 0
    /// Event time of the first one since this was last set to 0.
    package var firstEventNanoseconds: Int64 = 0
    /// Number of the last one.
    package var lastSequence: UInt64 = 0
    package var lag = LagHistogram()
    /// How late the newest records were, those that were dropped too.
    var delays = DelayWindow()

    /// Market records that came, whoever serves.
    var seen: UInt64 { taken &+ standby }

    package init(name: String, describe: @escaping (UInt32) -> StreamDefinition) {
        self.name = name
        self.describe = describe
    }

    /// The definition of the stream behind a handle, without number.
    func definition(of handle: UInt32) -> StreamDefinition {
        describe(handle)
    }

    /// From now on `handle` stands for `stream`.
    func learn(handle: UInt32, stream: UInt32) {
        while streams.count <= Int(handle) { streams.append(0) }
        streams[Int(handle)] = stream
    }

    /// Counts a batch. `first` and `last` are market records; one sample a batch is enough for the lag.
    func count(taken count: UInt64, first: Int64, last: UnsafePointer<hub_record>?, sequence: UInt64) {
        taken += count
        guard let last else { return }
        if firstEventNanoseconds == 0 { firstEventNanoseconds = first }
        lastSequence = sequence
        lastReceivedNanoseconds = last.pointee.ts_recv
        lastEventNanoseconds = last.pointee.ts_event
        lag.add(nanoseconds: last.pointee.ts_recv - last.pointee.ts_event)
        delays.add(last)
    }

    /// Counts records that were dropped because another source serves; `last` is the last of them.
    func count(standby count: UInt64, last: UnsafePointer<hub_record>?) {
        standby += count
        if let last { delays.add(last) }
    }
}
