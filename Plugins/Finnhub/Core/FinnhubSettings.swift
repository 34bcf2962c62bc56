import PluginKit
import VendorKit

/// What the operator set.
struct FinnhubSettings {
    /// Stands for the key; the host puts the key in its place.
    var key = ""
    var symbolsPerConnection = 50
    var restURL = "https://finnhub.io/api/v1"
    var websocketURL = "wss://ws.finnhub.io"

    init(_ settings: Settings, problems: inout SettingsProblems) {
        if let key = settings.text("/api_key"), !key.isEmpty {
            self.key = key
        } else {
            problems.add("/api_key", "Finnhub needs a key: get one at finnhub.io and set api_key")
        }
        if let count = settings.integer("/symbols_per_connection") {
            if count < 1 || count > 10_000 {
                problems.add(
                    "/symbols_per_connection", "\(count) symbols: give 1 to 10000, 50 is the free plan's limit")
            } else {
                symbolsPerConnection = Int(count)
            }
        }
        restURL = problems.restURL(settings, otherwise: restURL)
        websocketURL = problems.websocketURL(settings, otherwise: websocketURL)
    }
}
