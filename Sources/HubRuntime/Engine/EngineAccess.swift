public import EventFormat
public import HubConfig
public import HubFold
public import HubJournal
public import HubStore

/// What the server may ask of a running hub, and all it knows of it.
///
/// Every member may be used from any thread.
public protocol EngineAccess: AnyObject, Sendable {
    /// The version of the hub.
    var version: String { get }
    /// The configuration that runs.
    var configuration: Configuration { get }
    /// The journal: readers are made from it.
    var journal: Journal { get }
    /// What outlives the journal.
    var store: Store { get }
    /// Streams and value definitions, shared between threads.
    var definitions: SharedDefinitions { get }
    /// The hub's clock, nanoseconds since the Unix epoch; virtual in lockstep.
    var wallNanoseconds: Int64 { get }
    /// The indicator catalogue: for each indicator plugin in use a JSON array of rows as `/v1/indicators` answers them.
    var indicatorCatalogue: [String] { get }

    /// Runs `body` while the fold stands still. The sequencer waits meanwhile: copy what is needed and leave.
    ///
    /// Inside, `journal.head` cannot be used to name the state: use `foldSequence`, the last record the fold has seen.
    func withFold<R>(_ body: (_ fold: Fold, _ foldSequence: UInt64) throws -> R) rethrows -> R

    /// Counters and states of everything, for `/v1/status`, heartbeats and `/metrics`.
    func status() -> EngineStatus
    /// Why the hub is not ready; empty when it is.
    func notReady() -> [NotReady]

    /// Calls `wake` on the sequencer's thread after records were published, at most once until `acknowledge` of the
    /// returned token is called; `wake` must only set a flag and wake somebody.
    func onPublish(_ wake: @escaping @Sendable () -> Void) -> PublishToken
}

/// One reason why the hub is not ready.
public struct NotReady: Sendable {
    /// `journal`, `store`, `configuration` …
    public var component: String
    /// A word such as `disk_full`, `starting`.
    public var state: String
    /// For people.
    public var reason: String

    public init(component: String, state: String, reason: String) {
        self.component = component
        self.state = state
        self.reason = reason
    }
}
