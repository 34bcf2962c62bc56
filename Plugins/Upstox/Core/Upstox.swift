import IndianMarkets
public import PluginKit

/// The market data of Upstox: plugin `upstox`.
///
/// Each connection begins with a request for its one-time address. Updates are partial, so a connection that comes back
/// begins with nothing known. The token of a login dies at half past three in the morning; an analytics token, set as
/// `access_token`, lives for a year.
public final class Upstox: QueryProvider, CatalogProvider, LoginProvider {
    let host: Host
    let settings: UpstoxSettings
    var feed = UpstoxFeed()
    var lines: FeedLines<String, UpstoxMode>
    /// Everything that is wanted, subscribed or not.
    var wants: [UInt32: Want] = [:]
    var instruments: UpstoxInstruments?
    var session = Session.none
    /// Upgrades and authorisations that were answered with 403 since one succeeded.
    var refusals = 0
    var requests: [UInt64: Pending] = [:]
    var lastRequest: UInt64 = 0
    /// Queries that wait for the instrument list.
    var waiting: [Query] = []
    var lastMessage = 0

    /// Whether there is a token to connect with.
    enum Session: Equatable {
        case none
        case alive(token: String)
        /// A person has to log in.
        case needed
    }

    enum TimerID {
        static let expiry: UInt32 = 1
        static let catalog: UInt32 = 2
        /// And the connection's place: when to ask for its address again.
        static let authorize: UInt32 = 16
    }

    static let keysOfMessage = 500
    static let idleMilliseconds: UInt32 = 60_000
    static let retryNanoseconds: Int64 = 30_000_000_000

    public init(host: Host) {
        self.host = host
        settings = UpstoxSettings(host.settings)
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
            session = .alive(token: kept.token)
            if let expires = kept.expiresNanoseconds { try? host.setTimer(TimerID.expiry, atNanoseconds: expires) }
        } else if !settings.accessToken.isEmpty {
            // It may be one of a year: when it ends, the vendor says so.
            session = .alive(token: settings.accessToken)
        } else {
            // The list of instruments needs no token.
            if instruments == nil { requestInstruments() }
            return needLogin("there is no access token: log in with hub auth, or set access_token", now)
        }
        refusals = 0
        host.feed(.reconnecting, reason: "connecting to Upstox")
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
        host.feed(.authenticationNeeded, reason: reason)
        for index in lines.lines.indices {
            host.cancelTimer(TimerID.authorize + UInt32(index))
            if lines.lines[index].phase == .open {
                host.close(UInt32(index + 1), code: 1000, reason: "the access token is dead")
            }
        }
    }

    /// The headers of every REST call; the list of instruments needs none.
    var headers: [(name: String, value: String)]? {
        guard case .alive(let token) = session else { return nil }
        return [(name: "Accept", value: "application/json"), (name: "Authorization", value: "Bearer \(token)")]
    }

    public func timer(_ timer: UInt32, into output: Output, now: Now) throws {
        switch timer {
        case TimerID.expiry:
            needLogin("the access token ended at half past three in the morning: log in again with hub auth", now)
        case TimerID.catalog:
            if instruments == nil { requestInstruments() }
        case TimerID.authorize..<(TimerID.authorize + UInt32(lines.lines.count)):
            authorize(Int(timer - TimerID.authorize), now)
        default: break
        }
    }
}
