import PluginKit

/// One instrument that is wanted.
struct TwelveDataSubscription {
    enum State: Equatable {
        /// Not asked for on this connection; asked for, but not answered; streaming; refused.
        case waiting, asked, streaming, rejected
    }

    let handle: UInt32
    let symbol: String
    let name: TwelveDataSymbols.Name
    var kinds: KindSet
    var state = State.waiting

    /// The hub's venue.
    var venue: String { String(symbol.prefix { $0 != ":" }) }

    /// Whether a message names this instrument.
    func isNamed(_ item: TwelveDataItem) -> Bool {
        guard item.symbol.uppercased() == name.symbol.uppercased() else { return false }
        if item.mic.isEmpty, item.exchange.isEmpty { return true }
        if !name.exchange.isEmpty {
            return item.exchange.isEmpty || item.exchange == name.exchange || item.mic == name.exchange
        }
        guard !name.mic.isEmpty else { return true }
        let canonical = TwelveDataSymbols.canonical(symbol: item.symbol, mic: item.mic, exchange: item.exchange)
        return canonical == nil || canonical == symbol
    }
}
