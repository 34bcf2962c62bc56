import EventFormat
import HubModel
import Synchronization

/// A hole on its way to be healed.
struct Wound: Sendable {
    private static let counter = Atomic<UInt64>(0)

    let id: UInt64
    var gap: ClosedGap
    var isPlanned = false
    /// What is still to be fetched.
    var open: [GapPart] = []
    private(set) var healed: [String] = []
    var failed: [(symbol: String, reason: String)] = []
    /// Instruments without bars.
    var without: [String] = []
    /// Bars that were journaled.
    private(set) var rows = 0
    var tries = 0
    var dueNanoseconds: Int64
    private var lastReason: [String: String] = [:]

    init(_ gap: ClosedGap, now: Int64) {
        self.gap = gap
        id = Self.counter.add(1, ordering: .relaxed).newValue
        dueNanoseconds = now
    }

    /// Whether nothing more is to be fetched.
    var isOver: Bool { isPlanned && open.isEmpty }

    func isSettled(_ symbol: String) -> Bool {
        healed.contains(symbol) || without.contains(symbol) || failed.contains { $0.symbol == symbol }
    }

    /// A stretch was fetched.
    mutating func take(_ stretch: MergedStretch, rows: Int) {
        let before = open.count
        open.removeAll { part in
            guard stretch.covers(part) else { return false }
            healed.append(part.symbol)
            return true
        }
        if open.count != before { self.rows += rows }
    }

    /// A stretch cannot be had at all.
    mutating func lose(_ stretch: MergedStretch, _ reason: String) {
        open.removeAll { part in
            guard stretch.covers(part) else { return false }
            failed.append((part.symbol, reason))
            return true
        }
    }

    /// A stretch cannot be had now.
    mutating func note(_ stretch: MergedStretch, _ reason: String) {
        for part in open where stretch.covers(part) { lastReason[part.symbol] = reason }
    }

    /// What is still open is left.
    mutating func giveUp() {
        let fallback = lastReason.first?.value ?? "it did not answer"
        failed += open.map { ($0.symbol, lastReason[$0.symbol] ?? fallback) }
        open = []
    }
}

/// Parts of holes of one instrument that are asked for together.
struct MergedStretch: Sendable, Hashable {
    var stretch: HistoryFetch.Stretch
    var providers: [String]

    func covers(_ part: GapPart) -> Bool {
        part.symbol == stretch.symbol && part.interval == stretch.interval && part.from >= stretch.from
            && part.to <= stretch.to
    }

    /// Parts that lie so many bars apart are asked for together: one call costs more than some bars too many.
    private static let barsBetween: Int64 = 120

    /// One call for what lies close together; in the order of the parts.
    static func merge(_ parts: [GapPart]) -> [MergedStretch] {
        var order: [String] = []
        var groups: [String: [GapPart]] = [:]
        for part in parts {
            let key = "\(part.symbol) \(part.interval.text)"
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(part)
        }
        var merged: [MergedStretch] = []
        for key in order {
            var last: MergedStretch?
            for part in (groups[key] ?? []).sorted(by: { $0.from < $1.from }) {
                if var open = last, part.from <= open.stretch.to + barsBetween * part.interval.nanoseconds {
                    open.stretch.to = max(open.stretch.to, part.to)
                    last = open
                    continue
                }
                if let last { merged.append(last) }
                last = MergedStretch(
                    stretch: .init(symbol: part.symbol, interval: part.interval, from: part.from, to: part.to),
                    providers: part.providers)
            }
            if let last { merged.append(last) }
        }
        return merged
    }
}
