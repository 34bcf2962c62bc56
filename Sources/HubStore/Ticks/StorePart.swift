import HubJournal
import PluginABI

/// Where records are kept once the journal lets go of them, and by which retention.
enum StorePart: Int, CaseIterable, Sendable {
    /// Trades, ticks, quotes, greeks, and what plugins may add: a file for each day in `ticks`.
    case ticks
    /// Order books: a file for each day in `books`.
    case books
    /// Everything else, in `store.sqlite`; of it clocks and positions are packed into chunks, too, since there are many.
    case kept

    /// Those that have files of their own.
    static let inDayFiles: [StorePart] = [.ticks, .books]

    static func of(_ kind: UInt8) -> StorePart {
        switch Int(kind) {
        case HUB_BOOK: .books
        case HUB_BAR, HUB_VALUE, HUB_SIGNAL, HUB_STATUS, HUB_GAP, HUB_CONTROL, HUB_DEFINE: .kept
        default: .ticks
        }
    }

    /// The kinds that a journal without any record of theirs may have had.
    var usualKinds: KindSet {
        switch self {
        case .ticks: KindSet([HUB_TRADE, HUB_TICK, HUB_QUOTE, HUB_GREEKS])
        case .books: KindSet([HUB_BOOK])
        case .kept: KindSet([HUB_BAR, HUB_VALUE, HUB_SIGNAL, HUB_STATUS, HUB_GAP, HUB_CONTROL, HUB_DEFINE])
        }
    }

    /// The kinds of a set that are kept here.
    func kinds(of kinds: KindSet) -> KindSet {
        KindSet(kinds.kinds.filter { StorePart.of($0) == self }.map { Int($0) })
    }

    /// The subfolder of the data folder.
    var folder: String { self == .books ? "books" : "ticks" }
}

extension KindSet {
    var isEmpty: Bool { kinds.isEmpty }

    func intersection(_ other: KindSet) -> KindSet {
        KindSet(kinds.filter { other.contains($0) }.map { Int($0) })
    }

    func union(_ other: KindSet) -> KindSet {
        KindSet((kinds + other.kinds).map { Int($0) })
    }

    /// As text, for a column: the numbers with commas between them.
    var text: String { kinds.map { String($0) }.joined(separator: ",") }

    init(text: String) {
        self.init(text.split(separator: ",").compactMap { Int($0) })
    }
}
