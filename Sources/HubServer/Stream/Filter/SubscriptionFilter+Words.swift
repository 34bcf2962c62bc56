internal import EventFormat
internal import HubModel

extension SubscriptionFilter {
    /// The types that are wanted of some symbol, as words.
    ///
    /// - Parameter values: selectors of values that were asked for by name, `value:rsi(14)@1m`.
    func typeWords(values: [String]) -> [String] {
        if wantsSomewhere(where: \.isEverything) {
            return wantsSomewhere(where: \.wantsSummary) ? ["*", "summary"] : ["*"]
        }
        var words: [String] = []
        for (kind, word) in Words.kinds {
            // Interval 0 and the empty name are only in the kind as a whole.
            if wantsSomewhere(where: { $0.matches(kind: UInt8(kind)) }) {
                words.append(word)
            } else if word == "bar" {
                for interval in Interval.allCases
                where wantsSomewhere(where: { $0.matches(kind: UInt8(kind), interval: interval.rawValue) }) {
                    words.append("bar:\(interval.text)")
                }
            } else if word == "value" {
                for value in values {
                    let name = value.dropFirst(6)
                    guard let at = name.lastIndex(of: "@"),
                        let interval = Interval(String(name[name.index(after: at)...]))
                    else { continue }
                    let isWanted = wantsSomewhere { selector in
                        selector.matches(
                            kind: UInt8(kind), interval: interval.rawValue, definition: String(name[..<at]))
                    }
                    if isWanted { words.append(value) }
                }
            }
        }
        if wantsSomewhere(where: \.wantsSummary) { words.append("summary") }
        return words
    }

    /// Whether something is taken in that was not left out of all symbols later.
    private func wantsSomewhere(where isMeant: (EventSelector) -> Bool) -> Bool {
        var wanted = false
        for entry in entries where isMeant(entry.selector) {
            if entry.isIncluded {
                wanted = true
            } else if entry.pattern.text == "*" {
                wanted = false
            }
        }
        return wanted
    }

    /// Instruments of which something is wanted.
    func count(_ catalogue: some StreamCatalogue) -> Int {
        var seen = Set<String>()
        for entry in entries where entry.isIncluded {
            let instruments =
                entry.pattern.isExact
                ? catalogue.instrument(entry.pattern.text).map { [$0] } ?? []
                : catalogue.instruments(matching: entry.pattern)
            for instrument in instruments where !seen.contains(instrument.symbol) {
                let isWanted = instrument.kinds.contains {
                    wants(
                        symbol: instrument.symbol, kind: $0.kind.rawValue, interval: $0.interval,
                        definition: $0.definition)
                }
                if isWanted { seen.insert(instrument.symbol) }
            }
        }
        return seen.count
    }
}
