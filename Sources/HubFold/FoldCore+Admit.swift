internal import EventFormat
internal import HubModel
internal import PluginABI

extension FoldCore {
    /// Decides on a record before it is numbered, and gives it what only the host knows: times, flags, the state of a
    /// bar.
    @inline(__always)
    mutating func admit(_ record: UnsafeMutablePointer<hub_record>) -> Admission {
        if record.pointee.ts_recv < lastReceived { record.pointee.ts_recv = lastReceived }
        let kind = record.pointee.kind
        if kind >= UInt8(HUB_CONTROL) || kind == UInt8(HUB_GAP) {
            if record.pointee.ts_event == 0 { record.pointee.ts_event = record.pointee.ts_recv }
            // A position among records that the journal has already would forget how many of them are still to come.
            return isRepeatedPosition(record) ? .duplicate : .take
        }
        let id = Int(record.pointee.stream)
        guard kind < UInt8(Instrument.slotCount), kind > 0, id < streams.count,
            (streams.base + id).pointee.source >= 0
        else {
            counters.rejected &+= 1
            return .rejected
        }
        if record.pointee.flags & UInt16(HUB_FLAG_FETCHED) != 0 { return admitFetched(record) }
        let stream = streams.base + id
        let source = sources.base + Int(stream.pointee.source)
        let number = Int(stream.pointee.instrument)
        if number >= 0 {
            let instrument = instruments.base + number
            guard instrument.pointee.pipeline >= 0,
                mask(pipeline: instrument.pointee.pipeline, source: stream.pointee.source) & (1 << UInt32(kind)) != 0
            else {
                counters.rejected &+= 1
                return .rejected
            }
            if source.pointee.duplicates > 0 || source.pointee.duplicateBars < source.pointee.duplicateBarsEnd,
                isDuplicate(record, source)
            {
                counters.duplicates &+= 1
                return .duplicate
            }
            if instrument.pointee.active != stream.pointee.source {
                // Bars are not followed by number: one that comes again after a failover is looked at anew.
                if kind != UInt8(HUB_BAR) { source.pointee.skipped &+= 1 }
                source.pointee.standby &+= 1
                counters.standby &+= 1
                return .standby
            }
            if instrument.pointee.isHandedOver, isPrintedAlready(record, stream.pointee.source, instrument) {
                counters.duplicates &+= 1
                return .duplicate
            }
        } else if source.pointee.duplicates > 0, isDuplicate(record, source) {
            counters.duplicates &+= 1
            return .duplicate
        }
        var flags = record.pointee.flags
        if record.pointee.ts_event == 0 {
            record.pointee.ts_event = record.pointee.ts_recv
            flags |= UInt16(HUB_FLAG_UNTIMED)
        }
        let time = record.pointee.ts_event
        var failed: QualityChecks = flags & UInt16(HUB_FLAG_SUSPECT) != 0 ? .bySource : []
        if !isBelieved(time, received: record.pointee.ts_recv) { failed.insert(.ahead) }
        if source.pointee.isSimulated || stream.pointee.isSimulated { flags |= UInt16(HUB_FLAG_SIMULATED) }
        if number >= 0, isLate(kind, time, instruments.base + number) { flags |= UInt16(HUB_FLAG_LATE) }
        record.pointee.flags = flags
        switch kind {
        case UInt8(HUB_TRADE): clearSigns(record, 32, 2)
        case UInt8(HUB_QUOTE): clearSigns(record, 32, 4)
        case UInt8(HUB_TICK): clearSigns(record, 32, 11)
        case UInt8(HUB_BAR):
            guard number >= 0, admitBar(record, instruments.base + number) else {
                counters.rejected &+= 1
                return .rejected
            }
        default: clearRareSigns(record)
        }
        if number >= 0 { failed.formUnion(failedChecks(record, instruments.base + number, source)) }
        if !failed.isEmpty { flag(record, failed, source) }
        return .take
    }

    /// Says that a record is suspect, and counts why.
    @inline(never)
    private mutating func flag(
        _ record: UnsafeMutablePointer<hub_record>, _ failed: QualityChecks, _ source: UnsafeMutablePointer<Source>
    ) {
        record.pointee.flags |= UInt16(HUB_FLAG_SUSPECT)
        source.pointee.suspects.count(failed)
    }

    /// Decides on a record that was fetched: it comes beside its source's stream, so who serves does not matter, nor
    /// whether a pipeline has the instrument.
    @inline(never)
    private mutating func admitFetched(_ record: UnsafeMutablePointer<hub_record>) -> Admission {
        let stream = streams[Int(record.pointee.stream)]
        guard stream.instrument >= 0 else {
            counters.rejected &+= 1
            return .rejected
        }
        let instrument = instruments.base + Int(stream.instrument)
        var flags = record.pointee.flags | UInt16(HUB_FLAG_BACKFILLED)
        if record.pointee.ts_event == 0 {
            record.pointee.ts_event = record.pointee.ts_recv
            flags |= UInt16(HUB_FLAG_UNTIMED)
        }
        var failed: QualityChecks = flags & UInt16(HUB_FLAG_SUSPECT) != 0 ? .bySource : []
        if !isBelieved(record.pointee.ts_event, received: record.pointee.ts_recv) { failed.insert(.ahead) }
        if sources[Int(stream.source)].isSimulated || stream.isSimulated { flags |= UInt16(HUB_FLAG_SIMULATED) }
        record.pointee.flags = flags
        switch record.pointee.kind {
        case UInt8(HUB_TRADE):
            clearSigns(record, 32, 2)
            let trade = UnsafeMutableRawPointer(record).assumingMemoryBound(to: hub_trade.self)
            if trade.pointee.trade_id != 0, flags & UInt16(HUB_FLAG_CORRECTION) == 0,
                instrument.pointee.hasRecent(id: trade.pointee.trade_id, time: record.pointee.ts_event)
            {
                counters.duplicates &+= 1
                return .duplicate
            }
        case UInt8(HUB_QUOTE): clearSigns(record, 32, 4)
        case UInt8(HUB_TICK): clearSigns(record, 32, 11)
        case UInt8(HUB_BAR):
            guard admitBar(record, instrument) else {
                counters.rejected &+= 1
                return .rejected
            }
        default: clearRareSigns(record)
        }
        let source = sources.base + Int(stream.source)
        failed.formUnion(failedChecks(record, instrument, source))
        if !failed.isEmpty { flag(record, failed, source) }
        return .take
    }

    /// Whether a source that has taken over tells a trade that the one before it told: one no newer than the last of that.
    /// (A vendor's snapshot is a state: told twice it is no print too many.)
    ///
    /// A source that resumes is followed by the number of its records, so none of them may go missing here.
    @inline(never)
    private mutating func isPrintedAlready(
        _ record: UnsafeMutablePointer<hub_record>, _ source: Int32, _ instrument: UnsafeMutablePointer<Instrument>
    ) -> Bool {
        guard record.pointee.kind == UInt8(HUB_TRADE) else { return false }
        let from = sources.base + Int(source)
        guard !from.pointee.hasPosition, !from.pointee.isRecorded, record.pointee.ts_event != 0,
            let last = instrument.pointee.slots[HUB_TRADE].record,
            Int(last.pointee.stream) < streams.count, streams[Int(last.pointee.stream)].source != source,
            isBelieved(last.pointee.ts_event, received: last.pointee.ts_recv),
            record.pointee.ts_event <= last.pointee.ts_event
        else {
            instrument.pointee.isHandedOver = false
            return false
        }
        return true
    }

    /// Whether a source says where it is while it still repeats what came behind its last position.
    private func isRepeatedPosition(_ record: UnsafePointer<hub_record>) -> Bool {
        guard record.pointee.kind == UInt8(HUB_CONTROL),
            (UnsafeRawPointer(record) + 32).load(as: UInt8.self) == UInt8(HUB_CONTROL_POSITION)
        else { return false }
        let id = Int(record.pointee.stream)
        guard id < streams.count, streams[id].source >= 0 else { return false }
        return sources[Int(streams[id].source)].duplicates > 0
    }

    /// Whether an event time is no further ahead of the receive time than clocks differ, and one that days can be
    /// counted in.
    @inline(__always)
    mutating func isBelieved(_ time: Int64, received: Int64) -> Bool {
        let limit = received &+ FoldCore.believedAheadNanoseconds
        return time <= limit && time.magnitude < FoldCore.countableNanoseconds
    }

    /// Whether a source that resumed sends a record the journal has; uses that one up.
    ///
    /// Other records are told by their number, bars by what they are, in their order: one that was not taken before
    /// is looked at anew.
    @inline(never)
    private mutating func isDuplicate(
        _ record: UnsafeMutablePointer<hub_record>, _ source: UnsafeMutablePointer<Source>
    ) -> Bool {
        guard record.pointee.kind == UInt8(HUB_BAR) else {
            guard source.pointee.duplicates > 0 else { return false }
            source.pointee.duplicates -= 1
            return true
        }
        let place = source.pointee.duplicateBars
        guard place < source.pointee.duplicateBarsEnd else { return false }
        let interval = UnsafeMutableRawPointer(record).assumingMemoryBound(to: hub_bar.self).pointee.interval
        let key = AcceptedBars.Key(
            start: record.pointee.ts_event, stream: record.pointee.stream, interval: interval)
        guard source.pointee.bars[place] == key else { return false }
        source.pointee.duplicateBars += 1
        return true
    }

    /// Whether a record that makes bars falls into a time whose smallest bar is closed.
    @inline(__always)
    private mutating func isLate(_ kind: UInt8, _ time: Int64, _ instrument: UnsafeMutablePointer<Instrument>) -> Bool {
        guard instrument.pointee.seriesCount > 0 else { return false }
        switch kind {
        case UInt8(HUB_TRADE), UInt8(HUB_TICK): guard instrument.pointee.price == .last else { return false }
        case UInt8(HUB_QUOTE): guard instrument.pointee.price != .last else { return false }
        default: return false
        }
        let smallest = series.base + Int(instrument.pointee.seriesBase)
        return time < smallest.pointee.forming.floor || time < instrument.pointee.providerFrontier
    }

    /// −0 becomes 0 in so many doubles from that byte on; NaN stays.
    @inline(__always)
    private mutating func clearSigns(_ record: UnsafeMutablePointer<hub_record>, _ offset: Int, _ count: Int) {
        let values = (UnsafeMutableRawPointer(record) + offset).assumingMemoryBound(to: Double.self)
        for index in 0..<count where values[index] == 0 { values[index] = 0 }
    }

    @inline(never)
    private mutating func clearRareSigns(_ record: UnsafeMutablePointer<hub_record>) {
        switch Int(record.pointee.kind) {
        case HUB_GREEKS: clearSigns(record, 32, 6)
        case HUB_STATUS: clearSigns(record, 48, 2)
        case HUB_SIGNAL: clearSigns(record, 40, 1)
        case HUB_BOOK:
            let raw = UnsafeMutableRawPointer(record)
            let book = raw.assumingMemoryBound(to: hub_book.self)
            let room = (Int(record.pointee.lines) * Int(HUB_LINE) - 40) / 24
            for level in 0..<min(room, Int(book.pointee.bids) + Int(book.pointee.asks)) {
                clearSigns(record, 40 + level * 24, 2)
            }
        default: break
        }
    }

    // MARK: Bars of a provider

    /// Whether a provider's bar may stand, and as what: where the hub has none, or in place of one that a gap touched.
    private mutating func admitBar(
        _ record: UnsafeMutablePointer<hub_record>, _ instrument: UnsafeMutablePointer<Instrument>
    ) -> Bool {
        clearSigns(record, 40, 6)
        clearSigns(record, 112, 1)
        let bar = UnsafeMutableRawPointer(record).assumingMemoryBound(to: hub_bar.self)
        let untimed = record.pointee.flags & UInt16(HUB_FLAG_UNTIMED) != 0
        guard !untimed, isBelieved(record.pointee.ts_event, received: record.pointee.ts_recv),
            let interval = FoldCore.interval(bar.pointee.interval)
        else { return false }
        bar.pointee.state = UInt8(HUB_BAR_CLOSED)
        bar.pointee.built_from = UInt8(HUB_BUILT_FROM_PROVIDER)
        bar.pointee.revision = 0
        bar.pointee.first_seq = 0
        bar.pointee.last_seq = 0
        bar.pointee.reserved = 0
        let start = record.pointee.ts_event
        let isFetched = record.pointee.flags & UInt16(HUB_FLAG_FETCHED) != 0
        guard let own = ownSeries(of: instrument, interval: bar.pointee.interval) else {
            // Nothing is made of that interval, so what there is came as it is; once is enough.
            guard isFetched else { return true }
            let number = Int32(instrument - instruments.base)
            if case .bar = recalled(number, bar.pointee.interval, start) { return false }
            return true
        }
        let end = calendars[Int(instrument.pointee.calendar)].closingTime(start: start, interval)
        if own.pointee.isForming, start < own.pointee.forming.end, end > own.pointee.forming.start { return false }
        // What is fetched before its end is not the whole bar, and would stand in the way of our own.
        if isFetched, end > record.pointee.ts_recv { return false }
        // So would one that comes while the bar is being made of smaller parts.
        if own.pointee.hasHistory, own.pointee.history.start == start, !own.pointee.historyExists { return false }
        guard let known = standing(own, start) else { return true }
        guard known.builtFrom != UInt8(HUB_BUILT_FROM_PROVIDER), isTouchedByGap(instrument, start, end) else {
            return false
        }
        bar.pointee.state = UInt8(HUB_BAR_REVISED)
        bar.pointee.revision = known.revision == .max ? .max : known.revision + 1
        return true
    }

    /// What stands at a place of a series: what it is made of, and its revision.
    private mutating func standing(
        _ own: UnsafeMutablePointer<Series>, _ start: Int64
    ) -> (builtFrom: UInt8, revision: UInt16)? {
        if own.pointee.hasHistory, own.pointee.history.start == start {
            return (own.pointee.history.builtFrom, own.pointee.history.revision)
        }
        if let known = own.pointee.find(start) { return (known.pointee.builtFrom, known.pointee.revision) }
        if own.pointee.remembers(start) { return nil }
        switch recalled(own.pointee.instrument, own.pointee.interval, start) {
        case .bar(let bar): return (bar.built_from, bar.revision)
        case .none: return nil
        // The hub may well have had a bar there.
        case .unknown: return start >= own.pointee.ownFirst ? (0, 0) : nil
        }
    }

    static func interval(_ seconds: UInt32) -> Interval? { Interval(rawValue: seconds) }

    /// The series of an interval, if the instrument's pipeline makes it.
    func ownSeries(
        of instrument: UnsafeMutablePointer<Instrument>, interval: UInt32
    ) -> UnsafeMutablePointer<Series>? {
        let first = series.base + Int(instrument.pointee.seriesBase)
        for index in 0..<Int(instrument.pointee.seriesCount) where first[index].interval == interval {
            return first + index
        }
        return nil
    }

    /// Whether a source of the instrument's pipeline lost data of it in that time.
    private mutating func isTouchedByGap(
        _ instrument: UnsafeMutablePointer<Instrument>, _ start: Int64, _ end: Int64
    ) -> Bool {
        let symbol = symbols[instrument - instruments.base]
        for gap in gaps where gap.from < end && (gap.isOpen || gap.to > start) {
            guard let source = sourceIndex[gap.source],
                mask(pipeline: instrument.pointee.pipeline, source: source) != 0
            else { continue }
            if gap.symbols.contains(where: { (try? SymbolPattern($0))?.matches(symbol) ?? false }) { return true }
        }
        return false
    }
}
