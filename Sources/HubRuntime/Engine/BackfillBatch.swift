/// Records of the past that somebody brings: an import, or history fetched from a provider.
public struct BackfillBatch: Sendable {
    /// Who brings them: the name of a provider in `hub.yaml`, or `import`.
    public var source: String
    /// The instruments, `VENUE:NAME`.
    public var symbols: [String]
    /// For each of `symbols` where it traded, if not its own venue, else empty; without elements: all their own.
    public var marketCentres: [String]
    /// Records one behind the other, in the order in which they are to be journaled; `stream` is an index into `symbols`,
    /// `seq` and `ts_recv` are filled in by the hub, the flag *backfilled* is set by it.
    public var records: [UInt8]

    public init(source: String, symbols: [String], marketCentres: [String] = [], records: [UInt8]) {
        self.source = source
        self.symbols = symbols
        self.marketCentres = marketCentres
        self.records = records
    }
}

/// What became of a batch.
public struct BackfillResult: Sendable {
    /// How many records were journaled.
    public var accepted: Int
    /// How many were left out because the journal has them already: bars where the hub has its own.
    public var dropped: Int
    /// Position of the last record that came of it; everything is published up to here.
    public var last: UInt64

    public init(accepted: Int, dropped: Int, last: UInt64) {
        self.accepted = accepted
        self.dropped = dropped
        self.last = last
    }
}

/// Why a batch was refused, in words that name the record and the remedy.
public struct BackfillError: Error, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }
}
