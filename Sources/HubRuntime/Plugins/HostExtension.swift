import HubConfig
import PluginABI

/// The host extensions that this hub offers, by what a plugin is.
enum HostExtension {
    static func offered(to kind: PluginDescription.Kind) -> [String] {
        switch kind {
        case .provider:
            [
                HUB_HOST_EMIT, HUB_HOST_SETTINGS, HUB_HOST_TIMER, HUB_HOST_LOG, HUB_HOST_STATUS,
                HUB_HOST_QUERY, HUB_HOST_CATALOG,
            ] + HostServices.networkExtensions
        case .indicator: [HUB_HOST_SETTINGS, HUB_HOST_LOG]
        case .sink: [HUB_HOST_SETTINGS, HUB_HOST_LOG, HUB_HOST_SINK]
        }
    }

    /// All of them in one text: a cached refusal for want of one is no longer true when it changes.
    static let fingerprint = [PluginDescription.Kind.provider, .indicator, .sink]
        .map { "\($0.rawValue):" + offered(to: $0).joined(separator: ",") }
        .joined(separator: " ")
}
