import PluginABI

/// What a plugin answered instead of doing what it was asked.
public struct PluginFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// `HUB_CONFIG` ….
    public var status: Int32
    /// What happened and what to do about it, in the plugin's words.
    public var text: String
    /// The setting it is about, a JSON pointer; empty = none.
    public var pointer: String
    /// When to try again, as the plugin advises.
    public var retryAfterMilliseconds: Int?

    public init(status: Int32, text: String, pointer: String = "", retryAfterMilliseconds: Int? = nil) {
        self.status = status
        self.text = text
        self.pointer = pointer
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    public var description: String { text }

    /// Whether waiting makes no sense: somebody has to do something first.
    public var isFinal: Bool {
        switch Int(status) {
        case HUB_CONFIG, HUB_AUTH, HUB_ENTITLEMENT, HUB_UNSUPPORTED, HUB_PANIC: true
        default: false
        }
    }

    /// The word for a status.
    static func word(_ status: hub_status) -> String {
        switch Int(status) {
        case HUB_OK: "ok"
        case HUB_CONFIG: "config"
        case HUB_AUTH: "auth"
        case HUB_ENTITLEMENT: "entitlement"
        case HUB_UNSUPPORTED: "unsupported"
        case HUB_NOT_FOUND: "not found"
        case HUB_RATE_LIMIT: "rate limit"
        case HUB_PROTOCOL: "protocol"
        case HUB_NETWORK: "network"
        case HUB_TIMEOUT: "timeout"
        case HUB_OVERLOAD: "overload"
        case HUB_INTERNAL: "internal"
        case HUB_PANIC: "panic"
        default: "status \(status)"
        }
    }
}
