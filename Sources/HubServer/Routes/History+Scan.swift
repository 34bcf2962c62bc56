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
        try forEach(after: 0, through: seq, matching: filter) { record in
            filter.matches(record) ? body(record) : true
        }
    }
}
