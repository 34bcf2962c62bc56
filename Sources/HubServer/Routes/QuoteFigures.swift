import HubFold
import HubModel
import PluginABI

/// The numbers of a quote: what is newest, and the trading day around it. `nil` where a number is not known.
struct QuoteFigures: Sendable {
    var last: Double
    var lastSize: Double?
    /// Nanoseconds; 0 = not told.
    var lastTime: Int64
    /// Against `previousClose`, in the currency and in percent points.
    var change: Double?
    var changePercent: Double?
    var open: Double?
    var high: Double?
    var low: Double?
    var previousClose: Double?
    var volume: Double?
    var average: Double?
    var openInterest: Double?
    var bid: Double?
    var bidSize: Double?
    var ask: Double?
    var askSize: Double?
    /// Whether there is a quote at all, one side or both.
    var hasQuote: Bool

    /// `nil` where there is no price yet.
    init?(_ value: LastValue) {
        guard let newest = Self.lastPrice(value) else { return nil }
        (last, lastSize, lastTime) = newest
        // A vendor's own figures of the day, where its ticks are what is newest: they know of trades from before we came.
        let tick = value.tick.flatMap { $0.head.seq > value.trade?.head.seq ?? 0 ? $0 : nil }
        func pick(_ fromTick: Double?, _ fromDay: Double?) -> Double? {
            if let fromTick, fromTick.isFinite { return fromTick }
            return fromDay
        }
        let day = value.day
        open = pick(tick?.open, day?.open)
        high = pick(tick?.high, day?.high)
        low = pick(tick?.low, day?.low)
        volume = pick(tick?.volume, day?.volume)
        average = pick(
            tick?.average, day.flatMap { $0.volume > 0 ? Rounding.round($0.notional / $0.volume, places: 6) : nil })
        openInterest = tick.flatMap { Self.known($0.open_interest) }
        hasQuote = value.quote != nil
        bid = value.quote.flatMap { Self.known($0.bid) }
        ask = value.quote.flatMap { Self.known($0.ask) }
        bidSize = bid == nil ? nil : value.quote.flatMap { Self.known($0.bid_size) }
        askSize = ask == nil ? nil : value.quote.flatMap { Self.known($0.ask_size) }
        previousClose = pick(tick?.previous_close, value.previousClose).flatMap(Self.known)
        if let previous = previousClose {
            let places =
                value.tickSize.isFinite && value.tickSize > 0
                ? Rounding.places(of: value.tickSize)
                : max(Rounding.places(of: last), Rounding.places(of: previous))
            change = Rounding.round(last - previous, places: places)
            changePercent = previous == 0 ? nil : Rounding.round((last - previous) / previous * 100, places: 4)
        }
    }

    /// The newer of the last trade and the last tick, else the middle of bid and ask. A source that sends ticks may have taken
    /// over from one that sends trades, and the old trade says nothing any more.
    private static func lastPrice(_ value: LastValue) -> (price: Double, size: Double?, time: Int64)? {
        if let trade = value.trade, trade.head.seq > value.tick?.head.seq ?? 0 {
            return (
                trade.price, known(trade.size), trade.head.ts_event != 0 ? trade.head.ts_event : trade.head.ts_recv
            )
        }
        if let tick = value.tick { return (tick.last, known(tick.last_size), tick.last_trade_time) }
        if let quote = value.quote {
            if quote.bid.isFinite, quote.ask.isFinite {
                return (Rounding.round((quote.bid + quote.ask) / 2, places: 9), nil, 0)
            }
            if quote.bid.isFinite { return (quote.bid, nil, 0) }
            if quote.ask.isFinite { return (quote.ask, nil, 0) }
        }
        return nil
    }

    private static func known(_ number: Double) -> Double? { number.isFinite ? number : nil }
}
