public import PluginABI

/// What the records say of one source.
public struct SourceSummary: Sendable {
    public var name: String
    /// `HUB_STATE_…`; 0 before the first control record.
    public var state: UInt8
    public var previousState: UInt8
    /// For people.
    public var reason: String
    /// Since when it is in that state, nanoseconds.
    public var since: Int64
    /// Its own stream (without an instrument), once defined.
    public var stream: UInt32?
    /// Data records of it in the journal.
    public var taken: UInt64
    /// `seq`, event and receive time of the newest; 0 before the first.
    public var lastSeq: UInt64
    public var lastEvent: Int64
    public var lastReceived: Int64
    /// Bars that end at or before it are closed; `nil` before the first.
    public var watermark: Int64?
    /// Records dropped since the start of the process because it stands by.
    public var standby: UInt64
    /// Records flagged suspect since the start of the process, by check.
    public var suspects: SuspectCounts
}

/// Where a source goes on.
public struct ResumePoint: Sendable, Hashable {
    /// The 24 bytes of its last position; `nil`: it gave none.
    public var position: [UInt8]?
    /// `seq` of that position; 0 where there is none.
    public var positionSeq: UInt64
    /// How many of its records since that position are accounted for: in the journal, or dropped while it stood by
    /// and reported by a failover. A source that resumes sends them again, and after `dropDuplicates(_:from:)` they
    /// are dropped.
    public var accepted: UInt64

    public init(position: [UInt8]?, positionSeq: UInt64, accepted: UInt64) {
        self.position = position
        self.positionSeq = positionSeq
        self.accepted = accepted
    }
}

extension Fold {
    /// All sources, planned ones first in the plan's order, then those only definitions name.
    public var sources: [SourceSummary] { core.pointee.sourceNames.map { source($0) }.compactMap { $0 } }

    /// One source; `nil` where neither plan nor definitions name it.
    public func source(_ name: String) -> SourceSummary? {
        guard let index = core.pointee.sourceIndex[name] else { return nil }
        let source = core.pointee.sources[Int(index)]
        return SourceSummary(
            name: name, state: source.state, previousState: source.previousState,
            reason: core.pointee.sourceReasons[Int(index)], since: source.since,
            stream: source.stream == 0 ? nil : source.stream, taken: source.taken, lastSeq: source.lastSeq,
            lastEvent: source.lastEvent, lastReceived: source.lastReceived,
            watermark: source.watermark == .min ? nil : source.watermark, standby: source.standby,
            suspects: source.suspects)
    }

    /// Name of the source that serves a pipeline; `nil` where none does.
    public func activeSource(ofPipeline name: String) -> String? {
        guard let number = core.pointee.plan.pipelines.firstIndex(where: { $0.name == name }) else { return nil }
        let active = core.pointee.active[number]
        return active >= 0 ? core.pointee.sourceNames[Int(active)] : nil
    }

    /// Name of the source that serves an instrument: its pipeline's, unless a failover named one for it alone.
    public func activeSource(of symbol: String) -> String? {
        guard let index = core.pointee.instrumentIndex[symbol] else { return nil }
        let active = core.pointee.instruments[Int(index)].active
        return active >= 0 ? core.pointee.sourceNames[Int(active)] : nil
    }

    /// Where a source goes on after a start.
    public func resumePoint(of source: String) -> ResumePoint {
        guard let index = core.pointee.sourceIndex[source] else {
            return ResumePoint(position: nil, positionSeq: 0, accepted: 0)
        }
        let state = core.pointee.sources[Int(index)]
        let position = withUnsafeBytes(of: state.position) { Array($0) }
        return ResumePoint(
            position: state.hasPosition ? position : nil, positionSeq: state.positionSeq,
            accepted: state.sincePosition + UInt64(state.bars.count))
    }

    /// Records of a source that were dropped since its last position because it stands by, and that no failover has
    /// reported yet: what `skipped` of the next failover to it says.
    public func skippedSincePosition(ofSource source: String) -> UInt64 {
        core.pointee.sourceIndex[source].map { core.pointee.sources[Int($0)].skipped } ?? 0
    }

    /// The digest of a source's settings, 32 bytes, from its newest `control/configuration`.
    public func settingsDigest(ofSource source: String) -> [UInt8]? {
        guard let index = core.pointee.sourceIndex[source], core.pointee.sources[Int(index)].hasDigest else {
            return nil
        }
        return withUnsafeBytes(of: core.pointee.sources[Int(index)].digest) { Array($0) }
    }

    /// The digest of the whole configuration, 32 bytes.
    public var configurationDigest: [UInt8]? {
        core.pointee.configurationDigest.isEmpty ? nil : core.pointee.configurationDigest
    }

    /// Gaps that are not over, in the order they were opened.
    public var openGaps: [GapState] { core.pointee.gaps.filter(\.isOpen) }

    /// Gaps that are over and still remembered, oldest first.
    public var closedGaps: [GapState] { core.pointee.gaps.filter { !$0.isOpen } }

    /// The time of the newest `control/clock`; 0 before the first.
    public var clockNanoseconds: Int64 { core.pointee.clock }

    /// `ts_recv` of the newest record; it never goes backwards. 0 before the first.
    public var lastReceivedNanoseconds: Int64 { core.pointee.lastReceived }

    /// The newest record applied; derived ones are not counted.
    public var lastAppliedSeq: UInt64 { core.pointee.seq }

    /// The newest position in the journal that the fold stands for: the last record applied and what followed from it.
    public var position: UInt64 { core.pointee.seq &+ core.pointee.caused }

    /// What was counted.
    public var counters: FoldCounters { core.pointee.counters }
}
