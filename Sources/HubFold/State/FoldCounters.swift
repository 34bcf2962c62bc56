/// What the fold counted since its state began; rejections, duplicates and standby drops since the process started, for
/// they leave no trace in the journal.
public struct FoldCounters: Sendable, Hashable {
    /// Data records taken.
    public var taken: UInt64 = 0
    /// Records flagged late.
    public var late: UInt64 = 0
    /// Late records that revised nothing: their bars are older than what is kept, or a provider's bar stands there.
    public var lateWithoutRevision: UInt64 = 0
    /// Records flagged suspect.
    public var suspect: UInt64 = 0
    /// Bars closed.
    public var barsClosed: UInt64 = 0
    /// Bars revised.
    public var barsRevised: UInt64 = 0
    /// How often bars of the past had to be asked for since the process started.
    public var recalls: UInt64 = 0
    /// Corrections whose original was no longer known.
    public var correctionsUnknown: UInt64 = 0
    /// Records dropped because their source stands by.
    public var standby: UInt64 = 0
    /// Records dropped because the journal had them.
    public var duplicates: UInt64 = 0
    /// Records dropped because they have no place.
    public var rejected: UInt64 = 0

    public init() {}
}

/// A hole in a source's data.
public struct GapState: Sendable, Hashable {
    /// `seq` of the record that opened it; `gap_id` is made of it.
    public var id: UInt64
    /// Name of the source.
    public var source: String
    /// `HUB_GAP_SOURCE_DOWN` …
    public var reason: UInt8
    /// `HUB_REPAIR_PENDING` …
    public var repair: UInt8
    /// Kinds missing, bits `1 << kind`.
    public var kinds: UInt32
    /// Globs.
    public var symbols: [String]
    /// Nanoseconds of the last event before, and of the first after; 0 = not over.
    public var from: Int64
    public var to: Int64
    public var isOpen: Bool
}
