import EventFormat
import HubFold
import HubModel
import PluginABI

/// The object of `/v1/quotes/{symbol}`: everything the hub knows of an instrument now.
enum QuoteText {
    /// - Parameters:
    ///   - isDelivering: whether the source of the newest input is.
    ///   - now: the hub's clock, nanoseconds.
    ///   - rank: place in a ranking.
    /// - Returns: false, with nothing written, where there is no price yet.
    static func write(
        _ value: LastValue, phase: TradingCalendar.Phase, isDelivering: Bool, now: Int64, style: TimeStyle,
        rank: Int? = nil, to buffer: inout TextBuffer
    ) -> Bool {
        guard let newest = value.newest, let last = lastPrice(value) else { return false }
        buffer.beginObject()
        buffer.member("symbol", value.symbol)
        if let type = Words.instrumentType(value.instrumentType) { buffer.member("instrument_type", type) }
        if !value.currency.isEmpty { buffer.member("currency", value.currency) }
        buffer.member("last", last.price)
        buffer.member("last_size", ifPresent: last.size)
        if last.time != 0 { buffer.member("last_time", time: last.time, style: style) }
        writeDay(value, last.price, &buffer)
        if let quote = value.quote {
            member("bid", quote.bid, &buffer)
            if quote.bid.isFinite { buffer.member("bid_size", ifPresent: quote.bid_size) }
            member("ask", quote.ask, &buffer)
            if quote.ask.isFinite { buffer.member("ask_size", ifPresent: quote.ask_size) }
        }
        buffer.member("phase", phase.name)
        buffer.member("time", time: newest.ts_event != 0 ? newest.ts_event : newest.ts_recv, style: style)
        buffer.member("received", time: newest.ts_recv, style: style)
        buffer.member("age_ms", max(0, TimeText.cut(now - newest.ts_recv, by: 1_000_000)))
        buffer.member("stale", phase == .open && !isDelivering)
        buffer.member("source", value.source)
        buffer.member("origin", "live")
        if value.isSimulated { buffer.member("simulated", true) }
        buffer.member("seq", newest.seq)
        if let rank { buffer.member("rank", rank) }
        buffer.endObject()
        return true
    }

    /// The newer of the last trade and the last tick, else the middle of bid and ask. A source that sends ticks may have taken
    /// over from one that sends trades, and the old trade says nothing any more.
    private static func lastPrice(_ value: LastValue) -> (price: Double, size: Double, time: Int64)? {
        if let trade = value.trade, trade.head.seq > value.tick?.head.seq ?? 0 {
            return (trade.price, trade.size, trade.head.ts_event != 0 ? trade.head.ts_event : trade.head.ts_recv)
        }
        if let tick = value.tick { return (tick.last, tick.last_size, tick.last_trade_time) }
        if let quote = value.quote {
            if quote.bid.isFinite, quote.ask.isFinite {
                return (Rounding.round((quote.bid + quote.ask) / 2, places: 9), .nan, 0)
            }
            if quote.bid.isFinite { return (quote.bid, .nan, 0) }
            if quote.ask.isFinite { return (quote.ask, .nan, 0) }
        }
        return nil
    }

    /// What rankings go by: the change of the day in percent and the day's volume, as the object has them.
    static func figures(_ value: LastValue) -> (changePercent: Double?, volume: Double?) {
        guard let last = lastPrice(value)?.price else { return (nil, nil) }
        let tick = value.tick.flatMap { $0.head.seq > value.trade?.head.seq ?? 0 ? $0 : nil }
        let previous = tick.flatMap { $0.previous_close.isFinite ? $0.previous_close : nil } ?? value.previousClose
        let volume = tick.flatMap { $0.volume.isFinite ? $0.volume : nil } ?? value.day?.volume
        guard let previous, previous.isFinite, previous != 0 else { return (nil, volume) }
        return (Rounding.round((last - previous) / previous * 100, places: 4), volume)
    }

    private static func writeDay(_ value: LastValue, _ last: Double, _ buffer: inout TextBuffer) {
        // A vendor's own figures of the day, where its ticks are what is newest: they know of trades from before we came.
        let tick = value.tick.flatMap { $0.head.seq > value.trade?.head.seq ?? 0 ? $0 : nil }
        func pick(_ fromTick: Double?, _ fromDay: Double?) -> Double? {
            if let fromTick, fromTick.isFinite { return fromTick }
            return fromDay
        }
        let previous = pick(tick?.previous_close, value.previousClose)
        if let previous, previous.isFinite {
            let places =
                value.tickSize.isFinite && value.tickSize > 0
                ? Rounding.places(of: value.tickSize)
                : max(Rounding.places(of: last), Rounding.places(of: previous))
            buffer.member("change", Rounding.round(last - previous, places: places))
            member(
                "change_percent", previous == 0 ? .nan : Rounding.round((last - previous) / previous * 100, places: 4),
                &buffer)
        } else {
            buffer.memberNull("change")
            buffer.memberNull("change_percent")
        }
        let day = value.day
        buffer.member("open", ifPresent: pick(tick?.open, day?.open))
        buffer.member("high", ifPresent: pick(tick?.high, day?.high))
        buffer.member("low", ifPresent: pick(tick?.low, day?.low))
        buffer.member("previous_close", ifPresent: previous)
        buffer.member("volume", ifPresent: pick(tick?.volume, day?.volume))
        let average = day.flatMap { $0.volume > 0 ? Rounding.round($0.notional / $0.volume, places: 6) : nil }
        buffer.member("average", ifPresent: pick(tick?.average, average))
        buffer.member("open_interest", ifPresent: tick?.open_interest)
    }

    /// A number, or `null` where it is not one.
    private static func member(_ name: StaticString, _ number: Double, _ buffer: inout TextBuffer) {
        if number.isFinite { buffer.member(name, number) } else { buffer.memberNull(name) }
    }
}

/// Rounding of derived numbers, so that no binary dust shows.
enum Rounding {
    /// Half away from zero, to at most 9 decimals.
    static func round(_ value: Double, places: Int) -> Double {
        let scale = powers[min(max(places, 0), 9)]
        let scaled = (value * scale).rounded()
        guard scaled.magnitude < 9e15 else { return value }
        let result = scaled / scale
        return result == 0 ? 0 : result
    }

    /// Decimals that a number is written with, at most 9.
    static func places(of value: Double) -> Int {
        for places in 0..<9 where (value * powers[places]).rounded() / powers[places] == value { return places }
        return 9
    }

    private static let powers: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
}
