import PluginKit

/// One instrument that is wanted.
struct FinnhubSubscription {
    enum State: Equatable {
        /// `crowded`: beyond what the plan lets one connection stream.
        case waiting, streaming, crowded
        case rejected(String)
    }

    /// As `want` gave it.
    let handle: UInt32
    /// Where records go: of the market centre, where there is one.
    let stream: UInt32
    let symbol: String
    let name: FinnhubSymbols.Name
    var kinds: KindSet
    var state = State.waiting
}
