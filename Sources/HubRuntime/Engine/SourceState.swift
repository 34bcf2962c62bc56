import PluginABI

/// The state of a source, as `control` records and `/v1/status` name it.
public enum SourceState: UInt8, Sendable, CaseIterable {
    case starting = 1
    case ok = 2
    case degraded = 3
    case reconnecting = 4
    case stale = 5
    case authNeeded = 6
    case closed = 7
    case failed = 8
    case stopped = 9

    /// The word clients read.
    public var word: String {
        switch self {
        case .starting: "starting"
        case .ok: "ok"
        case .degraded: "degraded"
        case .reconnecting: "reconnecting"
        case .stale: "stale"
        case .authNeeded: "auth_needed"
        case .closed: "closed"
        case .failed: "failed"
        case .stopped: "stopped"
        }
    }

    /// Whether a source in this state may serve a pipeline. A shut market is no fault of the source.
    var canServe: Bool {
        switch self {
        case .ok, .degraded, .closed: true
        default: false
        }
    }

    /// Whether waiting makes no sense: somebody has to do something first.
    var isFinal: Bool {
        switch self {
        case .authNeeded, .failed, .stopped: true
        default: false
        }
    }
}
