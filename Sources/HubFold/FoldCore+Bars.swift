internal import EventFormat
internal import HubModel
internal import PluginABI

extension FoldCore {
    // MARK: Adding

    /// Adds a part to the bar it falls into, of each interval, smaller ones first.
    @inline(__always)
    mutating func contribute(
        _ part: Contribution, _ instrument: UnsafeMutablePointer<Instrument>, _ out: any DerivedOutput
    ) {
        var limit = UInt32.max
        if part.time < instrument.pointee.providerFrontier { limit = uncovered(part.time, instrument) }
        var at = series.base + Int(instrument.pointee.seriesBase)
        let end = at + Int(instrument.pointee.seriesCount)
        while at < end, at.pointee.interval < limit {
            if part.time < at.pointee.forming.end, part.time >= at.pointee.forming.floor {
                at.pointee.forming.add(part)
                if at.pointee.source != part.source { rehome(at, to: part.source) }
            } else {
                contributeBeyond(part, at, instrument, out)
            }
            at += 1
        }
    }

    /// The part is not of the open bar: that one closes, a new one opens, or the part is late.
    @inline(never)
    private mutating func contributeBeyond(
        _ part: Contribution, _ at: UnsafeMutablePointer<Series>, _ instrument: UnsafeMutablePointer<Instrument>,
        _ out: any DerivedOutput
    ) {
        if at.pointee.isForming, part.time >= at.pointee.forming.end { close(at, out) }
        let place = bucket(part.time, at.pointee.interval, instrument)
        if !at.pointee.isForming, part.time >= at.pointee.frontier {
            at.pointee.forming.begin(
                part, start: place.start, floor: max(place.floor, at.pointee.frontier), end: place.end)
            at.pointee.source = part.source
            at.pointee.ownFirst = min(at.pointee.ownFirst, place.start)
            sources.base[Int(part.source)].due.push(end: place.end, series: Int32(at - series.base))
            return
        }
        if at.pointee.hasHistory, at.pointee.history.start == place.start { closeHistory(at, instrument, out) }
        if let known = at.pointee.find(place.start) {
            if known.pointee.builtFrom == UInt8(HUB_BUILT_FROM_PROVIDER) {
                counters.lateWithoutRevision &+= 1
                return
            }
            known.pointee.add(part)
            revise(known, at, out)
            return
        }
        switch pastBar(at, place) {
        case .bar(var bar):
            guard bar.builtFrom != UInt8(HUB_BUILT_FROM_PROVIDER) else {
                counters.lateWithoutRevision &+= 1
                return
            }
            bar.add(part)
            revise(&bar, at, out)
        case .none:
            // Its time is over, and there was nothing in it before: it is closed at once.
            var bar = BarState(floor: place.floor, end: place.end)
            bar.begin(part, start: place.start, floor: place.floor, end: place.end)
            at.pointee.ownFirst = min(at.pointee.ownFirst, place.start)
            at.pointee.keep(bar)
            counters.barsClosed &+= 1
            emit(bar, at, HUB_BAR_CLOSED, out)
        case .unknown:
            counters.lateWithoutRevision &+= 1
        }
    }

    /// The bar that a time falls into: `start` as its record says, `floor` and `end` as instants.
    mutating func bucket(
        _ time: Int64, _ seconds: UInt32, _ instrument: UnsafeMutablePointer<Instrument>
    ) -> (start: Int64, floor: Int64, end: Int64) {
        let calendar = calendars[Int(instrument.pointee.calendar)]
        let interval = Interval(rawValue: seconds) ?? .m1
        let cached = instrument.pointee.day
        let day = cached.contains(time) ? cached : calendar.day(containing: time)
        if interval.isDateBased {
            let start = interval == .d1 ? day.label : calendar.bucketStart(time, interval)
            let floor = interval == .d1 ? day.start : calendar.day(Int(CivilDate.day(ofNanoseconds: start))).start
            let end = interval == .d1 ? day.end : calendar.closingTime(start: start, interval)
            return (start, floor, end)
        }
        let start = day.intradayStart(time, nanoseconds: interval.nanoseconds)
        let end = start &+ interval.nanoseconds
        if start >= day.start || calendar.bucketStart(day.start - 1, interval) == start { return (start, start, end) }
        // The clocks changed that day, and the last bar of the day before reaches over the begin of this one.
        return (start, day.start, end)
    }

    /// The open bar is now fed by another source, whose watermark closes it.
    @inline(never)
    mutating func rehome(_ at: UnsafeMutablePointer<Series>, to source: Int32) {
        at.pointee.source = source
        sources.base[Int(source)].due.push(end: at.pointee.forming.end, series: Int32(at - series.base))
    }

    // MARK: Closing

    /// Closes the open bar of a series.
    mutating func close(_ at: UnsafeMutablePointer<Series>, _ out: any DerivedOutput) {
        let bar = at.pointee.forming
        at.pointee.forming = BarState(floor: max(bar.floor, bar.end), end: BarState.notForming)
        at.pointee.keep(bar)
        counters.barsClosed &+= 1
        emit(bar, at, HUB_BAR_CLOSED, out)
    }

    /// Closes what the watermark of a source has passed.
    @inline(never)
    mutating func closeDue(of source: UnsafeMutablePointer<Source>, _ out: any DerivedOutput) {
        scratch.removeAll()
        collectDue(of: source, through: source.pointee.watermark)
        closeCollected(out)
    }

    /// Puts the series whose open bar is due into `scratch`, once or more often each.
    mutating func collectDue(of source: UnsafeMutablePointer<Source>, through time: Int64) {
        let number = Int32(source - sources.base)
        while source.pointee.due.earliest <= time {
            let entry = source.pointee.due.pop()
            let at = series.base + Int(entry.series)
            if at.pointee.forming.end == entry.end, at.pointee.source == number {
                scratch.append(FoldCore.order(at.pointee.interval, entry.series))
            }
            // The greatest end there is can never be passed.
            if entry.end == .max { break }
        }
    }

    /// Smaller intervals first, among instruments by their index: series are numbered in the order of instruments.
    @inline(__always)
    static func order(_ interval: UInt32, _ series: Int32) -> UInt64 { UInt64(interval) << 32 | UInt64(series) }

    /// Closes the open bars of the series in `scratch`, in their order.
    mutating func closeCollected(_ out: any DerivedOutput) {
        scratch.sort()
        var previous = UInt64.max
        for index in 0..<scratch.count where scratch[index] != previous {
            previous = scratch[index]
            let at = series.base + Int(previous & 0xffff_ffff)
            if at.pointee.isForming { close(at, out) }
        }
    }

    // MARK: Records

    /// A bar changed after it was closed.
    mutating func revise(
        _ bar: UnsafeMutablePointer<BarState>, _ at: UnsafeMutablePointer<Series>, _ out: any DerivedOutput
    ) {
        if bar.pointee.revision < .max { bar.pointee.revision += 1 }
        counters.barsRevised &+= 1
        emit(bar.pointee, at, HUB_BAR_REVISED, out)
    }

    mutating func emit(
        _ bar: BarState, _ at: UnsafeMutablePointer<Series>, _ state: Int, _ out: any DerivedOutput
    ) {
        caused &+= 1
        var record = bar.record(interval: at.pointee.interval, state: state)
        record.head.ts_recv = lastReceived
        out.append(lines: 2) { $0.storeBytes(of: record, as: hub_bar.self) }
        record.head.seq = seq &+ caused
        remember(record, at)
    }

    /// Keeps the newest bar of a series.
    mutating func remember(_ record: hub_bar, _ at: UnsafeMutablePointer<Series>) {
        noteJournaled(record, at.pointee.instrument)
        if at.pointee.hasNewest, record.head.ts_event < at.pointee.newest.head.ts_event { return }
        at.pointee.newest = record
        at.pointee.hasNewest = true
    }
}
