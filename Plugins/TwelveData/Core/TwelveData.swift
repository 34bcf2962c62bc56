import JSONReading
public import PluginKit
import VendorKit

/// The provider of data from twelvedata.com: plugin `twelvedata`.
///
/// One connection streams prices, which are snapshots and become ticks, never trades. Everything else is asked for and
/// paid in credits of the vendor's minute; what the plan does not include is learnt when it is refused.
public final class TwelveData: QueryProvider, CatalogProvider {
    let host: Host
    let settings: TwelveDataSettings
    private let problems: SettingsProblems
    let scratch = JSONScratch()

    // The stream.
    var routes = TwelveDataRoutes([])
    var wanted: [TwelveDataSubscription] = []
    var connection = ConnectionState.none
    /// Set while a new try waits for its time: the vendor refused the last one.
    var isHolding = false
    var heardAt: Int64 = 0
    /// Set while a break is not over: since when, and of which streams.
    var lost: (since: Int64, handles: [UInt32])?

    // Requests.
    var credits: CreditBudget
    var requests: [UInt64: TwelveDataRequest] = [:]
    var waiting: [UInt64] = []
    var lastRequest: UInt64 = 0
    var refusals = Refusals()
    /// Queries whose answer needs several requests.
    var newsGroups: [UInt64: NewsGroup] = [:]

    // The catalogue: TwelveData's symbol and code → canonical.
    var catalog: [String: String] = [:]
    var listings: [String: Listing] = [:]
    var loading: (listings: [String: Listing], catalog: [String: String]) = ([:], [:])

    enum ConnectionState {
        case none, opening, open, closing
        /// The key is refused: only new settings help.
        case refused
    }

    enum Timer {
        static let heartbeat: UInt32 = 1
        static let reopening: UInt32 = 2
        static let requests: UInt32 = 3
    }

    public init(host: Host) {
        self.host = host
        var problems = SettingsProblems()
        settings = TwelveDataSettings(host.settings, problems: &problems)
        credits = CreditBudget(plan: settings.plan, spare: settings.spareCredits)
        self.problems = problems
    }

    deinit { routes.deallocate() }

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
        case Timer.heartbeat:
            if connection == .open { try? host.send(#"{"action":"heartbeat"}"#, on: Self.stream) }
        case Timer.reopening:
            isHolding = false
            try connect()
        case Timer.requests: try sendWaiting(now)
        default: break
        }
    }
}
