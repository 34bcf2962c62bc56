import EventFormat
import HubJournal
import HubModel
import HubRuntime
import PluginABI

/// The gaps of the sources, each once, as it was told last.
///
/// Takes its time: not for an event loop.
struct QualityGaps: Sendable {
    let engine: any EngineAccess
    /// Gaps that concern any of these.
    let patterns: [SymbolPattern]

    /// One gap's newest record.
    struct Found {
        var bytes: [UInt8]
        var seq: UInt64
        var gap: hub_gap
        /// Symbols and globs.
        var symbols: [String]
    }

    /// Gaps told up to a position, by the `seq` of what was told last.
    func all(through asOf: UInt64) throws -> [Found] {
        var newest: [UInt64: Found] = [:]
        try History(engine).gaps(through: asOf) { record in
            let symbols = GapText.symbols(record)
            guard concerns(symbols) else { return }
            let pointer = RecordPointer(record)
            let gap = pointer.asGap.pointee
            newest[gap.opened_by == 0 ? pointer.seq : gap.opened_by] = Found(
                bytes: Array(pointer.bytes), seq: pointer.seq, gap: gap, symbols: symbols)
        }
        return newest.values.sorted { $0.seq < $1.seq }
    }

    private func concerns(_ symbols: [String]) -> Bool {
        symbols.isEmpty
            || symbols.contains { symbol in patterns.contains { GlobOverlap.overlap($0.text, symbol) } }
    }
}

extension QualityGaps.Found {
    /// Whether it lies in a range, nanoseconds; one that is open goes on.
    func touches(from: Int64?, to: Int64?) -> Bool {
        (to.map { gap.from < $0 } ?? true) && (from.map { gap.to == 0 || gap.to >= $0 } ?? true)
    }

    var isOpen: Bool { Int(gap.state) != HUB_GAP_CLOSED }

    /// Whether events of a kind are missing for a symbol. Bars and values lack what they are made of.
    func isMissing(_ symbol: String, kind: Int) -> Bool {
        if Int(gap.repair) == HUB_REPAIR_DONE, !isOpen { return false }
        // Its bars were fetched, with what was computed from smaller ones; the events themselves are gone.
        if Int(gap.repair) == HUB_REPAIR_PARTIAL, !isOpen, kind == HUB_BAR { return false }
        guard symbols.isEmpty || symbols.contains(where: { GlobOverlap.overlap($0, symbol) }) else { return false }
        let inputs = [HUB_TRADE, HUB_TICK, HUB_QUOTE, HUB_BAR].reduce(UInt32(0)) { $0 | 1 << UInt32($1) }
        let bits = kind == HUB_BAR || kind == HUB_VALUE ? inputs : 1 << UInt32(kind)
        return gap.types == 0 || gap.types & bits != 0
    }
}
