import IndianMarkets
public import PluginKit

/// Kite Connect 3 of Zerodha: plugin `zerodha`.
///
/// Tokens are needed to subscribe, so the instrument list comes first; then as many connections as the instruments need.
/// The access token dies at six in the morning, or when the vendor says so: then everything stands still until a person
/// has logged in again.
public final class Zerodha: QueryProvider, CatalogProvider, LoginProvider {
    let host: Host
    let settings: ZerodhaSettings
    var ticker = KiteTicker()
    var lines: FeedLines<UInt32, KiteMode>
    /// Everything that is wanted, subscribed or not.
    var wants: [UInt32: Want] = [:]
    var instruments: KiteInstruments?
    var session = Session.none
    /// Upgrades that were answered with 403 since one succeeded.
    var refusals = 0
    var requests: [UInt64: Pending] = [:]
    var lastRequest: UInt64 = 0
    /// Queries that wait for the instrument list.
    var waiting: [Query] = []

    /// Whether there is a token to connect with.
    enum Session: Equatable {
        case none
        case alive(token: String, expires: Int64)
        /// A person has to log in.
        case needed
    }

    enum TimerID {
        static let expiry: UInt32 = 1
        static let catalog: UInt32 = 2
    }

    static let tokensOfConnection = 3000
    static let tokensOfMessage = 500
    static let idleMilliseconds: UInt32 = 5000
    static let catalogRetryNanoseconds: Int64 = 30_000_000_000

    public init(host: Host) {
        self.host = host
        settings = ZerodhaSettings(host.settings)
        lines = FeedLines(mostLines: settings.connections)
    }

    public func start(now: Now) throws {
        beginSession(now)
    }

    public func stop() {
        lines.stop(host)
        requests = [:]
        waiting = []
    }

    // MARK: Session

    /// Takes the newest token there is and begins to work with it.
    func beginSession(_ now: Now) {
        if let kept = host.kept("access_token"), (kept.expiresNanoseconds ?? .max) > now.wallNanoseconds {
            let end = IndianTime.next(hour: 6, minute: 0, after: now.wallNanoseconds)
            session = .alive(token: kept.token, expires: kept.expiresNanoseconds ?? end)
        } else if !settings.accessToken.isEmpty {
            session = .alive(
                token: settings.accessToken,
                expires: IndianTime.next(hour: 6, minute: 0, after: now.wallNanoseconds))
        } else {
            needLogin("there is no access token: log in with hub auth, or set access_token", now)
            return
        }
        refusals = 0
        if case .alive(_, let expires) = session { try? host.setTimer(TimerID.expiry, atNanoseconds: expires) }
        host.feed(.reconnecting, reason: "connecting to Kite")
        if instruments == nil {
            requestInstruments()
        } else {
            subscribeAll(now)
        }
    }

    /// Stands still until a person has logged in.
    func needLogin(_ reason: String, _ now: Now) {
        guard session != .needed else { return }
        session = .needed
        host.cancelTimer(TimerID.expiry)
        host.cancelTimer(TimerID.catalog)
        host.feed(.authenticationNeeded, reason: reason)
        for index in lines.lines.indices where lines.lines[index].phase != .down {
            host.close(UInt32(index + 1), code: 1000, reason: "the access token is dead")
        }
        let error = PluginError(.authentication, reason)
        for query in waiting { host.answered(query.identifier, error) }
        waiting = []
    }

    /// The headers of every REST call; nil = a person has to log in first.
    var headers: [(name: String, value: String)]? {
        guard case .alive(let token, _) = session else { return nil }
        return [
            (name: "X-Kite-Version", value: "3"), (name: "Authorization", value: "token \(settings.apiKey):\(token)"),
        ]
    }

    public func timer(_ timer: UInt32, into output: Output, now: Now) throws {
        switch timer {
        case TimerID.expiry:
            needLogin("the access token ended at six in the morning: log in again with hub auth", now)
        case TimerID.catalog:
            if instruments == nil { requestInstruments() }
        default: break
        }
    }
}
