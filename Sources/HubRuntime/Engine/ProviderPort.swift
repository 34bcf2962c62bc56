package import EventFormat
import PluginABI

/// What a provider tells about itself outside its records.
package enum SourceNotice: Sendable {
    /// How the source is: a `HUB_STATE_…`.
    case feed(state: UInt8, reason: String)
    /// What became of one wanted instrument: a `HUB_STATE_…`.
    case subscription(handle: UInt32, state: UInt8, reason: String)
    /// Data was lost. `handles` empty = all; `toNanoseconds` 0 = still being lost.
    case gap(reason: UInt8, handles: [UInt32], kinds: UInt32, fromNanoseconds: Int64, toNanoseconds: Int64)
    /// A recorded source has delivered everything.
    case ended

    /// Whether it ends something: then it is said behind the records that came with it.
    var isBehind: Bool {
        switch self {
        case .feed(let state, _): ![HUB_STATE_OK, HUB_STATE_STARTING, HUB_STATE_DEGRADED].contains(Int(state))
        case .subscription(_, let state, _): Int(state) != HUB_STATE_OK
        case .gap: false
        case .ended: true
        }
    }
}

/// A provider as the engine drives it: records that were checked and wait to be numbered, and notices.
///
/// The engine calls from the sequencer's thread (lockstep: the driver's).
package protocol ProviderPort: AnyObject {
    /// The stream behind a handle, without number.
    func definition(of handle: UInt32) -> StreamDefinition
    /// Records that wait, whole ones, at most about `limit` bytes; valid until `consume`.
    func waiting(limit: Int) -> UnsafeMutableRawBufferPointer
    /// The first so many bytes were dealt with.
    func consume(_ bytes: Int)
    /// Notices since the last call, in order.
    func takeNotices() -> [SourceNotice]
}
