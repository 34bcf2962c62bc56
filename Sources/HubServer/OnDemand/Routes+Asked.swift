import EventFormat
import HubFold
import HubModel
import HubRuntime
import HubStore
import PluginABI

/// A price that a provider was asked for.
struct AskedQuote: Sendable {
    var value: LastValue
    var name: String
    var isStale: Bool

    /// - Parameter listing: what providers say of the instrument.
    /// - Returns: `nil` where the answer has no price in it.
    init?(_ served: ServedAnswer, symbol: String, listing: Listing?, calendar: String) {
        let answer = served.answer
        name = listing?.name ?? ""
        isStale = served.isStale
        value = LastValue(
            symbol: symbol, instrumentType: listing?.type ?? 0, currency: listing?.currency ?? "",
            tickSize: listing?.tickSize ?? .nan, calendar: calendar, source: answer.provider)
        let simulated = answer.isSimulated ? UInt16(HUB_FLAG_SIMULATED) : 0
        var number: UInt64 = 0
        answer.records.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                var head = bytes.loadUnaligned(fromByteOffset: offset, as: hub_record.self)
                // Records of an answer have no position; their order among each other is all that counts.
                number += 1
                head.seq = number
                head.flags |= simulated
                if head.ts_event == 0 { head.ts_event = head.ts_recv }
                var isPrice = true
                switch Int(head.kind) {
                case HUB_TRADE:
                    value.trade = bytes.loadUnaligned(fromByteOffset: offset, as: hub_trade.self)
                    value.trade?.head = head
                case HUB_TICK:
                    value.tick = bytes.loadUnaligned(fromByteOffset: offset, as: hub_tick.self)
                    value.tick?.head = head
                case HUB_QUOTE:
                    value.quote = bytes.loadUnaligned(fromByteOffset: offset, as: hub_quote.self)
                    value.quote?.head = head
                default: isPrice = false
                }
                if isPrice, value.newest.map({ $0.ts_event <= head.ts_event }) ?? true { value.newest = head }
                offset += max(1, Int(head.lines)) * Int(HUB_LINE)
            }
        }
        guard value.newest != nil else { return nil }
    }
}

/// Instruments that nobody streams: prices that providers are asked for.
extension Routes {
    /// Whether somebody could be asked about an instrument.
    func canAsk(_ kind: QueryKind, _ symbol: String) -> Bool {
        engine.queries?.canAsk(kind, symbol: symbol) == true
    }

    /// One instrument that the hub knows, or that somebody can be asked about.
    func known(_ name: String, _ kind: QueryKind) throws(Problem) -> Symbol {
        do {
            return try directories.current().one(name)
        } catch {
            guard error.code == .unknownSymbol, let symbol = try? Symbol(name), symbol.text == name,
                canAsk(kind, name)
            else { throw error }
            return symbol
        }
    }

    /// Whether the newest state of an instrument comes from a stream.
    func isStreamed(_ value: LastValue?, _ symbol: String) -> Bool {
        guard value?.newest != nil, value?.pipeline != nil else { return false }
        // What was streamed on demand and is no longer is old by now.
        guard let demand = engine.demand, demand.isPossible, let symbol = try? Symbol(symbol) else { return true }
        return !demand.isIdle(symbol)
    }

    /// The object of one instrument, asked for.
    func asked(_ symbol: String, _ desk: QueryDesk, fresh: Bool, _ style: TimeStyle) async throws -> TextBuffer {
        guard let answer = try await asked([symbol], fresh: fresh)[symbol] else {
            throw Problem(.unsupported, "no provider here offers prices of \(symbol)")
        }
        var text = TextBuffer(capacity: 1024)
        guard write(try answer.get(), style, to: &text) else {
            throw Problem(.noData, "\(symbol) is known, and there is no price of it yet")
        }
        return text
    }

    /// Prices of several instruments, asked for together.
    func asked(_ symbols: [String], fresh: Bool) async throws -> [String: Result<AskedQuote, Problem>] {
        guard !symbols.isEmpty, let desk = engine.queries else { return [:] }
        let outcomes = await desk.quotes(symbols, fresh: fresh)
        let listings = try await blocking { try engine.store.listings(of: symbols) }
        let calendars = Plans.calendarNames(engine.configuration)
        var found: [String: Result<AskedQuote, Problem>] = [:]
        for (symbol, outcome) in zip(symbols, outcomes) {
            let venue = String(symbol.prefix { $0 != ":" })
            switch outcome {
            case .failure(let failure): found[symbol] = .failure(Problem(failure, subject: symbol))
            case .success(let served):
                let listing = listings[symbol]?.first { $0.provider == served.answer.provider }
                let quote = AskedQuote(
                    served, symbol: symbol, listing: listing ?? listings[symbol]?.first,
                    calendar: TradingCalendar.forVenue(venue, overrides: calendars).name)
                found[symbol] =
                    quote.map { .success($0) }
                    ?? .failure(Problem(.noData, "\(symbol) is known, and there is no price of it yet"))
            }
        }
        return found
    }

    func write(_ asked: AskedQuote, _ style: TimeStyle, to text: inout TextBuffer) -> Bool {
        let now = engine.wallNanoseconds
        return QuoteText.write(
            asked.value, phase: phases.phase(of: asked.value, engine.marketCalendars, at: now), isDelivering: true,
            now: now,
            style: style, asked: (asked.name, asked.isStale), to: &text)
    }
}
