internal import HubModel

/// What a connection wants: symbols and globs, each with types, less what was unsubscribed, less events with certain
/// flags.
///
/// A value that can be compared: connections with equal filters share their encoding work. `CompiledFilter` answers
/// quickly.
struct SubscriptionFilter: Hashable, Sendable {
    /// One pattern with its types, taken in or left out. Of several that speak of the same thing the last one counts.
    struct Entry: Hashable, Sendable {
        var pattern: SymbolPattern
        var selector: EventSelector
        var isIncluded: Bool
    }

    /// Sorted by pattern as long as nothing is left out; the order counts after that.
    private(set) var entries: [Entry] = []
    /// `HUB_FLAG_…` bits: events with one of them are left out.
    var excludedFlags: UInt16 = 0

    init(excludedFlags: UInt16 = 0) {
        self.excludedFlags = excludedFlags
    }

    /// A filter of one set of symbols and types.
    init(patterns: [SymbolPattern], selector: EventSelector, excludedFlags: UInt16 = 0) {
        self.excludedFlags = excludedFlags
        include(patterns, selector)
    }

    /// Whether nothing can match.
    var isEmpty: Bool { !entries.contains { $0.isIncluded } }

    /// Whether every record matches, `control` and `define` too, so that positions are contiguous.
    var isEverything: Bool {
        excludedFlags == 0 && entries.allSatisfy(\.isIncluded)
            && entries.contains { $0.pattern.text == "*" && $0.selector.isEverything }
    }

    private var hasExclusions: Bool { entries.contains { !$0.isIncluded } }

    /// Widens the filter.
    mutating func include(_ patterns: [SymbolPattern], _ selector: EventSelector) {
        guard !selector.isEmpty else { return }
        // What was left out by the same pattern and types is in again; it need not be remembered.
        let named = Set(patterns)
        entries.removeAll { entry in
            !entry.isIncluded && named.contains(entry.pattern)
                && (selector.isEverything || entry.selector == selector)
        }
        var merged = Set<SymbolPattern>()
        if !hasExclusions {
            for index in entries.indices where named.contains(entries[index].pattern) {
                entries[index].selector.formUnion(selector)
                merged.insert(entries[index].pattern)
            }
        } else {
            // A repeated subscription moves to the end and leaves one entry, not two.
            entries.removeAll { $0.isIncluded && named.contains($0.pattern) && $0.selector == selector }
        }
        for pattern in patterns where merged.insert(pattern).inserted {
            entries.append(Entry(pattern: pattern, selector: selector, isIncluded: true))
        }
        normalise()
    }

    /// Narrows the filter: what the patterns and types name is left out. `nil` stands for all.
    mutating func exclude(_ patterns: [SymbolPattern]?, _ selector: EventSelector?) {
        guard patterns != nil || selector != nil else {
            entries.removeAll()
            return
        }
        // One pattern for all symbols is always well-formed.
        let patterns = patterns ?? (try? SymbolPattern("*")).map { [$0] } ?? []
        let selector = selector ?? .everything
        let named = Set(patterns)
        let globs = patterns.filter { !$0.isExact }
        entries.removeAll { entry in
            guard selector.isEverything else { return named.contains(entry.pattern) && entry.selector == selector }
            return named.contains(entry.pattern) || globs.contains { $0.text == "*" }
                || (entry.pattern.isExact && globs.contains { $0.matches(entry.pattern.text) })
        }
        let exactLeft = Set(entries.filter { $0.isIncluded && $0.pattern.isExact }.map(\.pattern.text))
        let globsLeft = entries.filter { $0.isIncluded && !$0.pattern.isExact }.map(\.pattern)
        for pattern in patterns {
            let isStillIncluded =
                pattern.isExact
                ? exactLeft.contains(pattern.text) || globsLeft.contains { $0.matches(pattern.text) }
                : globsLeft.contains { GlobOverlap.overlap($0.text, pattern.text) }
                    || exactLeft.contains { pattern.matches($0) }
            if isStillIncluded { entries.append(Entry(pattern: pattern, selector: selector, isIncluded: false)) }
        }
        // What can take nothing away any more is forgotten, so that filters do not grow with the life of a connection.
        if isEmpty { entries.removeAll() }
        normalise()
    }

    /// Two filters that mean the same must be equal as often as possible: sharing depends on it.
    private mutating func normalise() {
        guard !hasExclusions else { return }
        entries.sort { $0.pattern.text.utf8.lexicographicallyPrecedes($1.pattern.text.utf8) }
    }

    /// Symbols and globs taken in, each once, in their order.
    var symbols: [String] {
        var seen = Set<String>()
        return entries.filter { $0.isIncluded && seen.insert($0.pattern.text).inserted }.map(\.pattern.text)
    }

    /// The union of all types taken in.
    var selector: EventSelector {
        var union = EventSelector()
        for entry in entries where entry.isIncluded { union.formUnion(entry.selector) }
        return union
    }

    /// Whether the view `summary` is wanted of a symbol.
    func wantsSummary(of symbol: String) -> Bool {
        var wanted = false
        for entry in entries where entry.pattern.matches(symbol) {
            if entry.isIncluded {
                wanted = wanted || entry.selector.wantsSummary
            } else if entry.selector.wantsSummary || entry.selector.isEverything {
                wanted = false
            }
        }
        return wanted
    }

    /// Whether something of this kind is wanted of a symbol. For single questions; streams of events go through
    /// `CompiledFilter`.
    func wants(symbol: String, kind: UInt8, interval: UInt32 = 0, definition: String = "") -> Bool {
        var wanted = false
        for entry in entries
        where entry.selector.matches(kind: kind, interval: interval, definition: definition)
            && entry.pattern.matches(symbol)
        {
            wanted = entry.isIncluded
        }
        return wanted
    }
}
