internal import EventFormat
internal import HubModel
internal import PluginABI

/// The entries of a filter, found by symbol, and the rules for events that have none.
struct EntryLookup: Sendable {
    /// In a mask: the stream has a symbol.
    static let symbolBit: UInt64 = 1 << 18

    private struct ClassKey: Hashable {
        var selector: EventSelector
        var isIncluded: Bool
    }

    private let entries: [SubscriptionFilter.Entry]
    /// Entries of exact symbols: thousands of them are looked up, not tried.
    private var exact: [String: [Int]] = [:]
    private var globs: [Int] = []
    private var included: [Int] = []
    /// Speak of events without a symbol: every entry that takes something in, and what is left out of all symbols.
    private var unbound: [Int] = []
    /// For each entry, the same number as for others of the same types and direction.
    private var classes: [Int] = []
    /// Whether clocks and positions are wanted: an entry has type `*`.
    let wantsAllControls: Bool

    init(_ filter: SubscriptionFilter) {
        entries = filter.entries
        for (index, entry) in entries.enumerated() {
            if entry.pattern.isExact {
                exact[entry.pattern.text, default: []].append(index)
            } else {
                globs.append(index)
            }
            if entry.isIncluded { included.append(index) }
            if entry.isIncluded || entry.pattern.text == "*" { unbound.append(index) }
        }
        var wantsAll = false
        for entry in unbound.map({ filter.entries[$0] }) {
            if entry.isIncluded && entry.selector.isEverything { wantsAll = true }
            if !entry.isIncluded && entry.selector.selectsControl { wantsAll = false }
        }
        wantsAllControls = wantsAll
        var numbers: [ClassKey: Int] = [:]
        for entry in entries {
            let key = ClassKey(selector: entry.selector, isIncluded: entry.isIncluded)
            let number = numbers[key] ?? numbers.count
            numbers[key] = number
            classes.append(number)
        }
    }

    /// The entries that speak of a symbol, in their order. Of an empty symbol, that of a source or the hub, every
    /// entry speaks that takes something in: what happens to sources is told to whoever asks for that type.
    func entries(matching symbol: String) -> [Int] {
        if symbol.isEmpty { return unbound }
        var found = exact[symbol] ?? []
        for index in globs where entries[index].pattern.matches(symbol) { found.append(index) }
        return found.sorted()
    }

    /// What decides over these entries' answers: equal keys have equal answers, whatever the patterns.
    func key(_ found: [Int], ofSymbol symbol: String) -> [Int] { [symbol.isEmpty ? 0 : 1] + found.map { classes[$0] } }

    /// Whether these entries, the last one first, take an event in.
    func wants(_ found: [Int], kind: Int, interval: UInt32 = 0, definition: String = "") -> Bool {
        for index in found.reversed()
        where entries[index].selector.matches(kind: UInt8(kind), interval: interval, definition: definition) {
            return entries[index].isIncluded
        }
        return false
    }

    /// Whether these entries take in kinds that have no word.
    func wantsAll(_ found: [Int]) -> Bool {
        for index in found.reversed() where entries[index].selector.isEverything { return entries[index].isIncluded }
        return false
    }

    /// Whether a stream has a symbol, by its mask.
    func hasSymbol(ofStream id: UInt32, _ mask: UInt64) -> Bool { id != 0 && mask & Self.symbolBit != 0 }

    /// Whether a definition is wanted; `symbol` is empty for values and for sources themselves.
    func wantsDefinition(ofSymbol symbol: String) -> Bool { wants(entries(matching: symbol), kind: HUB_DEFINE) }

    /// Whether an entry names a symbol, or may match one, of the venue, with type `status`.
    func wantsStatus(ofVenue venue: String) -> Bool {
        let whole = venue + ":*"
        let places = entries.indices.filter { GlobOverlap.overlap(entries[$0].pattern.text, whole) }
        var wanted = false
        for index in places where entries[index].selector.matches(kind: UInt8(HUB_STATUS)) {
            let text = entries[index].pattern.text
            if entries[index].isIncluded {
                wanted = true
            } else if text == whole || text == "*" {
                // Leaving out some symbols of a venue leaves others, and the venue's state matters to them.
                wanted = false
            }
        }
        return wanted
    }

    /// Whether a gap in these symbols and globs concerns the filter, whatever its types. A gap that names nothing
    /// concerns all.
    func isTouched(by symbols: [String]) -> Bool {
        guard !included.isEmpty else { return false }
        return symbols.isEmpty || symbols.contains(where: isTouched(by:))
    }

    private func isTouched(by symbol: String) -> Bool {
        if GlobOverlap.isGlob(symbol) {
            return included.contains { GlobOverlap.overlap(entries[$0].pattern.text, symbol) }
        }
        // An exact symbol that was left out altogether is no concern any more.
        guard let last = entries(matching: symbol).last(where: { entries[$0].isIncluded || isWhole(entries[$0]) })
        else {
            return false
        }
        return entries[last].isIncluded
    }

    private func isWhole(_ entry: SubscriptionFilter.Entry) -> Bool { entry.selector.isEverything }
}
