import HubModel
import HubRuntime

/// Instruments that are streamed while somebody subscribes to them by name.
extension StreamConnection {
    /// The filter is another one: what is new in it is wanted, what it no longer has is not.
    func followDemand() {
        guard let demand = services.demand, demand.isPossible else { return }
        var wanted = Set<Symbol>()
        // A replay that ends somewhere has no use for what comes now.
        for entry in session.bound == nil ? session.filter.entries : [] {
            if entry.isIncluded {
                if let symbol = entry.pattern.symbol, demand.offers(symbol) { wanted.insert(symbol) }
            } else if entry.selector.isEverything {
                wanted = wanted.filter { !entry.pattern.matches($0) }
            }
        }
        for symbol in held.subtracting(wanted) { demand.release(symbol) }
        let new = wanted.subtracting(held)
        held.formIntersection(wanted)
        for symbol in new where demand.hold(symbol) {
            held.insert(symbol)
            if services.isRefused(symbol.text) { tellRefused(symbol.text, "its providers have refused it") }
        }
    }

    func releaseDemand() {
        for symbol in held { services.demand?.release(symbol) }
        held = []
    }

    /// No provider streams an instrument that the client asked for.
    func tellRefused(_ symbol: String, _ reason: String) {
        send([.error(StreamError(.providerFailed, "\(symbol) cannot be streamed: \(reason)"))])
    }
}
