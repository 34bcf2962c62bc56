public import PluginKit

/// Which instruments there are: shares and funds of the United States, currencies and coins.
extension TwelveData {
    public func refreshCatalog(now: Now) throws {
        loading = ([:], [:])
        try ask(.stocks, now)
    }

    private func ask(_ list: TwelveDataList, _ now: Now) throws {
        try send(
            TwelveDataRequest(purpose: .catalog(list), path: list.rawValue, parameters: list.parameters), now: now)
    }

    func take(_ list: TwelveDataList, _ response: HTTPResponse, _ now: Now) throws {
        try TwelveDataReplies.rows(response.body, scratch) { row in
            for listing in Self.listings(of: row, in: list) where loading.listings[listing.symbol] == nil {
                loading.listings[listing.symbol] = listing
                for identifier in listing.identifiers where identifier.name == "listed" {
                    loading.catalog[identifier.value] = listing.symbol
                }
                try host.add(listing)
            }
        }
        if let next = list.next { return try ask(next, now) }
        (listings, catalog) = loading
        loading = ([:], [:])
        host.catalogDone()
    }

    static func listings(of row: TwelveDataRow, in list: TwelveDataList) -> [Listing] {
        var type = TwelveDataSymbols.type(row.type)
        switch list {
        case .stocks: break
        case .etfs: type = .etf
        case .forex: type = .fx
        case .crypto: type = .crypto
        }
        let kind = type == .crypto ? "Digital Currency" : type == .fx ? "Physical Currency" : row.type
        var places = [(row.mic, row.exchange)]
        if list == .crypto { places += row.exchanges.map { ("", $0) } }
        var symbols: Set<String> = []
        return places.compactMap { mic, exchange in
            guard
                let symbol = TwelveDataSymbols.canonical(
                    symbol: row.symbol, mic: mic, exchange: exchange, type: kind),
                symbols.insert(symbol).inserted
            else { return nil }
            let venue = mic.isEmpty ? exchange : mic
            let isComposite = symbol.hasPrefix("CRYPTO:")
            let listed = venue.isEmpty || isComposite ? row.symbol : "\(row.symbol):\(venue)"
            return Listing(
                symbol: symbol, type: type, name: row.name.isEmpty ? "\(row.base) / \(row.quote)" : row.name,
                currency: row.currency.isEmpty ? quoteCurrency(row.symbol) : row.currency, isin: row.isin,
                figi: row.figi,
                identifiers: [Listing.Identifier("symbol", row.symbol), Listing.Identifier("listed", listed)])
        }
    }

    private static func quoteCurrency(_ symbol: String) -> String {
        guard let slash = symbol.lastIndex(of: "/") else { return "" }
        let quote = symbol[symbol.index(after: slash)...]
        return quote.utf8.count == 3 ? String(quote) : ""
    }

    public func listing(of symbol: String) -> Listing? {
        if let listing = listings[symbol] { return listing }
        guard let name = name(of: symbol) else { return nil }
        return Listing(
            symbol: symbol, type: name.type,
            identifiers: [
                Listing.Identifier("symbol", name.symbol), Listing.Identifier("listed", name.listed),
            ])
    }

    public func symbol(of identifier: String) -> String? {
        if let item = wanted.first(where: { $0.name.listed == identifier || $0.name.symbol == identifier }) {
            return item.symbol
        }
        if let known = catalog[identifier] { return known }
        guard let colon = identifier.firstIndex(of: ":") else {
            return TwelveDataSymbols.canonical(symbol: identifier)
        }
        let venue = String(identifier[identifier.index(after: colon)...])
        return TwelveDataSymbols.canonical(symbol: String(identifier[..<colon]), mic: venue, exchange: venue)
    }
}
