import EventFormat
import HubModel
import HubRuntime
import HubStore

/// Instruments that no list has: providers are asked for them by their names.
extension Routes {
    /// Of one question; vendors answer with fewer.
    private static let mostFound: UInt32 = 100

    /// What the first provider that can search finds, by symbol, in its order; nothing where nobody can be asked.
    func searched(
        _ text: String, fresh: Bool
    ) async throws(QueryFailure) -> [(symbol: Symbol, listing: Listing)] {
        guard let desk = engine.queries, desk.canAsk(.search) else { return [] }
        let answer = try await desk.ask(Query(.search, text: text, limit: Self.mostFound), fresh: fresh).answer
        guard let rows = (try? SettingsTree(json: answer.json))?.listValue else {
            throw QueryFailure(.failed, "\(answer.provider) answered a search with something that is no list")
        }
        var seen = Set<Symbol>()
        return rows.compactMap { row in
            guard let symbol = row["symbol"]?.textValue.flatMap({ try? Symbol($0) }), seen.insert(symbol).inserted
            else { return nil }
            var listing = Listing()
            listing.provider = answer.provider
            listing.symbol = symbol.text
            listing.name = row["name"]?.textValue ?? ""
            listing.type = row["type"]?.textValue.flatMap { Words.instrumentType(named: $0) } ?? 0
            listing.currency = row["currency"]?.textValue ?? ""
            listing.isin = row["isin"]?.textValue ?? ""
            if let name = row["vendor_symbol"]?.textValue { listing.identifiers = [("symbol", name)] }
            return (symbol, listing)
        }
    }
}
