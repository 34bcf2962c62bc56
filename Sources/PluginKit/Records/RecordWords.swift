/// Kinds of records a plugin emits or takes. Raw values are those of `hub/record.h`.
public enum RecordKind: UInt8, Sendable, CaseIterable {
    case trade = 1
    case quote = 2
    case tick = 3
    case book = 4
    case bar = 5
    case value = 6
    case greeks = 7
    case signal = 8
    case tradingStatus = 9
    case gap = 10
    case control = 128
    case define = 129
}

/// A set of data kinds: bit 1 << kind.
@frozen
public struct KindSet: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let trade = KindSet(rawValue: 1 << 1)
    public static let quote = KindSet(rawValue: 1 << 2)
    public static let tick = KindSet(rawValue: 1 << 3)
    public static let book = KindSet(rawValue: 1 << 4)
    public static let bar = KindSet(rawValue: 1 << 5)
    public static let value = KindSet(rawValue: 1 << 6)
    public static let greeks = KindSet(rawValue: 1 << 7)
    public static let signal = KindSet(rawValue: 1 << 8)
    public static let tradingStatus = KindSet(rawValue: 1 << 9)
    public static let gap = KindSet(rawValue: 1 << 10)
}

/// Flags a plugin may set on a record; the upper eight bits belong to the host.
@frozen
public struct RecordFlags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Last record of one vendor message.
    @inlinable public static var lastOfMessage: RecordFlags { RecordFlags(rawValue: 1 << 0) }
    /// The vendor's first state after connecting.
    @inlinable public static var snapshot: RecordFlags { RecordFlags(rawValue: 1 << 1) }
    /// The source itself doubts it.
    @inlinable public static var suspect: RecordFlags { RecordFlags(rawValue: 1 << 2) }
    /// Replaces the earlier trade of the same source and id.
    @inlinable public static var correction: RecordFlags { RecordFlags(rawValue: 1 << 3) }
    /// From history, not live.
    @inlinable public static var backfilled: RecordFlags { RecordFlags(rawValue: 1 << 4) }
    /// From a file or a capture.
    @inlinable public static var recorded: RecordFlags { RecordFlags(rawValue: 1 << 5) }
}

/// Who crossed the spread.
public enum TradeSide: UInt8, Sendable {
    case none = 0
    case buy = 1
    case sell = 2
}

/// Conditions of a trade.
@frozen
public struct TradeConditions: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let oddLot = TradeConditions(rawValue: 1 << 0)
    public static let extendedHours = TradeConditions(rawValue: 1 << 1)
    public static let auctionOpen = TradeConditions(rawValue: 1 << 2)
    public static let auctionClose = TradeConditions(rawValue: 1 << 3)
    public static let averagePrice = TradeConditions(rawValue: 1 << 4)
    public static let outOfSequence = TradeConditions(rawValue: 1 << 5)
    public static let sweep = TradeConditions(rawValue: 1 << 6)
    public static let cross = TradeConditions(rawValue: 1 << 7)
    public static let contingent = TradeConditions(rawValue: 1 << 8)
    public static let notLast = TradeConditions(rawValue: 1 << 9)
    public static let notHighLow = TradeConditions(rawValue: 1 << 10)
    public static let notVolume = TradeConditions(rawValue: 1 << 11)
    /// One the hub has no word for.
    public static let other = TradeConditions(rawValue: 1 << 12)
}

/// What an instrument is.
public enum InstrumentType: UInt8, Sendable, CaseIterable {
    case none = 0
    case equity = 1
    case etf = 2
    case fund = 3
    case index = 4
    case future = 5
    case option = 6
    case bond = 7
    case fx = 8
    case crypto = 9
    case commodity = 10
    case simulated = 11

    /// The word used in settings and answers; nil if it is none of them.
    public init?(word: String) {
        guard let type = Self.allCases.first(where: { $0 != .none && $0.word == word }) else { return nil }
        self = type
    }

    /// The word used in settings and answers; empty for ``none``.
    public var word: String { self == .none ? "" : String(describing: self) }
}

/// What a bar was made from.
public enum BuiltFrom: UInt8, Sendable {
    case trade = 1
    case tick = 2
    case quote = 3
    case bar = 4
    case provider = 5
}
