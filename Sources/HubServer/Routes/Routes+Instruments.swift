import EventFormat
import HubFold
import HubModel
import HubRuntime
import HubStore
import HummingbirdCore
import PluginABI
import TableFormat

/// `/v1/instruments`, one of them, and the lookup by a vendor's own name.
extension Routes {
    func addInstruments(to table: inout RouteTable) {
        table.get("/v1/instruments/lookup") { call in try await lookup(call) }
        table.get("/v1/instruments/:symbol") { call in try await instrument(call) }
        table.get("/v1/instruments") { call in try await instruments(call) }
    }

    private func lookup(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let provider = reader.text("provider")
        let id = reader.text("id")
        let symbol = reader.text("symbol")
        if provider == nil { reader.fault(.badParameter, "provider", "is missing") }
        if (id == nil) == (symbol == nil) { reader.fault(.badParameter, "id", "give either id or symbol") }
        try reader.finish()
        guard let provider, engine.configuration.provider(provider) != nil else {
            let names = engine.configuration.providers.map(\.name)
            throw Problem(.notFound, "there is no provider \(provider ?? "")", candidates: names)
        }
        let name = try symbol.map { try known(catalogued: $0).text }
        let found = try await blocking { () -> (id: String, symbol: String)? in
            if let id {
                return try engine.store.symbol(ofIdentifier: id, provider: provider).map { (id, $0) }
            }
            guard let name else { return nil }
            let listing = try engine.store.listings(of: [name])[name]?.first { $0.provider == provider }
            return listing?.identifiers.first.map { ($0.value, name) }
        }
        guard let found else {
            throw Problem(.notFound, "\(provider) has no names of its own for \(id ?? symbol ?? "")")
        }
        var text = TextBuffer(capacity: 256)
        text.beginObject()
        text.member("provider", provider)
        text.member("id", found.id)
        text.member("symbol", found.symbol)
        text.endObject()
        return Reply.json(text)
    }

    private func instrument(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let style = reader.timeStyle()
        try reader.finish()
        let symbol = try known(catalogued: call.part("symbol"))
        let (summary, seq) = engine.withFold { fold, seq in (fold.instrument(symbol.text), seq) }
        try await published(seq)
        let (stored, listings) = try await blocking {
            (try engine.store.instrument(symbol.text), try engine.store.listings(of: [symbol.text]))
        }
        let listed = listings[symbol.text] ?? []
        if summary == nil, stored == nil, listed.isEmpty { _ = try directories.current().one(symbol.text) }
        var text = TextBuffer(capacity: 1024)
        write(symbol, summary, stored, listed, style, to: &text)
        return Reply.json(text)
    }

    private func instruments(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let asked = reader.text("query")
        let query = asked?.lowercased()
        let venue = reader.text("venue")
        let type = reader.text("type")
        let fresh = reader.flag("fresh") ?? false
        if let type, Words.instrumentType(named: type) == nil {
            let words = (UInt8(1)...11).compactMap { Words.instrumentType($0) }.joined(separator: ", ")
            reader.fault(.badParameter, "type", "expected one of \(words), found '\(type)'")
        }
        let limit = Self.limit(&reader, most: 10_000)
        let shape = try reader.shape(call)
        let style = shape.style(reader.timeStyle())
        let reply = ListReply(call: call, shape: shape, columns: EventColumns.instrument, style: style)
        let (token, binding) = pageToken(&reader, call)
        try reader.finish()
        if let token { return try page(reply, after: token, binding: binding, limit: limit, origin: nil) }

        var found = directories.current().symbols
        if let venue { found = found.filter { $0.venue == venue } }
        if let query { found = Self.ranked(found, query) }
        found += try await catalogued(query, venue: venue, type: type, without: found)
        var walk = WalkCache.Walk(text: [], ends: [], notFound: [], failed: [], isSimulated: false)
        var told: [Symbol: Listing] = [:]
        if let asked, !asked.isEmpty, found.isEmpty || fresh {
            do {
                for (symbol, listing) in try await searched(asked, fresh: fresh)
                where venue == nil || symbol.venue == venue {
                    told[symbol] = listing
                    if !found.contains(symbol) { found.append(symbol) }
                }
            } catch {
                let problem = Problem(error, subject: asked)
                walk.failed.append(.init(symbol: asked, code: problem.code, detail: problem.detail))
            }
        }
        let chosen = found
        let (summaries, seq) = engine.withFold { fold, seq in (chosen.map { fold.instrument($0.text) }, seq) }
        var text = TextBuffer(capacity: 4096)
        let (stored, listings) = try await blocking {
            (try engine.store.instruments(chosen.map(\.text)), try engine.store.listings(of: chosen.map(\.text)))
        }
        let storedBySymbol = Dictionary(stored.map { ($0.symbol, $0) }, uniquingKeysWith: { first, _ in first })
        for (symbol, summary) in zip(chosen, summaries) {
            var listed = listings[symbol.text] ?? []
            if let one = told[symbol], !listed.contains(where: { $0.provider == one.provider }) { listed.append(one) }
            if let type, Words.instrumentType(Self.type(summary, listed)) != type { continue }
            write(symbol, summary, storedBySymbol[symbol.text], listed, style, to: &text)
            walk.ends.append(text.count)
            text.truncate(to: text.count)
        }
        try await published(seq)
        walk.text = text.array
        if walk.ends.count > limit { walks.keep(walk, binding: binding, asOf: seq, now: engine.wallNanoseconds) }
        return rows(
            reply, of: walk, from: 0, limit: limit, asOf: seq, epoch: engine.journal.epoch, binding: binding,
            origin: told.isEmpty ? nil : "provider")
    }

    /// Instruments that providers list beside those the hub has data of.
    private func catalogued(
        _ query: String?, venue: String?, type: String?, without known: [Symbol]
    ) async throws -> [Symbol] {
        let known = Set(known)
        let number = type.flatMap { Words.instrumentType(named: $0) }
        let texts = try await blocking {
            try engine.store.searchListings(query, venue: venue, type: number, limit: Self.mostListed)
        }
        return texts.compactMap { try? Symbol($0) }.filter { !known.contains($0) }
    }

    /// Of one answer; a vendor may list hundreds of thousands.
    private static let mostListed = 10_000

    /// One instrument that the hub knows, or any that is written in full: a provider may list it.
    private func known(catalogued name: String) throws(Problem) -> Symbol {
        do {
            return try directories.current().one(name)
        } catch {
            guard error.code == .unknownSymbol, let symbol = try? Symbol(name), symbol.text == name else { throw error }
            return symbol
        }
    }

    private static func type(_ summary: InstrumentSummary?, _ listed: [Listing]) -> UInt8 {
        if let type = summary?.instrumentType, type != 0 { return type }
        return listed.first { $0.type != 0 }?.type ?? 0
    }

    /// Those whose symbol has every word of a query; names that are or begin with it first.
    static func ranked(_ symbols: [Symbol], _ query: String) -> [Symbol] {
        let words = query.split(separator: " ").map(String.init)
        var ranks: [[Symbol]] = [[], [], []]
        for symbol in symbols {
            let text = symbol.text.lowercased()
            guard words.allSatisfy(text.contains) else { continue }
            let name = symbol.name.lowercased()
            ranks[name == query || text == query ? 0 : name.hasPrefix(query) ? 1 : 2].append(symbol)
        }
        return ranks.flatMap { $0 }
    }

    private func write(
        _ symbol: Symbol, _ summary: InstrumentSummary?, _ stored: StoredInstrument?, _ listed: [Listing],
        _ style: TimeStyle, to text: inout TextBuffer
    ) {
        let calendar =
            summary.flatMap { TradingCalendar.named($0.calendar) }
            ?? .forVenue(symbol.venue, overrides: Plans.calendarNames(engine.configuration))
        func told(_ key: KeyPath<Listing, String>) -> String? {
            listed.lazy.map { $0[keyPath: key] }.first { !$0.isEmpty }
        }
        func told(_ key: KeyPath<Listing, Double>) -> Double? {
            listed.lazy.map { $0[keyPath: key] }.first { $0.isFinite }
        }
        func known(_ number: Double?) -> Double? { number.flatMap { $0.isFinite ? $0 : nil } }
        let pipeline =
            summary?.pipeline ?? engine.configuration.pipeline(of: symbol)?.name
        text.beginObject()
        text.member("symbol", symbol.text)
        text.member("name", ifPresent: told(\.name))
        text.member("venue", symbol.venue)
        if let type = Words.instrumentType(Self.type(summary, listed)) { text.member("type", type) }
        if let currency = summary?.currency, !currency.isEmpty {
            text.member("currency", currency)
        } else {
            text.member("currency", ifPresent: told(\.currency))
        }
        text.member("timezone", calendar.zone)
        text.member("calendar", calendar.name)
        text.member("tick_size", ifPresent: known(summary?.tickSize) ?? told(\.tickSize))
        text.member("lot_size", ifPresent: known(summary?.lotSize) ?? told(\.lotSize))
        text.member("multiplier", ifPresent: told(\.multiplier))
        text.member("isin", ifPresent: told(\.isin))
        text.member("underlying", ifPresent: told(\.underlying))
        if let expiry = listed.lazy.map(\.expiry).first(where: { $0 != 0 }) {
            text.member("expiry", CivilDate(dayNumber: Int(expiry)).text)
        }
        text.member("strike", ifPresent: told(\.strike))
        if let right = listed.lazy.map(\.right).first(where: { $0 != 0 }) {
            text.member("right", right == 1 ? "call" : "put")
        }
        text.member("sector", ifPresent: told(\.sector))
        text.member(
            "streaming", summary?.activeSource != nil && pipeline != nil && engine.demand?.isIdle(symbol) != true)
        text.member("pipeline", ifPresent: pipeline)
        let kinds = summary?.kinds ?? 0
        text.member("types", Words.kinds.filter { $0.kind < 32 && kinds >> UInt32($0.kind) & 1 != 0 }.map(\.word))
        text.member("intervals", (summary?.intervals ?? []).map { Interval.text(ofSeconds: $0) })
        if let first = stored?.firstNanoseconds { text.member("first", time: first, style: style) }
        if let last = stored?.lastNanoseconds { text.member("last", time: last, style: style) }
        text.key("identifiers")
        text.beginObject()
        for listing in listed where !listing.identifiers.isEmpty {
            text.key(text: listing.provider)
            text.beginObject()
            for identifier in listing.identifiers {
                text.key(text: identifier.name)
                text.element(identifier.value)
            }
            text.endObject()
        }
        text.endObject()
        text.endObject()
    }
}
