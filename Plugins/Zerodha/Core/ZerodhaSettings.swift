import IndianMarkets
import PluginKit

/// Settings of the plugin; secrets are tokens of the host.
struct ZerodhaSettings {
    var apiKey: String
    var apiSecret: String
    var accessToken: String
    /// nil = from the kinds that are wanted.
    var mode: KiteMode?
    var connections: Int
    var restURL: String
    var websocketURL: String
    var loginURL: String

    init(_ settings: Settings) {
        apiKey = settings.text("/api_key") ?? ""
        apiSecret = settings.text("/api_secret") ?? ""
        accessToken = settings.text("/access_token") ?? ""
        mode = settings.text("/mode").flatMap(KiteMode.init)
        connections = Int(settings.integer("/connections") ?? 3)
        restURL = URLText.base(settings.text("/rest_url") ?? ZerodhaSettings.vendor.rest)
        websocketURL = URLText.base(settings.text("/websocket_url") ?? ZerodhaSettings.vendor.websocket)
        loginURL = settings.text("/login_url") ?? ZerodhaSettings.vendor.login
    }

    static let vendor = (
        rest: "https://api.kite.trade", websocket: "wss://ws.kite.trade",
        login: "https://kite.zerodha.com/connect/login"
    )
}

/// What the ticker sends of an instrument.
enum KiteMode: String, Sendable {
    case last = "ltp"
    case quote
    case full

    /// The least that has everything that is wanted: levels are in `full` only.
    init(_ kinds: KindSet) { self = kinds.isDisjoint(with: [.quote, .book]) ? .quote : .full }
}
