import PluginABI

/// What the supervisor tells about holes, for those who heal them. Belongs to the sequencer's thread.
struct GapWatch {
    /// Whether bars of what a source misses can be asked for.
    var isHealable: (_ source: Int) -> Bool
    /// Of some instruments, globs taken apart, those that a source serves now.
    var served: (_ source: Int, _ symbols: [String]) -> [String]
    /// A hole is over.
    var onClosed: (ClosedGap) -> Void

    /// What the record of a hole says of its repair.
    func repair(of gap: Supervisor.OpenGap, source: Int, isOver: Bool) -> UInt8 {
        guard isHealable(source) else { return UInt8(HUB_REPAIR_IMPOSSIBLE) }
        // Where another source served all the time nothing is missing.
        return UInt8(isOver && gap.served?.isEmpty == true ? HUB_REPAIR_DONE : HUB_REPAIR_PENDING)
    }

    /// Another source took over from one that is still away: what was missed until then can be had now.
    func left(_ gap: Supervisor.OpenGap, source: Int, now: Int64) {
        closed(gap, source: source, number: 0, to: now, now: now, isOver: false)
    }

    func closed(_ gap: Supervisor.OpenGap, source: Int, number: UInt64, to: Int64, now: Int64, isOver: Bool = true) {
        guard isHealable(source), gap.served?.isEmpty != true else { return }
        onClosed(
            ClosedGap(
                number: gap.number == 0 ? number : gap.number, source: source, reason: gap.reason, kinds: gap.kinds,
                symbols: gap.symbols, fromNanoseconds: gap.fromNanoseconds,
                toNanoseconds: max(to, gap.fromNanoseconds), served: gap.served, leftAt: gap.leftAt,
                closedNanoseconds: now, isOver: isOver))
    }
}

/// A hole that is over and not healed yet. Times are nanoseconds.
struct ClosedGap: Sendable {
    /// `seq` of the record that opened it.
    var number: UInt64
    /// Index of the source.
    var source: Int
    var reason: UInt8
    /// Kinds missing, bits `1 << kind`.
    var kinds: UInt32
    /// Symbols and globs, as it was told.
    var symbols: [String]
    var fromNanoseconds: Int64
    var toNanoseconds: Int64
    /// Instruments that the source served when it began; `nil` = not known.
    var served: [String]?
    /// Pipelines that another source took over meanwhile, and when.
    var leftAt: [String: Int64] = [:]
    /// When it was found to be over.
    var closedNanoseconds: Int64
    /// False: the source is still away, but another one serves.
    var isOver = true
}

extension Supervisor.OpenGap {
    /// Another source serves a pipeline from now on.
    mutating func left(_ pipeline: String, at now: Int64) {
        if leftAt[pipeline] == nil { leftAt[pipeline] = now }
    }
}
