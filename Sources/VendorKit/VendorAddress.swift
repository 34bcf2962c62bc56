public import PluginKit

extension SettingsProblems {
    /// The address of the vendor's HTTP interface, if it is set; one that is none is a problem.
    public mutating func restURL(_ settings: Settings, otherwise url: String) -> String {
        address(settings, "/rest_url", otherwise: url, schemes: ["https://", "http://"], what: "address")
    }

    /// The address of the vendor's stream, if it is set; one that is none is a problem.
    public mutating func websocketURL(_ settings: Settings, otherwise url: String) -> String {
        address(
            settings, "/websocket_url", otherwise: url, schemes: ["wss://", "ws://"], what: "address of a WebSocket")
    }

    private mutating func address(
        _ settings: Settings, _ pointer: String, otherwise: String, schemes: [String], what: String
    ) -> String {
        guard let url = settings.text(pointer), !url.isEmpty else { return otherwise }
        if !schemes.contains(where: url.hasPrefix) {
            add(pointer, "'\(url)' is no \(what): it begins with \(schemes[0])")
        }
        return url
    }
}
