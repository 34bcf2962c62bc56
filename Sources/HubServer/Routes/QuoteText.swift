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
    ///   - summaryAsOf: of the view on the stream the position it is of; it says that in place of `seq`, and its type.
    ///   - asked: of an answer that a provider was asked for, and perhaps kept: the instrument's name, as far as it is known,
    ///     and whether it is past its time.
    /// - Returns: false, with nothing written, where there is no price yet.
    static func write(
        _ value: LastValue, phase: TradingCalendar.Phase, isDelivering: Bool, now: Int64, style: TimeStyle,
        rank: Int? = nil, summaryAsOf: UInt64? = nil, asked: (name: String, isStale: Bool)? = nil,
        to buffer: inout TextBuffer
    ) -> Bool {
        guard let newest = value.newest, let figures = QuoteFigures(value) else { return false }
        buffer.beginObject()
        if let summaryAsOf {
            buffer.member("type", "summary")
            buffer.member("as_of", summaryAsOf)
        }
        buffer.member("symbol", value.symbol)
        if let name = asked?.name, !name.isEmpty { buffer.member("name", name) }
        if let type = Words.instrumentType(value.instrumentType) { buffer.member("instrument_type", type) }
        if !value.currency.isEmpty { buffer.member("currency", value.currency) }
        buffer.member("last", figures.last)
        buffer.member("last_size", ifPresent: figures.lastSize)
        if figures.lastTime != 0 { buffer.member("last_time", time: figures.lastTime, style: style) }
        // NaN is written as `null`.
        buffer.member("change", figures.change ?? .nan)
        buffer.member("change_percent", figures.changePercent ?? .nan)
        buffer.member("open", ifPresent: figures.open)
        buffer.member("high", ifPresent: figures.high)
        buffer.member("low", ifPresent: figures.low)
        buffer.member("previous_close", ifPresent: figures.previousClose)
        buffer.member("volume", ifPresent: figures.volume)
        buffer.member("average", ifPresent: figures.average)
        buffer.member("open_interest", ifPresent: figures.openInterest)
        if figures.hasQuote {
            buffer.member("bid", figures.bid ?? .nan)
            buffer.member("bid_size", ifPresent: figures.bidSize)
            buffer.member("ask", figures.ask ?? .nan)
            buffer.member("ask_size", ifPresent: figures.askSize)
        }
        buffer.member("phase", phase.name)
        buffer.member("time", time: newest.ts_event != 0 ? newest.ts_event : newest.ts_recv, style: style)
        buffer.member("received", time: newest.ts_recv, style: style)
        buffer.member("age_ms", max(0, TimeText.cut(now - newest.ts_recv, by: 1_000_000)))
        buffer.member("stale", asked?.isStale ?? (phase == .open && !isDelivering))
        buffer.member("source", value.source)
        buffer.member("origin", asked == nil ? "live" : "provider")
        if value.isSimulated { buffer.member("simulated", true) }
        if summaryAsOf == nil, asked == nil { buffer.member("seq", newest.seq) }
        if let rank { buffer.member("rank", rank) }
        buffer.endObject()
        return true
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
