import PluginABI

/// The words that stand for the numbers in records. `nil` where a number has no word.
public enum Words {
    /// Kinds in the order they are named everywhere: market data, derived, administrative.
    public static let kinds: [(kind: Int, word: String)] = [
        (HUB_TRADE, "trade"), (HUB_TICK, "tick"), (HUB_QUOTE, "quote"), (HUB_BOOK, "book"), (HUB_BAR, "bar"),
        (HUB_VALUE, "value"), (HUB_GREEKS, "greeks"), (HUB_SIGNAL, "signal"), (HUB_STATUS, "status"), (HUB_GAP, "gap"),
        (HUB_CONTROL, "control"), (HUB_DEFINE, "define"),
    ]

    /// `trade` … `define`.
    public static func kind(_ kind: Int) -> String? {
        kinds.first { $0.kind == kind }?.word
    }

    /// `HUB_TRADE` … for a word.
    public static func kind(named word: String) -> Int? {
        kinds.first { $0.word == word }?.kind
    }

    public static func instrumentType(_ type: UInt8) -> String? { pick(type, instrumentTypes) }

    /// `HUB_TYPE_EQUITY` … for a word.
    public static func instrumentType(named word: String) -> UInt8? {
        instrumentTypes.firstIndex(of: word).map { UInt8($0 + 1) }
    }

    /// States of sources, subscriptions and instruments, as `control` has them.
    public static func state(_ state: UInt8) -> String? { pick(state, states) }

    public static func phase(_ phase: UInt8) -> String? { pick(phase, phases) }

    public static func gapReason(_ reason: UInt8) -> String? { pick(reason, gapReasons) }

    public static func repair(_ repair: UInt8) -> String? { pick(repair, repairs) }

    /// What a control record tells: `HUB_CONTROL_SOURCE` …
    public static func control(_ what: Int) -> String? { pick(UInt8(truncatingIfNeeded: what), controls) }

    public static func signal(_ kind: UInt8) -> String? { pick(kind, signals) }

    public static func direction(_ direction: UInt8) -> String? { pick(direction, directions) }

    public static func barState(_ state: UInt8) -> String? { pick(state, barStates) }

    public static func builtFrom(_ source: UInt8) -> String? { pick(source, builtFroms) }

    /// Conditions of a trade, bit 0 first.
    public static let conditions = [
        "odd_lot", "extended_hours", "auction_open", "auction_close", "average_price", "out_of_sequence", "sweep",
        "cross", "contingent", "not_last", "not_high_low", "not_volume", "other",
    ]

    /// Flags of events with their bits, in the order in which `flags` names them. `simulated` is a field of its own;
    /// *derived* and *last of message* are not told.
    public static let flags: [(bit: UInt16, word: String)] = [
        (UInt16(HUB_FLAG_SNAPSHOT), "snapshot"), (UInt16(HUB_FLAG_RECORDED), "recorded"),
        (UInt16(HUB_FLAG_BACKFILLED), "backfilled"), (UInt16(HUB_FLAG_LATE), "late"),
        (UInt16(HUB_FLAG_CORRECTION), "correction"), (UInt16(HUB_FLAG_SUSPECT), "suspect"),
        (UInt16(HUB_FLAG_UNTIMED), "untimed"),
    ]

    /// All bits that `flags` tells.
    public static let toldFlags: UInt16 = flags.reduce(0) { $0 | $1.bit }

    /// The bit of a word that `exclude` takes: one of `flags`, or `simulated`.
    public static func flag(named word: String) -> UInt16? {
        word == "simulated" ? UInt16(HUB_FLAG_SIMULATED) : flags.first { $0.word == word }?.bit
    }

    /// Numbers count from 1; 0 stands for none.
    private static func pick(_ number: UInt8, _ words: [String]) -> String? {
        number >= 1 && Int(number) <= words.count ? words[Int(number) - 1] : nil
    }

    private static let instrumentTypes = [
        "equity", "etf", "fund", "index", "future", "option", "bond", "fx", "crypto", "commodity", "simulated",
    ]
    private static let states = [
        "starting", "ok", "degraded", "reconnecting", "stale", "auth_needed", "closed", "failed", "stopped", "pending",
        "ended", "added", "changed", "expired",
    ]
    private static let phases = ["closed", "pre", "pre_open", "open", "break", "closing", "post"]
    private static let gapReasons = [
        "source_down", "source_stale", "source_reset", "provider_limit", "overload", "disk_full", "hub_down",
    ]
    private static let repairs = ["pending", "done", "partial", "impossible"]
    private static let controls = [
        "source", "failover", "subscription", "instrument", "configuration", "clock", "position", "end",
    ]
    private static let signals = ["pattern", "alert", "model"]
    private static let directions = ["bullish", "bearish", "neutral"]
    private static let barStates = ["closed", "revised", "forming"]
    private static let builtFroms = ["trade", "tick", "quote", "bar", "provider"]
}
