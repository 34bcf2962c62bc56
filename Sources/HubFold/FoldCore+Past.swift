internal import EventFormat
internal import HubModel
internal import PluginABI

/// A bar of the past as it is now, and whether it is remembered to the last digit.
enum PastState {
    case bar(BarState, isRemembered: Bool)
    case none
    case unknown
}

/// Bars that are over, however long ago: looking them up, and changing them by what was fetched.
extension FoldCore {
    /// What stands for a time that the ring of a series does not have: nothing where it would have it.
    mutating func pastBar(
        _ at: UnsafeMutablePointer<Series>, _ place: (start: Int64, floor: Int64, end: Int64)
    ) -> PastRecalled {
        if at.pointee.remembers(place.start) { return .none }
        switch recalled(at.pointee.instrument, at.pointee.interval, place.start) {
        case .bar(let record): return .bar(BarState(record, floor: place.floor, end: place.end))
        case .none: return .none
        case .unknown: return .unknown
        }
    }

    enum PastRecalled {
        case bar(BarState)
        case none
        case unknown
    }

    /// As `pastBar`, the ring included.
    mutating func pastState(
        _ at: UnsafeMutablePointer<Series>, _ place: (start: Int64, floor: Int64, end: Int64)
    ) -> PastState {
        if let known = at.pointee.find(place.start) { return .bar(known.pointee, isRemembered: true) }
        switch pastBar(at, place) {
        case .bar(let bar): return .bar(bar, isRemembered: false)
        case .none: return .none
        case .unknown: return .unknown
        }
    }

    /// The interval from which on a vendor's bar stands for a time, so that no bar is made of both; the greatest number
    /// where none does.
    @inline(never)
    mutating func uncovered(_ time: Int64, _ instrument: UnsafeMutablePointer<Instrument>) -> UInt32 {
        guard instrument.pointee.seriesCount > 0 else { return .max }
        let base = instrument.pointee.rollBase
        let start = bucket(time, base, instrument).start
        let provider = UInt8(HUB_BUILT_FROM_PROVIDER)
        let isCovered: Bool
        if let own = ownSeries(of: instrument, interval: base) {
            if let known = own.pointee.find(start) {
                isCovered = known.pointee.builtFrom == provider
            } else if own.pointee.remembers(start) {
                isCovered = false
            } else {
                isCovered = isProvider(recalled(own.pointee.instrument, base, start))
            }
        } else {
            isCovered = isProvider(recalled(Int32(instrument - instruments.base), base, start))
        }
        guard isCovered else { return .max }
        counters.lateWithoutRevision &+= 1
        return base
    }

    private func isProvider(_ past: PastBar) -> Bool {
        switch past {
        case .bar(let bar): bar.built_from == UInt8(HUB_BUILT_FROM_PROVIDER)
        case .none: false
        case .unknown: true
        }
    }

    /// Whether a bar that ends then is over, by the time of whoever serves the instrument.
    mutating func isOver(
        _ end: Int64, _ source: Int32, _ isFetched: Bool, _ instrument: UnsafeMutablePointer<Instrument>
    ) -> Bool {
        guard isFetched else { return end <= sources[Int(source)].watermark }
        let active = instrument.pointee.active
        // A recording does not wait for what was fetched, nor does nobody: the bar closes with the batch.
        if active < 0 || sources[Int(active)].isRecorded { return true }
        return end <= sources[Int(active)].watermark
    }

    // MARK: What was fetched

    /// Folds a record that was fetched. It says nothing about its source, nor about the time: it only changes bars, and
    /// newest values where there is nothing newer.
    @inline(never)
    mutating func applyFetched(
        _ record: UnsafePointer<hub_record>, _ stream: Stream, _ instrument: UnsafeMutablePointer<Instrument>,
        _ out: any DerivedOutput
    ) {
        instrument.pointee.lastHistorySeq = record.pointee.seq
        let time = record.pointee.ts_event
        let isBelieved = isBelieved(time, received: record.pointee.ts_recv)
        let kind = record.pointee.kind
        if kind == UInt8(HUB_BAR) {
            if isBelieved { applyBar(record, stream, instrument, out) }
            return
        }
        remember(record, in: instrument.pointee.slots + Int(kind))
        guard isBelieved else { return }
        switch kind {
        case UInt8(HUB_TRADE):
            let trade = UnsafeRawPointer(record).assumingMemoryBound(to: hub_trade.self)
            if record.pointee.flags & UInt16(HUB_FLAG_CORRECTION) != 0 {
                correct(trade, stream, instrument, out)
                return
            }
            streams[Int(stream.barStream)].givesTrades = true
            instrument.pointee.givesTrades = true
            let part = part(of: trade, stream)
            addToPastDay(part, instrument)
            if instrument.pointee.price == .last { contributePast(part, instrument, out) }
        case UInt8(HUB_TICK):
            // A price that was asked for once is the newest there is, and no part of a bar.
            guard record.pointee.flags & UInt16(HUB_FLAG_SNAPSHOT) == 0 else { return }
            guard !instrument.pointee.givesTrades, let part = tickPart(record, stream, instrument) else { return }
            addToPastDay(part, instrument)
            if instrument.pointee.price == .last { contributePast(part, instrument, out) }
        case UInt8(HUB_QUOTE):
            guard instrument.pointee.price != .last, let part = quotePart(record, stream, instrument) else { return }
            contributePast(part, instrument, out)
        default: break
        }
    }

    /// Adds a part that was fetched to the bar it falls into, of each interval, smaller ones first.
    private mutating func contributePast(
        _ part: Contribution, _ instrument: UnsafeMutablePointer<Instrument>, _ out: any DerivedOutput
    ) {
        var limit = UInt32.max
        if part.time < instrument.pointee.providerFrontier { limit = uncovered(part.time, instrument) }
        for index in 0..<Int(instrument.pointee.seriesCount) {
            let at = series.base + Int(instrument.pointee.seriesBase) + index
            guard at.pointee.interval < limit else { return }
            if at.pointee.hasHistory, part.time >= at.pointee.history.floor, part.time < at.pointee.history.end {
                at.pointee.history.add(part)
            } else if part.time < at.pointee.forming.end, part.time >= at.pointee.forming.floor {
                at.pointee.forming.add(part)
            } else {
                contributeBefore(part, at, instrument, out)
            }
        }
    }

    private mutating func contributeBefore(
        _ part: Contribution, _ at: UnsafeMutablePointer<Series>, _ instrument: UnsafeMutablePointer<Instrument>,
        _ out: any DerivedOutput
    ) {
        if at.pointee.hasHistory { closeHistory(at, instrument, out) }
        if at.pointee.isForming, part.time >= at.pointee.forming.end { close(at, out) }
        let place = bucket(part.time, at.pointee.interval, instrument)
        if !at.pointee.isForming, part.time >= at.pointee.frontier, !isOver(place.end, part.source, true, instrument) {
            let active = instrument.pointee.active
            at.pointee.forming.begin(
                part, start: place.start, floor: max(place.floor, at.pointee.frontier), end: place.end)
            at.pointee.source = active
            at.pointee.ownFirst = min(at.pointee.ownFirst, place.start)
            sources.base[Int(active)].due.push(end: place.end, series: Int32(at - series.base))
            return
        }
        switch pastState(at, place) {
        case .bar(let bar, _):
            guard bar.builtFrom != UInt8(HUB_BUILT_FROM_PROVIDER) else {
                counters.lateWithoutRevision &+= 1
                return
            }
            beginHistory(bar, exists: true, at, instrument)
            at.pointee.history.add(part)
        case .none:
            var bar = BarState(floor: place.floor, end: place.end)
            bar.begin(part, start: place.start, floor: place.floor, end: place.end)
            at.pointee.ownFirst = min(at.pointee.ownFirst, place.start)
            beginHistory(bar, exists: false, at, instrument)
        case .unknown:
            counters.lateWithoutRevision &+= 1
            return
        }
        at.pointee.history.bits |= BarState.Bits.backfilled
    }

    // MARK: Bars that backfill is changing

    mutating func beginHistory(
        _ bar: BarState, exists: Bool, _ at: UnsafeMutablePointer<Series>,
        _ instrument: UnsafeMutablePointer<Instrument>
    ) {
        at.pointee.history = bar
        at.pointee.historyExists = exists
        at.pointee.historyIsRemade = false
        at.pointee.hasHistory = true
        instrument.pointee.hasHistory = true
        openHistories += 1
        // Nothing may open where it stands.
        if !at.pointee.isForming { at.pointee.forming.floor = max(at.pointee.forming.floor, bar.end) }
    }

    /// Makes the record of a bar that backfill changed, the first or one more.
    mutating func closeHistory(
        _ at: UnsafeMutablePointer<Series>, _ instrument: UnsafeMutablePointer<Instrument>, _ out: any DerivedOutput
    ) {
        guard at.pointee.hasHistory else { return }
        at.pointee.hasHistory = false
        openHistories -= 1
        if at.pointee.historyIsRemade {
            var bar = at.pointee.history
            remake(&bar, at, instrument, out)
            at.pointee.history = bar
        }
        if at.pointee.historyExists {
            if at.pointee.history.revision < .max { at.pointee.history.revision += 1 }
            counters.barsRevised &+= 1
            if let known = at.pointee.find(at.pointee.history.start) { known.pointee = at.pointee.history }
            emit(at.pointee.history, at, HUB_BAR_REVISED, out)
            return
        }
        at.pointee.keep(at.pointee.history)
        counters.barsClosed &+= 1
        emit(at.pointee.history, at, HUB_BAR_CLOSED, out)
    }

    /// Makes prices and sums of a bar anew from the smaller bars in it, if these can be read.
    ///
    /// A bar that was recalled does not tell when its open and close were, nor, once a part of it was replaced, what the
    /// others reached.
    mutating func remake(
        _ bar: inout BarState, _ at: UnsafeMutablePointer<Series>, _ instrument: UnsafeMutablePointer<Instrument>,
        _ out: any DerivedOutput
    ) {
        guard instrument.pointee.rollBase > 0 else { return }
        var base = instrument.pointee.rollBase
        for index in 0..<Int(instrument.pointee.seriesCount) {
            let smaller = series.base + Int(instrument.pointee.seriesBase) + index
            let interval = smaller.pointee.interval
            guard interval < at.pointee.interval else { break }
            // What is being changed below it counts.
            if smaller.pointee.hasHistory { closeHistory(smaller, instrument, out) }
            let isWhole = interval <= 3600 || interval == UInt32(HUB_INTERVAL_DAY)
            if interval >= base, isWhole, at.pointee.interval % interval == 0 { base = interval }
        }
        guard base < at.pointee.interval, let step = FoldCore.interval(base) else { return }
        var from = bar.floor
        var to = bar.end
        if step.isDateBased {
            // Their times are dates.
            from = bar.start
            to = Interval.end(ofBarOpening: bar.start, seconds: at.pointee.interval)
        }
        guard let parts = recalledBars(at.pointee.instrument, base, from: from, to: to), !parts.isEmpty else { return }
        var made = BarState(floor: bar.floor, end: bar.end)
        for (number, record) in parts.enumerated() {
            let part = ProviderBar(record, end: record.head.ts_event &+ step.nanoseconds)
            if number == 0 {
                made.begin(part, start: bar.start, floor: bar.floor, end: bar.end)
            } else {
                made.add(part)
            }
        }
        bar.open = made.open
        bar.high = made.high
        bar.low = made.low
        bar.close = made.close
        bar.volume = made.volume
        bar.notional = made.notional
        bar.count = made.count
        bar.openTime = made.openTime
        bar.closeTime = made.closeTime
        bar.openInterest = made.openInterest
        bar.bits = bar.bits & ~BarState.Bits.notional | (made.bits & BarState.Bits.notional)
    }

    /// The hub's own bar whose place a provider's bar took, if it was no longer remembered.
    mutating func replacedBar(
        _ part: ProviderBar, _ at: UnsafeMutablePointer<Series>, _ instrument: UnsafeMutablePointer<Instrument>
    ) -> BarState? {
        // The record that replaces it is the newest now; all that is asked of the old one is that it was there.
        var old = BarState(floor: part.start, end: part.end)
        old.start = part.start
        old.volume = part.volume
        old.notional = part.notional
        old.count = part.count
        old.high = part.high
        old.low = part.low
        return recall == nil ? nil : old
    }

    // MARK: The trading day

    /// A part that was fetched: sums and extremes of its day count, but it is newest only where nothing newer is known.
    private mutating func addToPastDay(_ part: Contribution, _ instrument: UnsafeMutablePointer<Instrument>) {
        let today = instrument.pointee.today
        let isToday = today.number != DayState.none && instrument.pointee.day.contains(part.time)
        guard isToday, today.count > 0 else {
            if today.number != DayState.none, part.time < instrument.pointee.day.start {
                addToDayBefore(part.time, close: part.price, instrument)
            } else {
                addToDay(part, instrument)
            }
            return
        }
        addToDay(part, instrument)
        if part.time < today.openTime {
            instrument.pointee.today.open = part.price
            instrument.pointee.today.openTime = part.time
        }
        if part.time < today.closeTime {
            instrument.pointee.today.close = today.close
            instrument.pointee.today.closeTime = today.closeTime
        }
    }

    /// Of a date before today: the newest close there is the previous one.
    mutating func addToDayBefore(_ time: Int64, close: Double, _ instrument: UnsafeMutablePointer<Instrument>) {
        let number = calendars[Int(instrument.pointee.calendar)].day(containing: time).number
        guard number < instrument.pointee.today.number, number >= instrument.pointee.previousDay else { return }
        if number == instrument.pointee.previousDay, time < instrument.pointee.previousCloseTime { return }
        instrument.pointee.previousDay = number
        instrument.pointee.previousClose = close
        instrument.pointee.previousCloseTime = time
    }
}

extension ProviderBar {
    /// A bar as its record shows it, as a part of a larger one.
    init(_ record: hub_bar, end: Int64) {
        self.init(
            volume: ExactAmount.units(ofDecimal: record.volume),
            notional: record.notional.isNaN ? 0 : ExactAmount.units(ofDecimal: record.notional) &* 1_000_000_000,
            start: record.head.ts_event, end: end, open: record.open, high: record.high, low: record.low,
            close: record.close, openInterest: record.open_interest, count: record.count, seq: record.head.seq,
            stream: record.head.stream, source: -1, bits: record.notional.isNaN ? 0 : BarState.Bits.notional)
    }
}
