import JSONReading
public import PluginKit
import VendorKit

/// The provider of data from finnhub.io: plugin `finnhub`.
///
/// One connection streams trades of as many symbols as the plan allows; everything else is asked for. What the plan does
/// not include is learnt when it is refused.
public final class Finnhub: QueryProvider, CatalogProvider {
    let host: Host
    let settings: FinnhubSettings
    private let problems: SettingsProblems
    let scratch = JSONScratch()

    // The stream.
    var table = StreamTable([])
    var wanted: [FinnhubSubscription] = []
    var connection = ConnectionState.none
    /// Set while a new try waits for its time: the vendor refused the last one.
    var isHolding = false
    /// Finnhub's symbols it was told to stream on this connection, in the order of asking.
    var streaming: [String] = []
    /// What the plan allows at once, once it was exceeded.
    var foundLimit: Int?
    var openedAt: Int64 = 0
    var heardAt: Int64 = 0
    var quickCloses = 0
    /// Set while a break is not over: since when, and of which streams.
    var lost: (since: Int64, handles: [UInt32])?

    // Requests.
    var requests: [UInt64: FinnhubRequest] = [:]
    var waiting: [UInt64] = []
    var lastRequest: UInt64 = 0
    var sentInSecond = (second: Int64(0), count: 0)
    var newsGroups: [UInt64: NewsGroup] = [:]
    var refusals = Refusals()

    // The catalogue: Finnhub's symbol → canonical.
    var catalog: [String: String] = [:]
    var listings: [String: Listing] = [:]

    enum ConnectionState {
        case none, opening, open, closing
        /// The key is refused: only new settings help.
        case refused
    }

    enum Timer {
        static let pacing: UInt32 = 1
        static let reopening: UInt32 = 2
        static let rejected: UInt32 = 3
        static let requests: UInt32 = 4
    }

    public init(host: Host) {
        self.host = host
        var problems = SettingsProblems()
        settings = FinnhubSettings(host.settings, problems: &problems)
        self.problems = problems
    }

    deinit { table.deallocate() }

    public func checkSettings() throws { try problems.throwIfAny() }

    public func start(now: Now) throws {
        try problems.throwIfAny()
        host.feed(.ok)
    }

    public func stop() {
        if connection == .open || connection == .opening { host.close(Self.stream) }
        connection = .none
    }

    public func timer(_ timer: UInt32, into output: Output, now: Now) throws {
        switch timer {
        case Timer.pacing: try subscribe(now)
        case Timer.reopening:
            isHolding = false
            try connect()
        case Timer.rejected: try retryRejected(now)
        case Timer.requests: try sendWaiting(now)
        default: break
        }
    }
}
