internal import PluginABI

/// The kinds of events, named as in `objects.md`; the raw values are those of records (`HUB_TRADE` …).
public enum EventKind: UInt8, CaseIterable, Sendable, Hashable {
    case trade = 1
    case quote = 2
    case tick = 3
    case book = 4
    case bar = 5
    case value = 6
    case greeks = 7
    case signal = 8
    case status = 9
    case gap = 10
    case control = 128
    case define = 129

    /// The word of `type` in JSON.
    public var name: String {
        switch self {
        case .trade: "trade"
        case .quote: "quote"
        case .tick: "tick"
        case .book: "book"
        case .bar: "bar"
        case .value: "value"
        case .greeks: "greeks"
        case .signal: "signal"
        case .status: "status"
        case .gap: "gap"
        case .control: "control"
        case .define: "define"
        }
    }

    /// The kind with that word, `nil` for any other text.
    public init?(name: some StringProtocol) {
        guard let kind = EventKind.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    /// `1 << kind` in the masks of kinds that plugins and gaps use; 0 for `control` and `define`, which have no bit.
    public var bit: UInt32 { rawValue < 32 ? 1 << UInt32(rawValue) : 0 }
}
