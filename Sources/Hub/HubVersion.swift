import HubJournal
import HubRuntime

/// The versions this binary has and understands.
enum HubVersion {
    static let hub = "0.1.0"

    static var text: String {
        "hub \(hub), plugin ABI \(PluginABIVersion.major).\(PluginABIVersion.minor), "
            + "journal format \(JournalFormat.version)"
    }
}
