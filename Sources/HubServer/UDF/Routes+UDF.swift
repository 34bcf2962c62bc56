import EventFormat
import HubFold
import HubModel
import HubRuntime
import HummingbirdCore
import PluginABI

/// `/udf/…`: TradingView's Universal Data Feed, so that its charts work on the hub unchanged.
///
/// Shapes: charting-library-docs, "UDF". Times are whole seconds since the Unix epoch; `from` is inclusive, `to` exclusive.
extension Routes {
    private static let mostFound = 1000
    private static let mostQuoted = 1000

    func addUDF(to table: inout RouteTable) {
        table.get("/udf/config") { _ in udfConfiguration() }
        table.get("/udf/time") { _ in
            var text = TextBuffer(capacity: 32)
            text.append(engine.wallNanoseconds / 1_000_000_000)
            return Reply.text(text, type: "text/plain; charset=utf-8")
        }
        table.get("/udf/symbols") { call in try await UDFAnswer.make { try udfSymbol(call) } }
        table.get("/udf/search") { call in try await UDFAnswer.make { try udfSearch(call) } }
        table.get("/udf/history") { call in try await UDFAnswer.make { try await udfHistory(call) } }
        table.get("/udf/marks") { call in try await UDFAnswer.make { try await udfMarks(call) } }
        table.get("/udf/quotes") { call in try await UDFAnswer.make { try await udfQuotes(call) } }
    }

    // MARK: What there is

    private func udfConfiguration() -> Response {
        var text = TextBuffer(capacity: 1024)
        text.beginObject()
        text.member("supports_search", true)
        text.member("supports_group_request", false)
        text.member("supports_marks", true)
        text.member("supports_timescale_marks", false)
        text.member("supports_time", true)
        text.member("supported_resolutions", UDFResolution.all)
        text.key("exchanges")
        text.beginArray()
        choice("", "All venues", &text)
        for venue in Set(directories.current().symbols.map(\.venue)).sorted() { choice(venue, venue, &text) }
        text.endArray()
        text.key("symbols_types")
        text.beginArray()
        for (value, name) in [("", "All types")] + udfTypes() {
            text.beginObject()
            text.member("name", name)
            text.member("value", value)
            text.endObject()
        }
        text.endArray()
        text.endObject()
        return Reply.json(text)
    }

    private func choice(_ value: String, _ name: String, _ text: inout TextBuffer) {
        text.beginObject()
        text.member("value", value)
        text.member("name", name)
        text.member("desc", name)
        text.endObject()
    }

    private func udfTypes() -> [(value: String, name: String)] {
        let types = Set(engine.withFold { fold, _ in fold.instruments.map(\.instrumentType) })
        return types.sorted().compactMap { Words.instrumentType($0) }.map {
            ($0, $0.prefix(1).uppercased() + $0.dropFirst())
        }
    }

    private func udfSymbol(_ call: Call) throws -> Response {
        let symbol = try directories.current().one(UDFParameters(call.query).required("symbol"))
        let summary = engine.withFold { fold, _ in fold.instrument(symbol.text) }
        let calendar = summary.flatMap { TradingCalendar.named($0.calendar) } ?? .forVenue(symbol.venue)
        var kept = Set(summary?.intervals.compactMap { Interval(rawValue: $0) } ?? [])
        if let pipeline = engine.configuration.pipelines.first(where: { $0.takes(symbol) }) {
            kept.formUnion(pipeline.bars)
        }
        let possible = Interval.allCases.sorted().filter { interval in
            kept.contains(interval) || BarRollup.sources(of: interval).contains(where: kept.contains)
        }
        var text = TextBuffer(capacity: 1024)
        text.beginObject()
        text.member("name", symbol.name)
        text.member("ticker", symbol.text)
        text.member("description", symbol.text)
        text.member("type", Words.instrumentType(summary?.instrumentType ?? 0) ?? "")
        text.member("session", UDFSession.text(of: calendar))
        text.member("timezone", calendar.zone == "UTC" ? "Etc/UTC" : calendar.zone)
        // Older charts read the names with a hyphen.
        text.member("exchange", symbol.venue)
        text.member("listed_exchange", symbol.venue)
        text.member("exchange-traded", symbol.venue)
        text.member("exchange-listed", symbol.venue)
        text.member("format", "price")
        let scale = UDFPriceScale(tickSize: summary?.tickSize ?? .nan)
        text.member("minmov", scale.minimalMovement)
        text.member("minmov2", 0)
        text.member("pricescale", scale.scale)
        text.member("pointvalue", 1)
        text.member("has_intraday", possible.contains { !$0.isDateBased })
        text.member("intraday_multipliers", possible.filter { !$0.isDateBased && $0 >= .m1 }.map(UDFResolution.text))
        text.member("has_seconds", possible.contains { $0 < .m1 })
        text.member("seconds_multipliers", possible.filter { $0 < .m1 }.map { "\($0.seconds)" })
        text.member("has_daily", possible.contains(.d1))
        text.member("has_weekly_and_monthly", possible.contains(.w1) && possible.contains(.month1))
        text.member("supported_resolutions", possible.map(UDFResolution.text))
        text.member("volume_precision", 0)
        text.member("data_status", "streaming")
        if let currency = summary?.currency, !currency.isEmpty { text.member("currency_code", currency) }
        text.endObject()
        return Reply.json(text)
    }

    private func udfSearch(_ call: Call) throws -> Response {
        let parameters = UDFParameters(call.query)
        let limit = try parameters.integer("limit", in: 1...Int.max) ?? 50
        let venue = parameters.text("exchange")
        let type = parameters.text("type")
        var found = directories.current().symbols
        if let venue { found = found.filter { $0.venue == venue } }
        if let query = parameters.text("query") { found = Self.ranked(found, query.lowercased()) }
        let chosen = found
        let types = engine.withFold { fold, _ in chosen.map { fold.instrument($0.text)?.instrumentType ?? 0 } }
        var text = TextBuffer(capacity: 4096)
        var count = 0
        text.beginArray()
        for (symbol, number) in zip(chosen, types) {
            let word = Words.instrumentType(number) ?? ""
            if let type, type != word { continue }
            if count == min(limit, Self.mostFound) { break }
            count += 1
            text.beginObject()
            text.member("symbol", symbol.name)
            text.member("full_name", symbol.text)
            text.member("description", symbol.text)
            text.member("exchange", symbol.venue)
            text.member("ticker", symbol.text)
            text.member("type", word)
            text.endObject()
        }
        text.endArray()
        return Reply.json(text)
    }

    // MARK: Quotes

    private func udfQuotes(_ call: Call) async throws -> Response {
        let names = try ListText.split(UDFParameters(call.query).required("symbols"))
        guard names.count <= Self.mostQuoted else {
            throw Problem(.tooManySymbols, "\(names.count) symbols, and at most \(Self.mostQuoted) can be asked for")
        }
        let directory = directories.current()
        let symbols = names.map { name -> Symbol? in
            if case .found(let symbol) = directory.resolve(name) { return symbol }
            return nil
        }
        let (values, seq) = engine.withFold { fold, seq in
            (symbols.map { $0.flatMap { fold.lastValue(of: $0.text) } }, seq)
        }
        try await published(seq)
        var text = TextBuffer(capacity: 4096)
        text.beginObject()
        text.member("s", "ok")
        text.key("d")
        text.beginArray()
        for (index, name) in names.enumerated() {
            text.beginObject()
            if let symbol = symbols[index], let value = values[index], let figures = QuoteFigures(value) {
                text.member("s", "ok")
                text.member("n", name)
                text.key("v")
                figures.writeUDF(symbol, to: &text)
            } else {
                text.member("s", "error")
                text.member("n", name)
                text.member("errmsg", symbols[index] == nil ? "unknown symbol" : "no price yet")
                text.key("v")
                text.beginObject()
                text.endObject()
            }
            text.endObject()
        }
        text.endArray()
        text.endObject()
        return Reply.json(text)
    }
}

extension QuoteFigures {
    fileprivate func writeUDF(_ symbol: Symbol, to text: inout TextBuffer) {
        text.beginObject()
        text.member("ch", ifPresent: change)
        text.member("chp", ifPresent: changePercent)
        text.member("short_name", symbol.name)
        text.member("exchange", symbol.venue)
        text.member("original_name", symbol.text)
        text.member("description", symbol.text)
        text.member("lp", last)
        text.member("ask", ifPresent: ask)
        text.member("bid", ifPresent: bid)
        if let ask, let bid { text.member("spread", Rounding.round(ask - bid, places: 9)) }
        text.member("open_price", ifPresent: open)
        text.member("high_price", ifPresent: high)
        text.member("low_price", ifPresent: low)
        text.member("prev_close_price", ifPresent: previousClose)
        text.member("volume", ifPresent: volume)
        text.endObject()
    }
}
