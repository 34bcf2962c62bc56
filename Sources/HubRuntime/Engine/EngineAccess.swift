public import EventFormat
public import HubConfig
public import HubFold
public import HubJournal
public import HubModel
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

    /// Values of the bars that are forming now, as indicators would give them if those bars closed: `hub_value` records one
    /// behind the other without a `seq`, `cause` 0, `bar_time` that of the forming bar, `ts_recv` that of its newest input.
    ///
    /// Blocks until the indicators' threads have answered, at most a few milliseconds a symbol: not for an event loop.
    func formingValues(of symbols: [String]) -> [UInt8]

    /// Questions to the providers, with the cache in front of them; `nil` where nobody can be asked.
    var queries: QueryDesk? { get }
    /// What is streamed on demand; `nil` where nothing is.
    var demand: StreamDemand? { get }
    /// Whether every provider that may serve an instrument on demand has refused it.
    func isRefused(_ symbol: String) -> Bool
    /// Fetches of history; `nil` where there are none.
    var backfills: BackfillDesk? { get }
    /// Holes whose bars are fetched; `nil` where none are.
    var healing: GapHealer.Figures? { get }
    /// Work at set times.
    var schedules: [ScheduleDesk.Figures] { get }

    /// When venues trade: bundled, told by providers, and as the operator says.
    var marketCalendars: MarketCalendars { get }
    /// Asks providers for a venue's holidays, where what is known is not fresh.
    func refreshHolidays(of venue: String) async

    /// Journals records of the past with the flag *backfilled*, in order, and makes anew what they touch. Blocks until they are
    /// published: not for an event loop.
    ///
    /// - Throws: `BackfillError`, before anything of the batch was journaled.
    func takeBackfill(_ batch: BackfillBatch) throws -> BackfillResult

    /// The vendor's page where a person logs in, and which comes back to `redirect`. Blocks: not for an event loop.
    func loginURL(of provider: String, redirect: String) throws(LoginError) -> String
    /// What the vendor's page brought back. Blocks until the vendor has answered: not for an event loop.
    func finishLogin(of provider: String, fields: [(name: String, value: String)]) throws(LoginError)
    /// A token that a person got elsewhere. Blocks as above.
    func takeToken(_ token: String, of provider: String) throws(LoginError)

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

extension EngineAccess {
    public func formingValues(of symbols: [String]) -> [UInt8] { [] }

    public func loginURL(of provider: String, redirect: String) throws(LoginError) -> String {
        throw LoginError(kind: .notFound, description: "this hub has no providers that need a login")
    }
    public func finishLogin(of provider: String, fields: [(name: String, value: String)]) throws(LoginError) {
        throw LoginError(kind: .notFound, description: "this hub has no providers that need a login")
    }
    public func takeToken(_ token: String, of provider: String) throws(LoginError) {
        throw LoginError(kind: .notFound, description: "this hub has no providers that need a login")
    }

    public var queries: QueryDesk? { nil }
    public var backfills: BackfillDesk? { nil }
    public var demand: StreamDemand? { nil }
    public func isRefused(_ symbol: String) -> Bool { false }
    public var healing: GapHealer.Figures? { nil }
    public var schedules: [ScheduleDesk.Figures] { [] }

    public func takeBackfill(_ batch: BackfillBatch) throws -> BackfillResult {
        throw BackfillError("this hub takes no backfill")
    }
}
