public import PluginKit
import VendorKit

/// Questions and their answers.
extension TwelveData {
    /// As many as the smallest plan's minute has credits for, with one to spare.
    public static var quoteBatch: Int { 7 }

    /// A call gives 5000 bars; instruments that never pause have this many in so many days.
    public static var querySpans: [QuerySpan] {
        intervals.keys.sorted().map { QuerySpan(interval: $0, days: max(1, UInt32(5000 * UInt64($0) / 86_400))) }
            + [QuerySpan(interval: 0, days: 0)]
    }

    private static let intervals: [UInt32: String] = [
        60: "1min", 300: "5min", 900: "15min", 1800: "30min", 2700: "45min", 3600: "1h", 7200: "2h", 14_400: "4h",
        28_800: "8h", 86_400: "1day", 604_800: "1week", 2_592_000: "1month",
    ]
    private static let day: Int64 = 86_400_000_000_000

    public func query(_ query: Query, now: Now) throws {
        switch query.kind {
        case .quotes: try quotes(query, now)
        case .bars: try bars(query, now)
        case .profile:
            let name = try share(query.symbols.first, "profiles")
            try ask(
                query, .profile(query: query.identifier, symbol: query.symbols[0]), "/profile", name.parameters,
                name.market, 10, now)
        case .news: try news(query, now)
        case .search:
            let count = min(120, max(1, query.limit ?? 30))
            try ask(
                query, .search(query: query.identifier, limit: query.limit), "/symbol_search",
                [("symbol", query.text), ("outputsize", "\(count)")], "", 1, now)
        case .marketStatus:
            try ask(
                query, .marketStatus(query: query.identifier, venue: query.text), "/market_state",
                [("code", try code(query.text))], "", 1, now)
        case .calendar: try calendar(query, now)
        case .sentiment: throw PluginError(.unsupported, "TwelveData has no sentiment")
        }
    }

    private func ask(
        _ query: Query, _ purpose: TwelveDataRequest.Purpose, _ path: String,
        _ parameters: [(name: String, value: String)], _ market: String, _ credits: Int, _ now: Now
    ) throws {
        try send(
            TwelveDataRequest(
                purpose: purpose, path: path, parameters: parameters, market: market, credits: credits,
                deadlineNanoseconds: query.deadlineNanoseconds), now: now)
    }

    private func quotes(_ query: Query, _ now: Now) throws {
        let names = try query.symbols.map { try known($0) }
        guard let first = names.first else { throw PluginError(.internal, "a query without a symbol") }
        let listed = names.map(\.listed)
        let distinct = Set(listed).count
        // A list of one symbol would be answered flat.
        let parameters = distinct == 1 ? first.parameters : [("symbol", listed.joined(separator: ","))]
        let markets = Set(names.map(\.market))
        try ask(
            query, .quotes(query: query.identifier, names: listed), "/quote", parameters,
            markets.count == 1 ? first.market : "", distinct, now)
    }

    private func bars(_ query: Query, _ now: Now) throws {
        let name = try known(query.symbols.first)
        guard let interval = Self.intervals[query.interval] else {
            throw PluginError(.unsupported, "TwelveData has no bars of \(query.interval) s")
        }
        let isIntraday = query.interval < 86_400
        var parameters = name.parameters
        parameters += [("interval", interval), ("outputsize", "5000"), ("order", "asc")]
        // For daily bars and longer the zone is not looked at: their times are dates.
        if isIntraday { parameters.append(("timezone", "UTC")) }
        if let from = query.fromNanoseconds {
            parameters.append(("start_date", isIntraday ? VendorTime.dateAndTime(from) : VendorTime.date(from)))
        }
        if let to = query.toNanoseconds {
            // The end is taken as part of the span by some calls and not by others: one step more, and what is too much
            // is left out.
            let end = to + Int64(query.interval) * 1_000_000_000
            parameters.append(("end_date", isIntraday ? VendorTime.dateAndTime(end) : VendorTime.date(end)))
        }
        try ask(
            query, .bars(query: query.identifier, query), "/time_series", parameters, name.market, 1, now)
    }

    private func news(_ query: Query, _ now: Now) throws {
        guard !query.symbols.isEmpty else {
            throw PluginError(.unsupported, "TwelveData has press releases of companies alone: name symbols")
        }
        let names = try query.symbols.map { try share($0, "press releases") }
        newsGroups[query.identifier] = NewsGroup(
            requests: names.count, limit: query.limit, fromNanoseconds: query.fromNanoseconds ?? .min,
            toNanoseconds: query.toNanoseconds ?? .max)
        for (symbol, name) in zip(query.symbols, names) {
            do {
                try ask(
                    query, .news(group: query.identifier, symbol: symbol), "/press_releases", name.parameters,
                    name.market, 1, now)
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

    private func calendar(_ query: Query, _ now: Now) throws {
        let from = query.fromNanoseconds ?? now.wallNanoseconds
        let to = query.toNanoseconds ?? from + 1
        guard VendorTime.date(from) == VendorTime.date(to - 1) else {
            throw PluginError(
                .unsupported, "TwelveData's schedule costs 100 credits a day that is asked for: ask for single days")
        }
        guard credits.limit > 100 else {
            throw PluginError(
                .entitlement, "TwelveData's schedule costs 100 credits, and this plan has \(credits.limit) a minute")
        }
        let date = VendorTime.date(from)
        try ask(
            query, .calendar(query: query.identifier, venue: query.text, date: date), "/exchange_schedule",
            [("mic_code", try code(query.text)), ("date", date)], "", 100, now)
    }

    // MARK: Answers

    func answer(_ request: TwelveDataRequest, _ response: HTTPResponse, _ now: Now) throws {
        let body = response.body
        switch request.purpose {
        case .quotes(let query, let names): try answerQuotes(query, names, response, now)
        case .bars(let query, let asked):
            let series = try TwelveDataReplies.series(body, scratch)
            host.finish(query) { try host.answer(asked, bars: series.bars, now: now) }
        case .profile(let query, let symbol):
            guard var profile = try TwelveDataReplies.profile(body, scratch) else {
                throw PluginError(.notFound, "TwelveData knows no company \(symbol)")
            }
            profile.symbol = symbol
            host.finish(query) { try host.answer(query, json: profile.json) }
        case .news(let group, let symbol):
            newsArrived(group, try TwelveDataReplies.pressReleases(body, scratch, symbol: symbol), nil)
        case .search(let query, let limit):
            var rows: [SearchRow] = []
            try TwelveDataReplies.rows(body, scratch) { found in
                if let row = Self.searchRow(found) { rows.append(row) }
            }
            host.finish(query) { try host.answer(query, json: SearchRow.json(Array(rows.prefix(limit ?? .max)))) }
        case .marketStatus(let query, let venue):
            let markets = try TwelveDataReplies.marketStates(body, scratch, nowNanoseconds: now.wallNanoseconds)
            guard var market = markets.first(where: { $0.venue == venue }) ?? markets.first else {
                throw PluginError(.notFound, "TwelveData knows no market \(venue)")
            }
            market.venue = venue
            host.finish(query) { try host.answer(query, json: MarketStatusAnswer.json([market])) }
        case .calendar(let query, let venue, let date):
            let days = try TwelveDataReplies.schedule(body, scratch, venue: venue, date: date)
            host.finish(query) { try host.answer(query, json: CalendarDay.json(days)) }
        case .catalog(let list): try take(list, response, now)
        }
    }

    private func answerQuotes(_ query: UInt64, _ names: [String], _ response: HTTPResponse, _ now: Now) throws {
        var found: [String: TwelveDataBatchItem<TwelveDataQuote?>] = [:]
        if Set(names).count == 1 {
            found[names[0]] = .value(try TwelveDataReplies.quote(response.body, scratch))
        } else {
            found = try TwelveDataReplies.quotes(response.body, scratch)
        }
        var failure: PluginError?
        var quotes: [(place: UInt32, quote: TwelveDataQuote)] = []
        for (place, name) in names.enumerated() {
            switch found[name] ?? found[String(name.prefix { $0 != ":" })] {
            case .value(let quote?): quotes.append((UInt32(place + 1), quote))
            case .failure(let code, let message):
                failure = TwelveDataErrors.of(code: code, message, what: "/quote of \(name)", now: now)
            case .value(nil), nil: break
            }
        }
        // One bad symbol does not harm the others.
        if quotes.isEmpty {
            throw failure ?? PluginError(.notFound, "TwelveData knows no price of \(names.joined(separator: ", "))")
        }
        host.finish(query) {
            try host.answer(query) { output in
                for (place, quote) in quotes {
                    guard let tick = output.tick(place, timeNanoseconds: quote.timeNanoseconds, last: quote.last) else {
                        return
                    }
                    tick.pointee.open = quote.open
                    tick.pointee.high = quote.high
                    tick.pointee.low = quote.low
                    tick.pointee.previous_close = quote.previousClose
                    tick.pointee.volume = quote.volume
                }
            }
        }
    }

    static func searchRow(_ found: TwelveDataRow) -> SearchRow? {
        guard
            let symbol = TwelveDataSymbols.canonical(
                symbol: found.symbol, mic: found.mic, exchange: found.exchange, type: found.type)
        else { return nil }
        var row = SearchRow()
        row.symbol = symbol
        row.name = found.name
        row.type = TwelveDataSymbols.type(found.type).word
        row.currency = found.currency.isEmpty ? nil : found.currency
        row.timezone = found.timezone.isEmpty ? nil : found.timezone
        row.vendorSymbol = found.symbol
        return row
    }

    // MARK: Names

    private func known(_ symbol: String?) throws -> TwelveDataSymbols.Name {
        guard let symbol else { throw PluginError(.internal, "a query without a symbol") }
        guard let name = name(of: symbol) else {
            throw PluginError(.unsupported, "TwelveData has no name for \(symbol)")
        }
        return name
    }

    private func share(_ symbol: String?, _ what: String) throws -> TwelveDataSymbols.Name {
        let name = try known(symbol)
        guard name.type != .fx, name.type != .crypto else {
            throw PluginError(.unsupported, "TwelveData has \(what) of companies alone")
        }
        return name
    }

    private func code(_ venue: String) throws -> String {
        guard let code = Venues.mic(of: venue) else {
            throw PluginError(.unsupported, "TwelveData does not know the hours of \(venue)")
        }
        return code
    }
}
