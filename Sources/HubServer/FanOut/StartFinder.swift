import HubJournal
import HubRuntime
import HubStore
import PluginABI

/// Finds where `from: time` and `from: last` begin, in the store and the journal. Takes its time: not for an event loop.
struct StartFinder {
    let engine: any EngineAccess
    let filter: SubscriptionFilter

    /// The position after which delivery begins.
    func find(_ goal: StartSearch.Goal) throws -> UInt64 {
        let head = engine.journal.head
        let definitions = engine.definitions.snapshot()
        let compiled = CompiledFilter(filter, definitions: definitions)
        switch goal {
        case .firstAtOrAfter(let nanoseconds):
            var search = StartSearch(goal, head: head)
            let asked = HistoryKinds.search(filter, definitions, from: nanoseconds)
            try History(engine).forEach(after: 0, through: head, matching: asked) {
                !search.feed($0, matches: compiled)
            }
            return search.after
        case .newest(let count):
            let asked = HistoryKinds.search(filter, definitions)
            var oldest: UInt64?
            let newest = try History(engine).newest(count, after: 0, before: head + 1, matching: asked) {
                compiled.matches($0)
            }
            newest.withUnsafeBytes { bytes in
                _ = RecordChunk.forEach(bytes) {
                    oldest = $0.pointee.seq
                    return false
                }
            }
            return oldest.map { $0 - 1 } ?? head
        }
    }
}
