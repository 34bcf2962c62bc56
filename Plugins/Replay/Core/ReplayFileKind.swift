import PluginKit

/// What the rows of a file are.
enum ReplayFileKind: Equatable, Sendable {
    case trade
    case quote
    case bar(seconds: UInt32)

    private static let intervals: KeyValuePairs<String, UInt32> = [
        "1s": 1, "5s": 5, "15s": 15, "30s": 30, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600,
        "2h": 7200, "4h": 14400, "1d": 86400, "1w": 604_800, "1M": 2_592_000,
    ]

    /// `trade`, `quote`, or `bar:` and an interval; nil otherwise.
    init?(word: String) {
        switch word {
        case "trade": self = .trade
        case "quote": self = .quote
        default:
            guard word.hasPrefix("bar:"), let known = Self.intervals.first(where: { $0.key == word.dropFirst(4) })
            else { return nil }
            self = .bar(seconds: known.value)
        }
    }

    /// From a row's time to when it was known: a bar is known when it is over.
    var delayNanoseconds: Int64 {
        if case .bar(let seconds) = self { return Int64(seconds) * 1_000_000_000 }
        return 0
    }

    /// Columns by what they mean; those of the second list may be missing.
    var columns: (required: [(String, Column)], optional: [(String, Column)]) {
        switch self {
        case .trade:
            (
                [("ts_event_ns", .time), ("price", .value0), ("size", .value1)],
                [("exchange", .exchange), ("condition", .condition), ("suspicious", .suspicious)]
            )
        case .quote:
            (
                [
                    ("ts_event_ns", .time), ("bid", .value0), ("bid_size", .value1), ("ask", .value2),
                    ("ask_size", .value3),
                ],
                [("exchange", .exchange)]
            )
        case .bar:
            (
                [
                    ("ts_open_ns", .time), ("open", .value0), ("high", .value1), ("low", .value2),
                    ("close", .value3),
                ],
                [("volume", .value4)]
            )
        }
    }
}

/// What a column means to the parser.
enum Column: UInt8 {
    case ignored = 0
    case time = 1
    case exchange = 2
    case condition = 3
    case suspicious = 4
    case value0 = 8
    case value1 = 9
    case value2 = 10
    case value3 = 11
    case value4 = 12

    var bit: UInt16 { 1 << UInt16(rawValue) }
}
