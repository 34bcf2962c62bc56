import IndianMarkets
import JSONReading
public import PluginKit

extension Zerodha {
    /// What a request was sent for.
    enum Pending: Equatable {
        case instruments
        case login
        case quotes(query: UInt64, symbols: [String])
        case bars(BarsQuery)
    }

    /// A query for bars in parts, one request after the other.
    struct BarsQuery: Equatable {
        var identifier: UInt64
        var token: UInt32
        var venue: String
        var interval: UInt32
        var from: Int64
        var to: Int64
        var limit: Int
        var parts: [DateSpan]
    }

    public static var quoteBatch: Int { 500 }

    /// Word and widest span in days of each interval.
    static let candles: [UInt32: (word: String, days: UInt32)] = [
        60: ("minute", 60), 180: ("3minute", 100), 300: ("5minute", 100), 900: ("15minute", 200),
        1800: ("30minute", 200), 3600: ("60minute", 400), 86400: ("day", 2000),
    ]

    public static var querySpans: [QuerySpan] {
        candles.sorted { $0.key < $1.key }.map { QuerySpan(interval: $0.key, days: $0.value.days) }
            + [QuerySpan(interval: 0, days: 0)]
    }

    /// Sends a request and remembers what for.
    func send(_ request: HTTPRequest, _ pending: Pending) throws {
        lastRequest += 1
        try host.send(request, as: lastRequest)
        requests[lastRequest] = pending
    }

    public func query(_ query: Query, now: Now) throws {
        guard headers != nil else {
            throw PluginError(.authentication, "Kite needs a login: hub auth, or access_token")
        }
        switch query.kind {
        case .quotes, .bars: break
        default: throw PluginError(.unsupported, "Kite has no such answer")
        }
        guard instruments != nil else {
            guard waiting.count < 1000 else {
                throw PluginError(.overload, "too many queries wait for Kite's instrument list")
            }
            waiting.append(query)
            return requestInstruments()
        }
        if query.kind == .quotes { try askQuotes(query) } else { try askBars(query, now) }
    }

    public func cancel(query: UInt64) {
        waiting.removeAll { $0.identifier == query }
        for (number, pending) in requests {
            switch pending {
            case .quotes(query, _): break
            case .bars(let bars) where bars.identifier == query: break
            default: continue
            }
            requests[number] = nil
            host.cancel(request: number)
        }
    }

    public func response(_ response: HTTPResponse, request: UInt64, into output: Output, now: Now) throws {
        guard let pending = requests.removeValue(forKey: request) else { return }
        switch pending {
        case .instruments: takeInstruments(response, now)
        case .login: takeLogin(response, now)
        case .quotes(let query, let symbols):
            answer(query, response, now) { try takeQuotes(response.body, query, symbols) }
        case .bars(let bars):
            answer(bars.identifier, response, now) { try takeBars(response.body, bars, now) }
        }
    }

    private func answer(_ query: UInt64, _ response: HTTPResponse, _ now: Now, _ body: () throws -> Void) {
        do {
            if let error = KiteError.of(response) { throw error }
            try body()
        } catch {
            let error = error as? PluginError ?? PluginError(.internal, "\(error)")
            host.answered(query, error)
            failed(error, now)
        }
    }

    /// A dead token is everybody's.
    func failed(_ error: PluginError, _ now: Now) {
        if error.status == .authentication { needLogin(error.text, now) }
    }

    // MARK: Quotes

    private func askQuotes(_ query: Query) throws {
        let keys = query.symbols.map { symbol in
            let name = host.named(symbol)
            return name.flatMap { UInt32($0) == nil ? nil : $0 }
                ?? instruments?.instrument(of: symbol, named: name)?.quoteKey ?? symbol
        }
        let list = keys.map { "i=\(URLText.escaped($0))" }.joined(separator: "&")
        try send(
            HTTPRequest(url: "\(settings.restURL)/quote?\(list)", headers: headers ?? [], rateClass: Rate.quote),
            .quotes(query: query.identifier, symbols: query.symbols))
    }

    private func takeQuotes(_ body: UnsafeRawBufferPointer, _ query: UInt64, _ symbols: [String]) throws {
        var places: [UInt32: UInt32] = [:]
        var named: [String: UInt32] = [:]
        for (index, symbol) in symbols.enumerated() {
            named[symbol] = UInt32(index + 1)
            if let token = instruments?.token(of: symbol, named: host.named(symbol)) {
                places[token] = UInt32(index + 1)
            }
        }
        try host.answer(query) { output in
            try KiteQuote.read(body) { quote in
                // An instrument that the vendor does not know is not in the reply.
                if let place = places[quote.token] ?? named[quote.key] { quote.prices.emit(place, into: output) }
            }
        }
        host.answered(query)
    }

    // MARK: Bars

    private func askBars(_ query: Query, _ now: Now) throws {
        guard let symbol = query.symbols.first,
            let token = instruments?.token(of: symbol, named: host.named(symbol))
        else { throw PluginError(.notFound, "Kite's instrument list has no \(query.symbols.first ?? "symbol")") }
        guard let (_, days) = Zerodha.candles[query.interval] else {
            throw PluginError(.unsupported, "Kite has no candles of \(query.interval) seconds")
        }
        let to = query.toNanoseconds ?? now.wallNanoseconds
        let last = IndianTime.day(to - 1)
        let from = query.fromNanoseconds ?? IndianTime.midnight(ofDay: last - Int64(days) + 1)
        guard from < to else { return host.answered(query.identifier) }
        try ask(
            BarsQuery(
                identifier: query.identifier, token: token, venue: String(symbol.prefix { $0 != ":" }),
                interval: query.interval, from: from, to: to, limit: query.limit ?? .max,
                parts: DateSpan(first: IndianTime.day(from), last: last).parts(days: Int64(days))))
    }

    private func ask(_ bars: BarsQuery) throws {
        guard let part = bars.parts.first, let word = Zerodha.candles[bars.interval]?.word else {
            return host.answered(bars.identifier)
        }
        // Both ends belong to the range; the first and the last part end where the query does.
        let first = max(bars.from, IndianTime.midnight(ofDay: part.first))
        let last = min(bars.to, IndianTime.midnight(ofDay: part.last + 1)) - 1
        let url =
            "\(settings.restURL)/instruments/historical/\(bars.token)/\(word)?"
            + URLText.form([
                ("from", IndianTime.text(first)), ("to", IndianTime.text(last)), ("continuous", "0"), ("oi", "1"),
            ])
        try send(HTTPRequest(url: url, headers: headers ?? [], rateClass: Rate.history), .bars(bars))
    }

    private func takeBars(_ body: UnsafeRawBufferPointer, _ bars: BarsQuery, _ now: Now) throws {
        let candles: [Candle]
        do throws(JSONError) {
            candles = try CandleReply.read(body)
        } catch {
            throw PluginError(.protocolViolation, "a reply of Kite with candles cannot be read: \(error)")
        }
        var rest = bars
        try host.answer(bars.identifier) { output in
            for candle in candles where candle.time >= bars.from && candle.time < bars.to && rest.limit > 0 {
                // The running candle is in the reply too.
                let end =
                    bars.interval == 86400
                    ? SessionEnd.final(ofDay: IndianTime.day(candle.time), venue: bars.venue)
                    : candle.time + Int64(bars.interval) * 1_000_000_000
                guard end <= now.wallNanoseconds else { continue }
                output.bar(
                    1, openNanoseconds: candle.time, intervalSeconds: bars.interval, open: candle.open,
                    high: candle.high, low: candle.low, close: candle.close, volume: candle.volume,
                    openInterest: candle.openInterest, flags: .backfilled)
                rest.limit -= 1
            }
        }
        rest.parts.removeFirst()
        guard rest.limit > 0, !rest.parts.isEmpty else { return host.answered(bars.identifier) }
        try ask(rest)
    }
}
