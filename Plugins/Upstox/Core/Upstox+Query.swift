import IndianMarkets
import JSONReading
public import PluginKit

extension Upstox {
    /// What a request was sent for.
    enum Pending: Equatable {
        case instruments
        case login
        case authorize(line: Int)
        case quotes(QuotesQuery)
        case greeks(QuotesQuery)
        case bars(BarsQuery)
        case status(query: UInt64, venue: String)
        case holidays(query: UInt64, venue: String, from: Int64, to: Int64)

        /// The query it belongs to.
        var query: UInt64? {
            switch self {
            case .instruments, .login, .authorize: nil
            case .quotes(let quotes), .greeks(let quotes): quotes.identifier
            case .bars(let bars): bars.identifier
            case .status(let query, _), .holidays(let query, _, _, _): query
            }
        }
    }

    /// A query for quotes; greeks of options follow in calls of their own.
    struct QuotesQuery: Equatable {
        var identifier: UInt64
        /// Key → place in the query.
        var places: [String: UInt32]
        /// Keys whose greeks were not asked for yet.
        var options: [String]
    }

    /// A query for bars in parts, one request after the other.
    struct BarsQuery: Equatable {
        var identifier: UInt64
        var key: String
        var venue: String
        var interval: UInt32
        var from: Int64
        var to: Int64
        var limit: Int
        var calls: [UpstoxBars.Call]
    }

    public static var quoteBatch: Int { 500 }
    static let greeksBatch = 50

    public static var querySpans: [QuerySpan] {
        UpstoxBars.all.sorted { $0.key < $1.key }
            .map { QuerySpan(interval: $0.key, days: $0.value.days == 0 ? 36_500 : UInt32($0.value.days)) }
            + [QuerySpan(interval: 0, days: 0)]
    }

    /// Sends a request and remembers what for.
    func send(_ request: HTTPRequest, _ pending: Pending) throws {
        lastRequest += 1
        try host.send(request, as: lastRequest)
        requests[lastRequest] = pending
    }

    public func query(_ query: Query, now: Now) throws {
        switch query.kind {
        case .marketStatus: return try askStatus(query)
        case .calendar: return try askHolidays(query)
        case .quotes, .bars: break
        default: throw PluginError(.unsupported, "this plugin does not ask Upstox for that")
        }
        guard headers != nil else {
            throw PluginError(.authentication, "Upstox needs a login: hub auth, or access_token")
        }
        guard instruments != nil else {
            guard waiting.count < 1000 else {
                throw PluginError(.overload, "too many queries wait for Upstox's instrument list")
            }
            waiting.append(query)
            return requestInstruments()
        }
        if query.kind == .quotes { try askQuotes(query) } else { try askBars(query, now) }
    }

    public func cancel(query: UInt64) {
        waiting.removeAll { $0.identifier == query }
        for (number, pending) in requests where pending.query == query {
            requests[number] = nil
            host.cancel(request: number)
        }
    }

    public func response(_ response: HTTPResponse, request: UInt64, into output: Output, now: Now) throws {
        guard let pending = requests.removeValue(forKey: request) else { return }
        switch pending {
        case .instruments: return takeInstruments(response, now)
        case .login: return takeLogin(response, now)
        case .authorize(let line): return takeAddress(response, line: line, now)
        default: break
        }
        guard let query = pending.query else { return }
        do {
            if let error = UpstoxError.of(response) { throw error }
            switch pending {
            case .quotes(let quotes): try takeQuotes(response.body, quotes, now)
            case .greeks(let quotes): try takeGreeks(response.body, quotes, now)
            case .bars(let bars): try takeBars(response.body, bars, now)
            case .status(let query, let venue): try takeStatus(response.body, query, venue, now)
            case .holidays(let query, let venue, let from, let to):
                try takeHolidays(response.body, query, venue, from, to)
            default: break
            }
        } catch {
            let error = error as? PluginError ?? PluginError(.internal, "\(error)")
            host.answered(query, error)
            if error.status == .authentication { needLogin(error.text, now) }
        }
    }

    // MARK: Quotes

    private func askQuotes(_ query: Query) throws {
        var quotes = QuotesQuery(identifier: query.identifier, places: [:], options: [])
        for (index, symbol) in query.symbols.enumerated() {
            let name = host.named(symbol)
            guard let key = instruments?.key(of: symbol, named: name) else { continue }
            quotes.places[key] = UInt32(index + 1)
            if instruments?.instrument(of: symbol, named: name)?.type == .option { quotes.options.append(key) }
        }
        guard !quotes.places.isEmpty else {
            throw PluginError(.notFound, "Upstox's instrument list has none of the symbols")
        }
        try ask("v2/market-quote/quotes", quotes.places.keys.sorted(), .quotes(quotes))
    }

    private func ask(_ path: String, _ keys: [String], _ pending: Pending) throws {
        let list = keys.map(URLText.escaped).joined(separator: ",")
        try send(
            HTTPRequest(
                url: "\(settings.restURL)/\(path)?instrument_key=\(list)", headers: headers ?? [],
                rateClass: Rate.second),
            pending)
    }

    private func takeQuotes(_ body: UnsafeRawBufferPointer, _ quotes: QuotesQuery, _ now: Now) throws {
        try host.answer(quotes.identifier) { output in
            try UpstoxQuote.read(body) { quote in
                guard let place = quotes.places[quote.key] else { return }
                var quote = quote
                if quote.prices.previousClose.isNaN, quote.prices.last.isFinite, quote.netChange.isFinite,
                    quote.netChange != 0
                {
                    // Both come with four places at most; their difference has no more.
                    quote.prices.previousClose = ((quote.prices.last - quote.netChange) * 10_000).rounded() / 10_000
                }
                let symbol = instruments?.symbol(ofKey: quote.key)
                quote.round(to: symbol.flatMap { instruments?.instrument(of: $0) }.map { $0.tickSize / 100 })
                quote.prices.emit(place, into: output)
            }
        }
        try askGreeks(quotes)
    }

    private func askGreeks(_ quotes: QuotesQuery) throws {
        guard !quotes.options.isEmpty else { return host.answered(quotes.identifier) }
        var rest = quotes
        rest.options = Array(quotes.options.dropFirst(Upstox.greeksBatch))
        try ask("v3/market-quote/option-greek", Array(quotes.options.prefix(Upstox.greeksBatch)), .greeks(rest))
    }

    private func takeGreeks(_ body: UnsafeRawBufferPointer, _ quotes: QuotesQuery, _ now: Now) throws {
        try host.answer(quotes.identifier) { output in
            try UpstoxQuote.read(body) { quote in
                guard let place = quotes.places[quote.key] else { return }
                quote.emitGreeks(place, timeNanoseconds: now.wallNanoseconds, into: output)
            }
        }
        try askGreeks(quotes)
    }

    // MARK: Bars

    private func askBars(_ query: Query, _ now: Now) throws {
        guard let symbol = query.symbols.first, let key = instruments?.key(of: symbol, named: host.named(symbol)) else {
            throw PluginError(.notFound, "Upstox's instrument list has no \(query.symbols.first ?? "symbol")")
        }
        guard let bars = UpstoxBars.all[query.interval] else {
            throw PluginError(.unsupported, "Upstox has no candles of \(query.interval) seconds")
        }
        let to = query.toNanoseconds ?? now.wallNanoseconds
        let last = IndianTime.day(to - 1)
        let reach = bars.days == 0 ? 3650 : bars.days
        let from = query.fromNanoseconds ?? IndianTime.midnight(ofDay: last - reach + 1)
        guard from < to else { return host.answered(query.identifier) }
        try ask(
            BarsQuery(
                identifier: query.identifier, key: key, venue: String(symbol.prefix { $0 != ":" }),
                interval: query.interval, from: from, to: to, limit: query.limit ?? .max,
                calls: bars.calls(
                    first: IndianTime.day(from), last: last, today: IndianTime.day(now.wallNanoseconds))))
    }

    private func ask(_ query: BarsQuery) throws {
        guard let call = query.calls.first, let bars = UpstoxBars.all[query.interval] else {
            return host.answered(query.identifier)
        }
        try send(
            HTTPRequest(
                url: "\(settings.restURL)/v3/\(bars.path(call, key: query.key))", headers: headers ?? [],
                rateClass: Rate.history), .bars(query))
    }

    private func takeBars(_ body: UnsafeRawBufferPointer, _ bars: BarsQuery, _ now: Now) throws {
        let candles: [Candle]
        do throws(JSONError) {
            candles = try CandleReply.read(body)
        } catch {
            throw PluginError(.protocolViolation, "a reply of Upstox with candles cannot be read: \(error)")
        }
        var rest = bars
        // Derivatives only have open interest; others are sent a zero.
        let hasInterest = candles.contains { $0.openInterest > 0 }
        try host.answer(bars.identifier) { output in
            for candle in candles where candle.time >= bars.from && candle.time < bars.to && rest.limit > 0 {
                let end = UpstoxBars.end(of: candle, interval: bars.interval, venue: bars.venue)
                guard end <= now.wallNanoseconds else { continue }
                output.bar(
                    1, openNanoseconds: candle.time, intervalSeconds: bars.interval, open: candle.open,
                    high: candle.high, low: candle.low, close: candle.close, volume: candle.volume,
                    openInterest: hasInterest ? candle.openInterest : .nan, flags: .backfilled)
                rest.limit -= 1
            }
        }
        rest.calls.removeFirst()
        guard rest.limit > 0, !rest.calls.isEmpty else { return host.answered(bars.identifier) }
        try ask(rest)
    }
}
