internal import HubModel
internal import PluginABI

extension FoldCore {
    /// A trade that replaces an earlier one of the same source and id, or, with size 0, takes it back.
    ///
    /// The original is known if it is among the instrument's last `Instrument.recentLimit` trades with an id. Each
    /// bar it is in that is open or may still be revised changes: made anew where all its trades are remembered, and
    /// otherwise by the difference. Then volume, notional and count are exact, high and low only widen (what the rest
    /// of the bar reached is not known), and open and close change where the original gave them and something
    /// replaces it. A correction of an unknown trade changes no bar.
    mutating func correct(
        _ trade: UnsafePointer<hub_trade>, _ stream: Stream, _ instrument: UnsafeMutablePointer<Instrument>,
        _ out: any DerivedOutput
    ) {
        guard trade.pointee.trade_id != 0,
            let known = instrument.pointee.recentTrade(id: trade.pointee.trade_id, source: stream.source)
        else {
            counters.correctionsUnknown &+= 1
            return
        }
        let original = known.pointee
        known.pointee.price = trade.pointee.price
        known.pointee.size = trade.pointee.size
        correctDay(original, by: trade, instrument)
        guard instrument.pointee.price == .last else { return }
        let first = series.base + Int(instrument.pointee.seriesBase)
        for index in 0..<Int(instrument.pointee.seriesCount) {
            let at = first + index
            if at.pointee.isForming, original.time >= at.pointee.forming.floor {
                if original.time < at.pointee.forming.end {
                    correct(&at.pointee.forming, original, trade, instrument, at.pointee.interval)
                }
                continue
            }
            let place = bucket(original.time, at.pointee.interval, instrument)
            if at.pointee.hasHistory, at.pointee.history.start == place.start { closeHistory(at, instrument, out) }
            if let closed = at.pointee.find(place.start) {
                reviseCorrected(&closed.pointee, original, trade, instrument, at, out)
            } else if case .bar(var bar) = pastBar(at, place) {
                reviseCorrected(&bar, original, trade, instrument, at, out)
            } else {
                counters.lateWithoutRevision &+= 1
            }
        }
    }

    private mutating func reviseCorrected(
        _ bar: inout BarState, _ original: RecentTrade, _ trade: UnsafePointer<hub_trade>,
        _ instrument: UnsafeMutablePointer<Instrument>, _ at: UnsafeMutablePointer<Series>, _ out: any DerivedOutput
    ) {
        guard bar.builtFrom != UInt8(HUB_BUILT_FROM_PROVIDER), bar.firstSeq <= original.seq else {
            counters.lateWithoutRevision &+= 1
            return
        }
        correct(&bar, original, trade, instrument, at.pointee.interval)
        bar.lastSeq = trade.pointee.head.seq
        revise(&bar, at, out)
    }

    private mutating func correct(
        _ bar: inout BarState, _ original: RecentTrade, _ trade: UnsafePointer<hub_trade>,
        _ instrument: UnsafeMutablePointer<Instrument>, _ interval: UInt32
    ) {
        let isTakenBack = trade.pointee.size == 0
        bar.volume -= ExactAmount.units(original.size) - ExactAmount.units(trade.pointee.size)
        bar.notional -=
            ExactAmount.product(original.price, original.size)
            - ExactAmount.product(trade.pointee.price, trade.pointee.size)
        if isTakenBack, bar.count > 0 { bar.count -= 1 }
        if remake(&bar, instrument, interval) { return }
        if !isTakenBack {
            bar.high = max(bar.high, trade.pointee.price)
            bar.low = min(bar.low, trade.pointee.price)
            if bar.firstSeq == original.seq { bar.open = trade.pointee.price }
            if bar.lastSeq == original.seq { bar.close = trade.pointee.price }
        }
    }

    /// Open, high, low and close from the remembered trades, if these are all the bar has.
    private mutating func remake(
        _ bar: inout BarState, _ instrument: UnsafeMutablePointer<Instrument>, _ interval: UInt32
    ) -> Bool {
        guard bar.bits & BarState.Bits.rolledUp == 0, let recent = instrument.pointee.recent else { return false }
        var found: UInt64 = 0
        var firstSeq = UInt64.max
        var lastSeq: UInt64 = 0
        var made = bar
        for index in 0..<Int(instrument.pointee.recentCount) {
            let trade = recent[index]
            // A trade of size 0 was taken back; one that never had a size is not told from it and moves no price here.
            guard trade.size > 0, trade.time >= bar.floor, trade.time < bar.end else { continue }
            if found == 0 {
                made.high = trade.price
                made.low = trade.price
            }
            found += 1
            made.high = max(made.high, trade.price)
            made.low = min(made.low, trade.price)
            if trade.seq < firstSeq {
                firstSeq = trade.seq
                made.open = trade.price
            }
            if trade.seq > lastSeq {
                lastSeq = trade.seq
                made.close = trade.price
            }
        }
        guard found > 0, found == bar.count else { return false }
        bar.open = made.open
        bar.high = made.high
        bar.low = made.low
        bar.close = made.close
        return true
    }

    /// The day's sums are exact; its prices only widen, as those of a bar that is not remembered whole.
    private mutating func correctDay(
        _ original: RecentTrade, by trade: UnsafePointer<hub_trade>, _ instrument: UnsafeMutablePointer<Instrument>
    ) {
        guard instrument.pointee.day.contains(original.time), instrument.pointee.today.count > 0 else { return }
        let day = instrument
        day.pointee.today.volume -= ExactAmount.units(original.size) - ExactAmount.units(trade.pointee.size)
        day.pointee.today.notional -=
            ExactAmount.product(original.price, original.size)
            - ExactAmount.product(trade.pointee.price, trade.pointee.size)
        guard trade.pointee.size > 0 else { return }
        day.pointee.today.high = max(day.pointee.today.high, trade.pointee.price)
        day.pointee.today.low = min(day.pointee.today.low, trade.pointee.price)
        if original.time == day.pointee.today.closeTime, original.price == day.pointee.today.close {
            day.pointee.today.close = trade.pointee.price
        }
    }
}
