internal import EventFormat
internal import HubModel
internal import PluginABI

/// One bar of a provider, or one of its bars in the place of ours.
struct ProviderBar: BitwiseCopyable {
    var volume: Int128
    var notional: Int128
    var start: Int64
    var end: Int64
    var open: Double
    var high: Double
    var low: Double
    var close: Double
    var openInterest: Double
    var count: UInt64
    var seq: UInt64
    var stream: UInt32
    var source: Int32
    var bits: UInt8
}

extension BarState {
    /// A bar rolled up from its first part.
    mutating func begin(_ part: ProviderBar, start: Int64, floor: Int64, end: Int64) {
        self = BarState(floor: floor, end: end)
        self.start = start
        volume = part.volume
        notional = part.notional
        openTime = part.start
        closeTime = part.start
        open = part.open
        high = part.high
        low = part.low
        close = part.close
        count = part.count
        firstSeq = part.seq
        lastSeq = part.seq
        openInterest = part.openInterest
        stream = part.stream
        builtFrom = UInt8(HUB_BUILT_FROM_BAR)
        bits = part.bits | Bits.rolledUp
    }

    /// Adds one more bar to a bar of a larger interval; open and close follow the bars' own times.
    mutating func add(_ part: ProviderBar) {
        if part.start < openTime {
            open = part.open
            openTime = part.start
        }
        if part.start >= closeTime {
            close = part.close
            closeTime = part.start
            if !part.openInterest.isNaN { openInterest = part.openInterest }
        }
        high = max(high, part.high)
        low = min(low, part.low)
        volume = ExactAmount.sum(volume, part.volume)
        notional = ExactAmount.sum(notional, part.notional)
        count &+= part.count
        firstSeq = min(firstSeq, part.seq)
        lastSeq = part.seq
        stream = part.stream
        builtFrom = UInt8(HUB_BUILT_FROM_BAR)
        bits = bits & (part.bits | ~Bits.notional) | (part.bits & ~Bits.notional) | Bits.rolledUp
    }
}

extension FoldCore {
    /// Folds a bar that a source gave (history, a backfill, a replay of bars). It stands as it is journaled; larger
    /// bars are rolled up from it.
    @inline(never)
    mutating func applyBar(
        _ record: UnsafePointer<hub_record>, _ stream: Stream, _ instrument: UnsafeMutablePointer<Instrument>,
        _ out: any DerivedOutput
    ) {
        let bar = UnsafeRawPointer(record).assumingMemoryBound(to: hub_bar.self)
        let seconds = bar.pointee.interval
        guard let interval = FoldCore.interval(seconds) else { return }
        let start = record.pointee.ts_event
        let calendar = calendars[Int(instrument.pointee.calendar)]
        var part = ProviderBar(
            volume: ExactAmount.units(bar.pointee.volume), notional: 0, start: start,
            end: calendar.closingTime(start: start, interval), open: bar.pointee.open, high: bar.pointee.high,
            low: bar.pointee.low, close: bar.pointee.close, openInterest: bar.pointee.open_interest,
            count: bar.pointee.count, seq: record.pointee.seq, stream: stream.barStream, source: stream.source,
            bits: bits(record.pointee.flags))
        if !bar.pointee.notional.isNaN {
            part.notional = ExactAmount.units(bar.pointee.notional) &* 1_000_000_000
            part.bits |= BarState.Bits.notional
        }
        let isBackfilled = record.pointee.flags & UInt16(HUB_FLAG_BACKFILLED) != 0
        let isFetched = record.pointee.flags & UInt16(HUB_FLAG_FETCHED) != 0
        if isBackfilled { part.bits |= BarState.Bits.backfilled }

        let own = ownSeries(of: instrument, interval: seconds)
        if let own {
            remember(bar.pointee, own)
        } else {
            noteJournaled(bar.pointee, stream.instrument)
            let extra = instrument.pointee.extra(kind: UInt8(HUB_BAR), key: seconds)
            if (extra.pointee.slot.record?.pointee.ts_event ?? .min) <= start { extra.pointee.slot.store(record) }
        }
        if instrument.pointee.rollBase == 0 || seconds < instrument.pointee.rollBase {
            instrument.pointee.rollBase = seconds
        }
        if !interval.isDateBased || interval == .d1 { addToDay(part, interval, instrument) }
        var replaced: BarState?
        if let own { replaced = place(part, own, revision: bar.pointee.revision, instrument, out) }
        instrument.pointee.providerFrontier = max(instrument.pointee.providerFrontier, part.end)

        guard seconds == instrument.pointee.rollBase else { return }
        let isHistory = isBackfilled || !sources[Int(stream.source)].isRecorded
        if isHistory { instrument.pointee.lastHistorySeq = part.seq }
        let first = series.base + Int(instrument.pointee.seriesBase)
        for index in 0..<Int(instrument.pointee.seriesCount) {
            let at = first + index
            guard at.pointee.interval > seconds, at.pointee.interval % seconds == 0 else { continue }
            if let replaced {
                exchange(replaced, for: part, isFetched: isFetched, at, instrument, out)
            } else if isHistory {
                rollUpHistory(part, isOwn: own != nil, isFetched: isFetched, at, instrument, out)
            } else {
                rollUp(part, at, instrument, out)
            }
        }
    }

    /// Puts a provider's bar among the closed ones of its own interval. Answers the hub's bar that it replaces.
    private mutating func place(
        _ part: ProviderBar, _ at: UnsafeMutablePointer<Series>, revision: UInt16,
        _ instrument: UnsafeMutablePointer<Instrument>, _ out: any DerivedOutput
    ) -> BarState? {
        if at.pointee.isForming, part.start >= at.pointee.forming.end { close(at, out) }
        var bar = BarState(floor: part.start, end: part.end)
        bar.begin(part, start: part.start, floor: part.start, end: part.end)
        bar.builtFrom = UInt8(HUB_BUILT_FROM_PROVIDER)
        bar.bits &= ~BarState.Bits.rolledUp
        bar.revision = revision
        if !at.pointee.isForming { at.pointee.forming.floor = max(at.pointee.forming.floor, part.end) }
        if at.pointee.hasHistory, at.pointee.history.start == part.start {
            // It takes the place of what was being made of smaller parts, too.
            at.pointee.hasHistory = false
            openHistories -= 1
        }
        if let known = at.pointee.find(part.start) {
            let old = known.pointee
            known.pointee = bar
            return old.builtFrom == UInt8(HUB_BUILT_FROM_PROVIDER) ? nil : old
        }
        at.pointee.keep(bar)
        if revision > 0, let old = replacedBar(part, at, instrument) { return old }
        return nil
    }

    // MARK: Rolling up

    /// A bar in the order of its source's time, as from a recording.
    private mutating func rollUp(
        _ part: ProviderBar, _ at: UnsafeMutablePointer<Series>, _ instrument: UnsafeMutablePointer<Instrument>,
        _ out: any DerivedOutput
    ) {
        if at.pointee.isForming, part.start >= at.pointee.forming.end { close(at, out) }
        if at.pointee.isForming, part.start >= at.pointee.forming.floor {
            at.pointee.forming.add(part)
            if at.pointee.source != part.source { rehome(at, to: part.source) }
            return
        }
        let place = bucket(part.start, at.pointee.interval, instrument)
        if !at.pointee.isForming, part.start >= at.pointee.frontier {
            open(part, at, place)
            return
        }
        addLate(part, at, instrument, place, out)
    }

    private mutating func open(
        _ part: ProviderBar, _ at: UnsafeMutablePointer<Series>, _ place: (start: Int64, floor: Int64, end: Int64)
    ) {
        at.pointee.forming.begin(
            part, start: place.start, floor: max(place.floor, at.pointee.frontier), end: place.end)
        at.pointee.source = part.source
        sources.base[Int(part.source)].due.push(end: place.end, series: Int32(at - series.base))
    }

    /// A bar for a larger one that is closed already.
    private mutating func addLate(
        _ part: ProviderBar, _ at: UnsafeMutablePointer<Series>, _ instrument: UnsafeMutablePointer<Instrument>,
        _ place: (start: Int64, floor: Int64, end: Int64), _ out: any DerivedOutput
    ) {
        if let known = at.pointee.find(place.start) {
            guard known.pointee.builtFrom != UInt8(HUB_BUILT_FROM_PROVIDER) else { return }
            known.pointee.add(part)
            revise(known, at, out)
            return
        }
        switch pastBar(at, place) {
        case .bar(var bar):
            guard bar.builtFrom != UInt8(HUB_BUILT_FROM_PROVIDER) else { return }
            bar.add(part)
            remake(&bar, at, instrument, out)
            revise(&bar, at, out)
        case .none:
            var bar = BarState(floor: place.floor, end: place.end)
            bar.begin(part, start: place.start, floor: place.floor, end: place.end)
            at.pointee.keep(bar)
            counters.barsClosed &+= 1
            emit(bar, at, HUB_BAR_CLOSED, out)
        case .unknown:
            counters.lateWithoutRevision &+= 1
        }
    }

    /// A bar of history: the clock is long past it, so a larger bar over it closes when the history has gone beyond
    /// it, and not before; else each of its parts would revise it.
    ///
    /// - Parameter isOwn: whether bars of the part's interval are made here. Where they are not, a bar made of the trades
    ///   themselves has them all, and a vendor's bar adds nothing to it.
    private mutating func rollUpHistory(
        _ part: ProviderBar, isOwn: Bool, isFetched: Bool, _ at: UnsafeMutablePointer<Series>,
        _ instrument: UnsafeMutablePointer<Instrument>, _ out: any DerivedOutput
    ) {
        let place = bucket(part.start, at.pointee.interval, instrument)
        if at.pointee.hasHistory, at.pointee.history.start != place.start { closeHistory(at, instrument, out) }
        var running = part
        running.bits &= ~BarState.Bits.backfilled
        func takes(_ bar: BarState) -> Bool { isOwn || bar.bits & BarState.Bits.rolledUp != 0 }
        if at.pointee.isForming, at.pointee.forming.start == place.start {
            if takes(at.pointee.forming) { at.pointee.forming.add(running) }
            return
        }
        if at.pointee.hasHistory {
            if takes(at.pointee.history) { at.pointee.history.add(part) }
        } else {
            if isFetched, at.pointee.isForming, part.start >= at.pointee.forming.end { close(at, out) }
            let isOver = place.end <= at.pointee.frontier || isOver(place.end, part.source, isFetched, instrument)
            if !isOver, at.pointee.isForming, part.start >= at.pointee.forming.end { close(at, out) }
            if !isOver, !at.pointee.isForming, part.start >= at.pointee.frontier {
                if isFetched { running.source = instrument.pointee.active }
                open(running, at, place)
                return
            }
            if !isFetched, at.pointee.find(place.start) != nil {
                addLate(part, at, instrument, place, out)
                return
            }
            switch pastState(at, place) {
            case .bar(let bar, let isRemembered):
                guard bar.builtFrom != UInt8(HUB_BUILT_FROM_PROVIDER), takes(bar) else { return }
                beginHistory(bar, exists: true, at, instrument)
                at.pointee.history.add(part)
                at.pointee.historyIsRemade = !isRemembered
            case .none:
                var bar = BarState(floor: place.floor, end: place.end)
                bar.begin(part, start: place.start, floor: place.floor, end: place.end)
                beginHistory(bar, exists: false, at, instrument)
            case .unknown:
                counters.lateWithoutRevision &+= 1
                return
            }
        }
        if part.end >= place.end { closeHistory(at, instrument, out) }
    }

    /// Closes the bars of history whose instrument had no such bar since the given position.
    mutating func closeIdleHistories(since seq: UInt64, of source: Int32?, _ out: any DerivedOutput) {
        guard openHistories > 0 else { return }
        scratch.removeAll()
        for index in 0..<instruments.count where instruments[index].hasHistory {
            let instrument = instruments.base + index
            guard instrument.pointee.lastHistorySeq < seq else { continue }
            if let source, instrument.pointee.active != source { continue }
            instrument.pointee.hasHistory = false
            for number in 0..<Int(instrument.pointee.seriesCount) {
                let number = Int(instrument.pointee.seriesBase) + number
                guard series[number].hasHistory else { continue }
                scratch.append(FoldCore.order(series[number].interval, Int32(number)))
            }
        }
        scratch.sort()
        for index in 0..<scratch.count {
            let at = series.base + Int(scratch[index] & 0xffff_ffff)
            closeHistory(at, instruments.base + Int(at.pointee.instrument), out)
        }
    }

    // MARK: Replacing

    /// A provider's bar took the place of one of ours: the larger bar over it loses the one and gains the other.
    ///
    /// Volume, notional and count are exact. High and low only widen where the rest of the bar is not made anew, for what
    /// it reached is not known any more.
    private mutating func exchange(
        _ old: BarState, for part: ProviderBar, isFetched: Bool, _ at: UnsafeMutablePointer<Series>,
        _ instrument: UnsafeMutablePointer<Instrument>, _ out: any DerivedOutput
    ) {
        let place = bucket(part.start, at.pointee.interval, instrument)
        if at.pointee.hasHistory, at.pointee.history.start != place.start { closeHistory(at, instrument, out) }
        let isForming = at.pointee.isForming && at.pointee.forming.start == place.start
        let known = isForming ? nil : at.pointee.find(place.start)
        func exchange(_ bar: inout BarState) {
            bar.volume = ExactAmount.sum(bar.volume, part.volume - old.volume)
            bar.notional = ExactAmount.sum(bar.notional, part.notional - old.notional)
            bar.count = bar.count &- min(bar.count, old.count) &+ part.count
            bar.high = max(bar.high, part.high)
            bar.low = min(bar.low, part.low)
            if bar.openTime >= old.start, bar.openTime < old.end {
                bar.open = part.open
                bar.openTime = part.start
            }
            if bar.closeTime >= old.start, bar.closeTime < old.end { bar.close = part.close }
            bar.bits |= part.bits & ~BarState.Bits.notional
            if part.bits & BarState.Bits.notional == 0 { bar.bits &= ~BarState.Bits.notional }
            bar.lastSeq = max(bar.lastSeq, part.seq)
            bar.builtFrom = UInt8(HUB_BUILT_FROM_BAR)
            bar.bits |= BarState.Bits.rolledUp
        }
        if isForming {
            exchange(&at.pointee.forming)
        } else if at.pointee.hasHistory {
            exchange(&at.pointee.history)
            at.pointee.historyIsRemade = true
            if !isFetched { closeHistory(at, instrument, out) }
        } else if let known, !isFetched {
            guard known.pointee.builtFrom != UInt8(HUB_BUILT_FROM_PROVIDER) else { return }
            exchange(&known.pointee)
            revise(known, at, out)
        } else if case .bar(let bar, _) = pastState(at, place), bar.builtFrom != UInt8(HUB_BUILT_FROM_PROVIDER) {
            beginHistory(bar, exists: true, at, instrument)
            exchange(&at.pointee.history)
            at.pointee.historyIsRemade = true
            if !isFetched { closeHistory(at, instrument, out) }
        }
    }

    // MARK: The trading day

    /// A provider's bar is part of the day: its smallest interval adds up to it, a bar of a day gives the close of
    /// the day before.
    private mutating func addToDay(
        _ part: ProviderBar, _ interval: Interval, _ instrument: UnsafeMutablePointer<Instrument>
    ) {
        if interval == .d1 {
            let number = Int(CivilDate.day(ofNanoseconds: part.start))
            let today = instrument.pointee.today.number
            let isBefore = today == DayState.none || number < today
            if isBefore, number >= instrument.pointee.previousDay {
                instrument.pointee.previousClose = part.close
                instrument.pointee.previousDay = number
                instrument.pointee.previousCloseTime = part.end
            }
            return
        }
        guard interval.rawValue == instrument.pointee.rollBase else { return }
        if !instrument.pointee.day.contains(part.start) || instrument.pointee.today.number == DayState.none {
            guard turnDay(part.start, instrument) else {
                addToDayBefore(part.start, close: part.close, instrument)
                return
            }
        }
        if instrument.pointee.today.count == 0 {
            instrument.pointee.today.open = part.open
            instrument.pointee.today.openTime = part.start
            instrument.pointee.today.closeTime = part.start
            instrument.pointee.today.high = part.high
            instrument.pointee.today.low = part.low
        }
        var today = instrument.pointee.today
        if part.start < today.openTime {
            today.open = part.open
            today.openTime = part.start
        }
        if part.start >= today.closeTime {
            today.close = part.close
            today.closeTime = part.start
        }
        today.high = max(today.high, part.high)
        today.low = min(today.low, part.low)
        today.volume = ExactAmount.sum(today.volume, part.volume)
        today.notional = ExactAmount.sum(today.notional, part.notional)
        today.count &+= max(1, part.count)
        instrument.pointee.today = today
    }
}
