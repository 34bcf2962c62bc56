public import EventFormat
public import HubModel
public import PluginABI

/// What all records up to one position come to: newest values, bars, who serves whom, what is missing.
///
/// A fold is deterministic: it reads records and its plan, no clock and no file. The same records through the same
/// plan make the same derived records, and a fold that was saved and restored goes on as if it had not been.
///
/// A record goes through it twice. `admit` sees it before it is numbered and says whether it is taken; `apply` sees
/// it after it was journaled and makes the bars that it closes or revises. Both belong to the sequencer's thread;
/// reads may come from others while the caller's lock keeps `apply` out.
///
/// The newest bars of a series are remembered to the last digit (64 of seconds, 32 of minutes, 8 of hours, 4 of days).
/// A record that falls into an older one has it recalled from the journal (`recall`): it is revised from what its newest
/// record says, so its volume and notional go on from doubles: to the last digit while these have at most 15.
public final class Fold {
    let core: UnsafeMutablePointer<FoldCore>

    /// The state before the first record.
    public init(plan: FoldPlan) {
        core = .allocate(capacity: 1)
        core.initialize(to: FoldCore(plan: plan))
    }

    deinit {
        core.deinitialize(count: 1)
        core.deallocate()
    }

    /// Who is asked for bars that the fold no longer remembers. Without it a record that falls into one is flagged and
    /// counted, and revises nothing.
    ///
    /// To be set before the first record, and to the same thing whenever the same journal is folded.
    public var recall: Recall? {
        get { core.pointee.recall }
        set { core.pointee.recall = newValue }
    }

    /// Decides on a record of a source before it gets its number; completes its times and flags.
    ///
    /// Drops what a source that stands by sends, and counts it. Sets *simulated*, *late*, *suspect* (more than 5 s
    /// ahead of its receive time), *untimed* (no event time: it becomes the receive time); `ts_recv` never goes back;
    /// −0 becomes 0; a provider's bar gets its state and revision. Changes counters but nothing that later records
    /// depend on, except that a record answered `duplicate` is used up.
    ///
    /// - Parameter record: mutable memory of `lines` lines, `stream` already the journal's stream id, sizes checked
    ///   and mandatory
    ///   numbers finite.
    @inline(never)
    public func admit(_ record: UnsafeMutablePointer<hub_record>) -> Admission { core.pointee.admit(record) }

    /// Folds a record that was journaled.
    ///
    /// - Parameters:
    ///   - record: with its `seq`. Records the fold itself made are passed over: a whole journal may be run through it.
    ///   - out: gets the records that follow from it, in their order.
    @inline(never)
    public func apply(_ record: UnsafePointer<hub_record>, _ out: any DerivedOutput) {
        core.pointee.apply(record, out)
    }

    /// A source that resumes sends again what came after its last position: `admit` answers `duplicate` to what of it
    /// is in the journal, or was reported as skipped by a failover.
    ///
    /// To be called before the first record of a source that was told its last position. Bars are told by what they
    /// are and not by number, for which bars are taken depends on what the hub has.
    ///
    /// - Parameter count: `accepted` of the source's resume point.
    public func dropDuplicates(_ count: UInt64, from source: String) {
        guard let index = core.pointee.sourceIndex[source] else { return }
        let at = core.pointee.sources.base + Int(index)
        at.pointee.duplicates = count - min(count, UInt64(at.pointee.bars.count))
        at.pointee.duplicateBars = 0
        at.pointee.duplicateBarsEnd = count == 0 ? 0 : at.pointee.bars.count
    }

    // MARK: Definitions

    /// All definitions so far.
    public var definitions: DefinitionTable { core.pointee.definitions }

    /// The id of a stream, `nil` while it is not defined. `marketCentre` empty: the symbol's own venue.
    public func streamID(symbol: String, source: String, marketCentre: String = "") -> UInt32? {
        core.pointee.streamIndex[FoldCore.key(symbol, source, marketCentre)]
    }

    /// The id a new stream is to have.
    public var nextStreamID: UInt32 { core.pointee.definitions.nextStreamID }

    /// The number a new value definition is to have.
    public var nextDefinitionID: UInt32 { core.pointee.definitions.nextDefinitionID }
}
