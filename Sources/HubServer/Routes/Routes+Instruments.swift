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
        table.get("/v1/instruments/lookup") { call in try lookup(call) }
        table.get("/v1/instruments/:symbol") { call in try await instrument(call) }
        table.get("/v1/instruments") { call in try await instruments(call) }
    }

    private func lookup(_ call: Call) throws -> Response {
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
        throw Problem(.notFound, "\(provider) has no names of its own for \(id ?? symbol ?? "")")
    }

    private func instrument(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let style = reader.timeStyle()
        try reader.finish()
        let symbol = try directories.current().one(call.part("symbol"))
        let (summary, seq) = engine.withFold { fold, seq in (fold.instrument(symbol.text), seq) }
        try await published(seq)
        let stored = try await blocking { try engine.store.instrument(symbol.text) }
        var text = TextBuffer(capacity: 1024)
        write(symbol, summary, stored, style, to: &text)
        return Reply.json(text)
    }

    private func instruments(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let query = reader.text("query")?.lowercased()
        let venue = reader.text("venue")
        let type = reader.text("type")
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
        let chosen = found
        let (summaries, seq) = engine.withFold { fold, seq in (chosen.map { fold.instrument($0.text) }, seq) }
        var walk = WalkCache.Walk(text: [], ends: [], notFound: [], failed: [], isSimulated: false)
        var text = TextBuffer(capacity: 4096)
        let stored = try await blocking { try engine.store.instruments(chosen.map(\.text)) }
        let storedBySymbol = Dictionary(stored.map { ($0.symbol, $0) }, uniquingKeysWith: { first, _ in first })
        for (symbol, summary) in zip(chosen, summaries) {
            if let type, Words.instrumentType(summary?.instrumentType ?? 0) != type { continue }
            write(symbol, summary, storedBySymbol[symbol.text], style, to: &text)
            walk.ends.append(text.count)
            text.truncate(to: text.count)
        }
        try await published(seq)
        walk.text = text.array
        if walk.ends.count > limit { walks.keep(walk, binding: binding, asOf: seq, now: engine.wallNanoseconds) }
        return rows(
            reply, of: walk, from: 0, limit: limit, asOf: seq, epoch: engine.journal.epoch, binding: binding,
            origin: nil)
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
        _ symbol: Symbol, _ summary: InstrumentSummary?, _ stored: StoredInstrument?, _ style: TimeStyle,
        to text: inout TextBuffer
    ) {
        let calendar = summary.flatMap { TradingCalendar.named($0.calendar) } ?? .forVenue(symbol.venue)
        let pipeline =
            summary?.pipeline ?? engine.configuration.pipelines.first { $0.takes(symbol) }?.name
        text.beginObject()
        text.member("symbol", symbol.text)
        text.member("venue", symbol.venue)
        if let type = Words.instrumentType(summary?.instrumentType ?? 0) { text.member("type", type) }
        if let currency = summary?.currency, !currency.isEmpty { text.member("currency", currency) }
        text.member("timezone", calendar.zone)
        text.member("calendar", calendar.name)
        text.member("tick_size", ifPresent: summary?.tickSize)
        text.member("lot_size", ifPresent: summary?.lotSize)
        text.member("streaming", summary?.activeSource != nil && pipeline != nil)
        text.member("pipeline", ifPresent: pipeline)
        let kinds = summary?.kinds ?? 0
        text.member("types", Words.kinds.filter { $0.kind < 32 && kinds >> UInt32($0.kind) & 1 != 0 }.map(\.word))
        text.member("intervals", (summary?.intervals ?? []).map { Interval.text(ofSeconds: $0) })
        if let first = stored?.firstNanoseconds { text.member("first", time: first, style: style) }
        if let last = stored?.lastNanoseconds { text.member("last", time: last, style: style) }
        text.key("identifiers")
        text.beginObject()
        text.endObject()
        text.endObject()
    }
}
