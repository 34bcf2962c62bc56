import HubJournal
import HubStore
import PluginABI

/// Passes over everything that is left of the past.
extension History {
    /// Calls `body` with each record of a filter up to a position, in order by `seq`, until it answers `false`: from the store
    /// where the journal has let go, from the journal elsewhere. A record is good only within `body`.
    func forEach(
        through seq: UInt64, matching filter: JournalFilter, _ body: (UnsafePointer<hub_record>) -> Bool
    ) throws {
        let earliest = engine.journal.earliest.seq
        var goesOn = true
        if earliest > 1 {
            let last = min(seq, earliest - 1)
            try wait(for: last)
            try engine.store.forEachRecord(after: 0, through: last, kinds: filter.kinds) { record in
                if filter.matches(record) { goesOn = body(record) }
                return goesOn
            }
        }
        guard goesOn, seq >= earliest else { return }
        try engine.journal.forEach(after: earliest - 1, through: seq, matching: filter, body)
    }
}
