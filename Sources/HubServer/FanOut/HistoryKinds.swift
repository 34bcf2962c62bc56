import EventFormat
import HubJournal
import HubModel
import HubStore
import PluginABI

/// What a search asks of the journal and of the store behind it.
enum HistoryKinds {
    /// What lets journal and store pass over what cannot match: streams and kinds, and times where those can be known. It may let
    /// too much through.
    ///
    /// - Parameter includesGaps: gaps concern everybody who reads the stream.
    static func search(
        _ filter: SubscriptionFilter, _ definitions: DefinitionTable, includesGaps: Bool = true, from: Int64? = nil,
        to: Int64? = nil
    ) -> JournalFilter {
        let selector = filter.selector
        var kinds = Words.kinds.map(\.kind).filter { selector.mayMatch(kind: UInt8($0)) }
        if includesGaps { kinds.append(HUB_GAP) }
        let patterns = filter.entries.map(\.pattern)
        var streams: StreamSet?
        if !patterns.contains(where: { $0.text == "*" }) {
            // Events of sources and of the hub itself concern symbols they do not carry.
            let ids = definitions.streams.filter { stream in
                stream.symbol.isEmpty || patterns.contains { $0.matches(stream.symbol) }
            }
            streams = StreamSet([0] + ids.map(\.id))
        }
        // The time of a value is its bar's, which the index does not know.
        let knowsTime = !selector.mayMatch(kind: UInt8(HUB_VALUE))
        return JournalFilter(
            streams: streams, kinds: filter.isEverything ? .all : KindSet(kinds),
            fromNanoseconds: knowsTime ? from : nil, toNanoseconds: knowsTime ? to : nil)
    }
}

extension StreamHole {
    /// A hole of the store, as far as a selector asks for what is missing; `nil` if it does not.
    init?(_ hole: StoreHole, of selector: EventSelector) {
        let types = Words.kinds.filter {
            hole.kinds.contains(UInt8($0.kind)) && selector.mayMatch(kind: UInt8($0.kind))
        }.map(\.word)
        guard !types.isEmpty else { return nil }
        self.init(
            after: hole.after, before: hole.before, reason: hole.isDamage ? .lost : .retention, types: types)
    }
}
