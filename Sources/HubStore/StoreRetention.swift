/// How long what is kept, in nanoseconds of journal time; `Int64.max` = for ever.
public struct StoreAges: Sendable, Hashable {
    /// Trades, ticks, quotes, greeks.
    public var ticks: Int64
    public var books: Int64
    /// Bars, values, signals, status, gaps, controls.
    public var bars: Int64

    public init(ticks: Int64 = .max, books: Int64 = .max, bars: Int64 = .max) {
        self.ticks = ticks
        self.books = books
        self.bars = bars
    }

    func age(of part: StorePart) -> Int64 {
        switch part {
        case .ticks: ticks
        case .books: books
        case .kept: bars
        }
    }
}

/// What the store lets go of, and when.
public struct StoreRetention: Sendable {
    public var ages: StoreAges
    /// Other ages of an instrument; `nil` = those of all.
    public var agesOfSymbol: @Sendable (String) -> StoreAges?
    /// Beyond this the oldest books go early, then the oldest ticks.
    public var mostBytes: Int64
    /// What is compared with it: bytes of the whole data folder.
    public var usedBytes: @Sendable () -> Int64

    public init(
        ages: StoreAges = StoreAges(), mostBytes: Int64 = .max,
        agesOfSymbol: @escaping @Sendable (String) -> StoreAges? = { _ in nil },
        usedBytes: @escaping @Sendable () -> Int64 = { 0 }
    ) {
        self.ages = ages
        self.mostBytes = mostBytes
        self.agesOfSymbol = agesOfSymbol
        self.usedBytes = usedBytes
    }
}

/// What retention took in one go.
public struct StoreRemoval: Sendable, Hashable {
    /// Paths of files that are gone.
    public var files: [String] = []
    /// Paths of files of which some instruments' records are gone, or some segments.
    public var trimmed: [String] = []
    /// Bars and what else is kept in rows.
    public var events = 0
    /// Files went before their time, since the data folder was too large.
    public var isForSize = false

    public var isEmpty: Bool { files.isEmpty && trimmed.isEmpty && events == 0 }
}
