public import PluginKit

/// Which shares there are.
extension Finnhub {
    public func refreshCatalog(now: Now) throws {
        try send(
            FinnhubRequest(
                purpose: .catalog, path: "/stock/symbol", parameters: [("exchange", "US")], exchange: "US"), now: now)
    }

    func takeCatalog(_ response: HTTPResponse) throws {
        var names: [String: String] = [:]
        var rows: [String: Listing] = [:]
        try FinnhubReplies.symbols(response.body, scratch) { row in
            guard let symbol = FinnhubSymbols.canonical(row.symbol, mic: row.mic) else { return }
            let listing = Listing(
                symbol: symbol, type: FinnhubSymbols.type(row.type), name: row.description, currency: row.currency,
                isin: row.isin, figi: row.figi, identifiers: [Listing.Identifier("symbol", row.symbol)])
            names[row.symbol] = symbol
            rows[symbol] = listing
            try host.add(listing)
        }
        catalog = names
        listings = rows
        host.catalogDone()
    }

    public func listing(of symbol: String) -> Listing? {
        if let listing = listings[symbol] { return listing }
        guard let name = name(of: symbol) else { return nil }
        return Listing(symbol: symbol, type: name.type, identifiers: [Listing.Identifier("symbol", name.vendor)])
    }

    public func symbol(of identifier: String) -> String? {
        if let item = wanted.first(where: { $0.name.vendor == identifier }) { return item.symbol }
        return catalog[identifier] ?? FinnhubSymbols.canonical(identifier)
    }
}
