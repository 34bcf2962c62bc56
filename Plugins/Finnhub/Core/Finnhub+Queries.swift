public import PluginKit
import VendorKit

/// Questions and their answers.
extension Finnhub {
    /// Finnhub gives about a month of intraday bars at once.
    public static var querySpans: [QuerySpan] {
        [
            QuerySpan(interval: 60, days: 30), QuerySpan(interval: 300, days: 30), QuerySpan(interval: 900, days: 30),
            QuerySpan(interval: 1800, days: 30), QuerySpan(interval: 3600, days: 30),
            QuerySpan(interval: 86_400, days: 3650), QuerySpan(interval: 604_800, days: 7300),
            QuerySpan(interval: 2_592_000, days: 7300), QuerySpan(interval: 0, days: 0),
        ]
    }

    private static let resolutions: [UInt32: String] = [
        60: "1", 300: "5", 900: "15", 1800: "30", 3600: "60", 86_400: "D", 604_800: "W", 2_592_000: "M",
    ]
    private static let day: Int64 = 86_400_000_000_000

    public func query(_ query: Query, now: Now) throws {
        switch query.kind {
        case .quotes:
            let name = try known(query.symbols.first)
            try ask(query, .quote(query: query.identifier), "/quote", [("symbol", name.vendor)], exchange(name), now)
        case .bars: try bars(query, now)
        case .profile:
            let name = try share(query.symbols.first, "profiles")
            try ask(
                query, .profile(query: query.identifier, symbol: query.symbols[0]), "/stock/profile2",
                [("symbol", name.vendor)], exchange(name), now)
        case .sentiment:
            let name = try share(query.symbols.first, "sentiment")
            try ask(
                query, .sentiment(query: query.identifier, symbol: query.symbols[0]), "/news-sentiment",
                [("symbol", name.vendor)], "", now)
        case .news: try news(query, now)
        case .search:
            try ask(
                query, .search(query: query.identifier, limit: query.limit), "/search", [("q", query.text)], "", now)
        case .marketStatus:
            let code = try venueCode(query.text)
            try ask(
                query, .marketStatus(query: query.identifier, venue: query.text), "/stock/market-status",
                [("exchange", code)], code, now)
        case .calendar:
            let code = try venueCode(query.text)
            let from = query.fromNanoseconds.map(VendorTime.date) ?? ""
            // The end is not part of the span.
            let to = query.toNanoseconds.map { VendorTime.date($0 - 1) } ?? "9999"
            try ask(
                query, .calendar(query: query.identifier, venue: query.text, from: from, to: to),
                "/stock/market-holiday", [("exchange", code)], code, now)
        }
    }

    private func ask(
        _ query: Query, _ purpose: FinnhubRequest.Purpose, _ path: String,
        _ parameters: [(name: String, value: String)], _ exchange: String, _ now: Now
    ) throws {
        try send(
            FinnhubRequest(
                purpose: purpose, path: path, parameters: parameters, exchange: exchange,
                deadlineNanoseconds: query.deadlineNanoseconds), now: now)
    }

    private func bars(_ query: Query, _ now: Now) throws {
        let name = try known(query.symbols.first)
        guard let resolution = Self.resolutions[query.interval] else {
            throw PluginError(.unsupported, "Finnhub has no bars of \(query.interval) s")
        }
        let span: Int64 = query.interval < 86_400 ? 30 : 365
        let to = query.toNanoseconds ?? now.wallNanoseconds
        let from = query.fromNanoseconds ?? to - span * Self.day
        try ask(
            query, .bars(query: query.identifier, query), "/\(name.market.rawValue)/candle",
            [
                ("symbol", name.vendor), ("resolution", resolution), ("from", "\(from / 1_000_000_000)"),
                ("to", "\((to - 1) / 1_000_000_000)"),
            ], exchange(name), now)
    }

    private func news(_ query: Query, _ now: Now) throws {
        let to = query.toNanoseconds ?? now.wallNanoseconds + 1
        let from = query.fromNanoseconds ?? to - 7 * Self.day
        func group(_ requests: Int) -> NewsGroup {
            NewsGroup(
                requests: requests, limit: query.limit, fromNanoseconds: query.fromNanoseconds ?? 0, toNanoseconds: to)
        }
        if query.symbols.isEmpty {
            newsGroups[query.identifier] = group(1)
            return try ask(
                query, .news(group: query.identifier, symbol: "", vendor: ""), "/news", [("category", "general")], "",
                now)
        }
        let names = try query.symbols.map { try share($0, "news") }
        newsGroups[query.identifier] = group(names.count)
        for (symbol, name) in zip(query.symbols, names) {
            let request = FinnhubRequest(
                purpose: .news(group: query.identifier, symbol: symbol, vendor: name.vendor), path: "/company-news",
                parameters: [
                    ("symbol", name.vendor), ("from", VendorTime.date(from)), ("to", VendorTime.date(to - 1)),
                ], exchange: exchange(name), deadlineNanoseconds: query.deadlineNanoseconds)
            do {
                try send(request, now: now)
            } catch let error as PluginError {
                newsArrived(query.identifier, [], error)
            }
        }
    }

    func newsArrived(_ query: UInt64, _ items: [NewsItem], _ error: PluginError?) {
        switch newsGroups[query]?.take(items, error) {
        case .success(let news):
            newsGroups[query] = nil
            host.finish(query) { try host.answer(query, json: NewsItem.json(news)) }
        case .failure(let error):
            newsGroups[query] = nil
            host.answered(query, error)
        case nil: break
        }
    }

    // MARK: Answers

    func answer(_ request: FinnhubRequest, _ response: HTTPResponse, _ now: Now) throws {
        let body = response.body
        switch request.purpose {
        case .quote(let query):
            guard let quote = try FinnhubReplies.quote(body, scratch) else {
                throw PluginError(.notFound, "Finnhub knows no price of this symbol")
            }
            host.finish(query) {
                try host.answer(query) { output in
                    guard let tick = output.tick(1, timeNanoseconds: quote.timeNanoseconds, last: quote.last) else {
                        return
                    }
                    tick.pointee.open = quote.open
                    tick.pointee.high = quote.high
                    tick.pointee.low = quote.low
                    tick.pointee.previous_close = quote.previousClose
                }
            }
        case .bars(let query, let asked):
            let candles = try FinnhubReplies.candles(body, scratch)
            host.finish(query) { try host.answer(asked, bars: candles, now: now) }
        case .profile(let query, let symbol):
            guard var profile = try FinnhubReplies.profile(body, scratch) else {
                throw PluginError(.notFound, "Finnhub knows no company \(symbol)")
            }
            profile.symbol = symbol
            host.finish(query) { try host.answer(query, json: profile.json) }
        case .sentiment(let query, let symbol):
            guard var sentiment = try FinnhubReplies.sentiment(body, scratch) else {
                throw PluginError(.notFound, "Finnhub knows no sentiment of \(symbol)")
            }
            sentiment.symbol = symbol
            sentiment.timeNanoseconds = now.wallNanoseconds
            host.finish(query) { try host.answer(query, json: sentiment.json) }
        case .news(let group, let symbol, let vendor):
            let items = try FinnhubReplies.news(body, scratch).map { item in
                var item = item
                item.symbols = item.symbols.compactMap { related in
                    related == vendor ? symbol : catalog[related] ?? FinnhubSymbols.canonical(related)
                }
                if item.symbols.isEmpty, !symbol.isEmpty { item.symbols = [symbol] }
                return item
            }
            newsArrived(group, items, nil)
        case .search(let query, let limit):
            let rows = try FinnhubReplies.search(body, scratch).compactMap(searchRow)
            host.finish(query) { try host.answer(query, json: SearchRow.json(Array(rows.prefix(limit ?? .max)))) }
        case .marketStatus(let query, let venue):
            let status = try FinnhubReplies.marketStatus(body, scratch, venue: venue)
            host.finish(query) { try host.answer(query, json: MarketStatusAnswer.json([status])) }
        case .calendar(let query, let venue, let from, let to):
            let days = try FinnhubReplies.holidays(body, scratch, venue: venue).filter {
                $0.date >= from && $0.date <= to
            }
            host.finish(query) { try host.answer(query, json: CalendarDay.json(days)) }
        case .catalog: try takeCatalog(response)
        case .probe: break
        }
    }

    private func searchRow(_ found: FinnhubSymbolRow) -> SearchRow? {
        // A bare ticker does not say its venue; the list of shares does.
        guard let symbol = catalog[found.symbol] ?? FinnhubSymbols.canonical(found.symbol) else { return nil }
        var row = SearchRow()
        row.symbol = symbol
        row.name = found.description
        row.type = FinnhubSymbols.type(found.type).word
        row.vendorSymbol = found.symbol
        row.currency = listings[symbol].flatMap { $0.currency.isEmpty ? nil : $0.currency }
        return row
    }

    // MARK: Names

    private func known(_ symbol: String?) throws -> FinnhubSymbols.Name {
        guard let symbol else { throw PluginError(.internal, "a query without a symbol") }
        guard let name = name(of: symbol) else {
            throw PluginError(.unsupported, "Finnhub has no name for \(symbol)")
        }
        return name
    }

    private func share(_ symbol: String?, _ what: String) throws -> FinnhubSymbols.Name {
        let name = try known(symbol)
        guard name.market == .stock else { throw PluginError(.unsupported, "Finnhub has \(what) of shares alone") }
        return name
    }

    private func venueCode(_ venue: String) throws -> String {
        guard let code = FinnhubSymbols.exchange(ofVenue: venue) else {
            throw PluginError(.unsupported, "Finnhub does not know the hours of \(venue)")
        }
        return code
    }

    /// The part of the market a plan may leave out.
    private func exchange(_ name: FinnhubSymbols.Name) -> String {
        guard name.market == .stock else { return name.market.rawValue }
        guard let point = name.vendor.lastIndex(of: ".") else { return "US" }
        let suffix = String(name.vendor[name.vendor.index(after: point)...])
        return FinnhubSymbols.isSuffix(suffix) ? suffix : "US"
    }
}
