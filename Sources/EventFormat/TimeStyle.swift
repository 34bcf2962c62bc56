/// How times are written: `ts=` of a request.
public enum TimeStyle: Sendable, Hashable, CaseIterable {
    /// Integers, microseconds since the Unix epoch: the default.
    case microseconds
    case milliseconds
    case seconds
    /// Text, since such numbers do not survive a double.
    case nanoseconds
    /// RFC 3339 text in UTC with nine decimals.
    case iso

    /// Reads the parameter `us`, `ms`, `s`, `ns`, `iso`.
    public init?(_ parameter: String) {
        switch parameter {
        case "us": self = .microseconds
        case "ms": self = .milliseconds
        case "s": self = .seconds
        case "ns": self = .nanoseconds
        case "iso": self = .iso
        default: return nil
        }
    }

    /// The parameter's word.
    public var parameter: String {
        switch self {
        case .microseconds: "us"
        case .milliseconds: "ms"
        case .seconds: "s"
        case .nanoseconds: "ns"
        case .iso: "iso"
        }
    }
}
