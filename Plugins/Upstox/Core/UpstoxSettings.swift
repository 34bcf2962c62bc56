import IndianMarkets
import PluginKit

/// Settings of the plugin; secrets are tokens of the host.
struct UpstoxSettings {
    var accessToken: String
    var apiKey: String
    var apiSecret: String
    /// nil = from the kinds that are wanted.
    var mode: UpstoxMode?
    var isPlus: Bool
    var restURL: String
    var instrumentsURL: String

    static let vendor = (rest: "https://api.upstox.com", assets: "https://assets.upstox.com")
    private static let instrumentsPath = "/market-quote/instruments/exchange/complete.json.gz"

    init(_ settings: Settings) {
        accessToken = settings.text("/access_token") ?? ""
        apiKey = settings.text("/api_key") ?? ""
        apiSecret = settings.text("/api_secret") ?? ""
        mode = settings.text("/mode").flatMap(UpstoxMode.init)
        isPlus = settings.text("/plan") == "plus"
        restURL = URLText.base(settings.text("/rest_url") ?? UpstoxSettings.vendor.rest)
        // Whoever puts something else in the vendor's place has the list there too, unless it says otherwise.
        let assets =
            settings.text("/assets_url").map(URLText.base)
            ?? (restURL == UpstoxSettings.vendor.rest ? UpstoxSettings.vendor.assets : restURL)
        instrumentsURL = assets + UpstoxSettings.instrumentsPath
    }

    var connections: Int { isPlus ? 5 : 2 }
}

/// What the feed sends of an instrument.
enum UpstoxMode: String, Sendable, CaseIterable {
    case last = "ltpc"
    case greeks = "option_greeks"
    case full
    case deep = "full_d30"

    /// The least that has everything that is wanted. Day prices and volume are in `full` only, but for options, of which
    /// greeks and the first level come in a mode of their own.
    init(_ kinds: KindSet, isOption: Bool) {
        self = isOption && kinds.contains(.greeks) && kinds.isDisjoint(with: [.tick, .book]) ? .greeks : .full
    }

    /// Whether one connection takes so many instruments of each mode.
    static func fits(_ modes: [UpstoxMode: Int]) -> Bool {
        let total = modes.values.reduce(0, +)
        guard (modes[.deep] ?? 0) <= 50 else { return false }
        if modes.count > 1 { return total <= (modes[.full] != nil || modes[.deep] != nil ? 1500 : 2000) }
        switch modes.keys.first {
        case .last: return total <= 5000
        case .greeks: return total <= 3000
        case .full: return total <= 2000
        case .deep, nil: return true
        }
    }
}
