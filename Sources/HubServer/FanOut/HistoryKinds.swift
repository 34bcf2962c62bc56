import EventFormat
import HubModel
import PluginABI

/// Which kinds of events outlive the journal.
enum HistoryKinds {
    /// Kinds that are in the store for good.
    static let kept = [HUB_BAR, HUB_VALUE, HUB_SIGNAL, HUB_STATUS, HUB_GAP, HUB_CONTROL, HUB_DEFINE]

    /// Words of the kinds a selector may select that are gone with the journal.
    static func lost(of selector: EventSelector) -> [String] {
        Words.kinds.filter { !kept.contains($0.kind) && selector.mayMatch(kind: UInt8($0.kind)) }.map(\.word)
    }

    /// Whether a selector may select something that is kept. Gaps concern everybody.
    static func isKept(of selector: EventSelector) -> Bool { !selector.isEmpty }
}
