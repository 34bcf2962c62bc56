internal import HubModel
internal import PluginABI

extension FoldCore {
    /// Folds one journaled record; what follows from it goes to `out`.
    @inline(__always)
    mutating func apply(_ record: UnsafePointer<hub_record>, _ out: any DerivedOutput) {
        seq = record.pointee.seq
        caused = 0
        if record.pointee.ts_recv > lastReceived { lastReceived = record.pointee.ts_recv }
        let kind = record.pointee.kind
        let id = Int(record.pointee.stream)
        guard kind < UInt8(Instrument.slotCount), record.pointee.flags & UInt16(HUB_FLAG_DERIVED) == 0,
            id < streams.count, (streams.base + id).pointee.source >= 0
        else {
            applyRest(record, out)
            return
        }
        let stream = streams[id]
        let source = sources.base + Int(stream.source)
        let time = record.pointee.ts_event
        source.pointee.taken &+= 1
        if record.pointee.flags & UInt16(HUB_FLAG_FETCHED) != 0 {
            counters.taken &+= 1
            if stream.instrument >= 0 {
                applyFetched(record, stream, instruments.base + Int(stream.instrument), out)
            }
            return
        }
        if kind == UInt8(HUB_BAR) {
            let interval = UnsafeRawPointer(record).assumingMemoryBound(to: hub_bar.self).pointee.interval
            source.pointee.bars.insert(
                AcceptedBars.Key(start: time, stream: record.pointee.stream, interval: interval))
        } else {
            source.pointee.sincePosition &+= 1
        }
        source.pointee.lastSeq = seq
        source.pointee.lastEvent = time
        if source.pointee.messageIsOver || source.pointee.lastReceived != record.pointee.ts_recv {
            source.pointee.messageSeq = seq
        }
        source.pointee.messageIsOver = record.pointee.flags & UInt16(HUB_FLAG_LAST_OF_MESSAGE) != 0
        source.pointee.lastReceived = record.pointee.ts_recv
        counters.taken &+= 1
        let flags = record.pointee.flags
        if flags & UInt16(HUB_FLAG_LATE | HUB_FLAG_SUSPECT) != 0 {
            if flags & UInt16(HUB_FLAG_LATE) != 0 { counters.late &+= 1 }
            if flags & UInt16(HUB_FLAG_SUSPECT) != 0 { counters.suspect &+= 1 }
        }
        let isBelieved = isBelieved(time, received: record.pointee.ts_recv)
        if stream.instrument >= 0 {
            let instrument = instruments.base + Int(stream.instrument)
            if kind == UInt8(HUB_BAR) {
                if isBelieved { applyBar(record, stream, instrument, out) }
            } else {
                remember(record, in: instrument.pointee.slots + Int(kind))
                if isBelieved {
                    switch kind {
                    case UInt8(HUB_TRADE):
                        // The same trade once more was counted already.
                        if !observe(record, instrument) { applyTrade(record, stream, instrument, out) }
                    case UInt8(HUB_TICK):
                        applyTick(record, stream, instrument, out)
                        // Behind the turn of the day.
                        _ = observe(record, instrument)
                    case UInt8(HUB_QUOTE):
                        if instrument.pointee.price != .last { applyQuote(record, stream, instrument, out) }
                        _ = observe(record, instrument)
                    case UInt8(HUB_BOOK): _ = observe(record, instrument)
                    default: break
                    }
                }
            }
        } else if kind == UInt8(HUB_STATUS) {
            rememberVenueStatus(record)
        }
        if source.pointee.isRecorded, isBelieved, time > source.pointee.watermark { source.pointee.watermark = time }
        if source.pointee.due.earliest <= source.pointee.watermark { closeDue(of: source, out) }
    }

    /// Keeps a copy of the newest record of a series. Backfilled, late, corrected and suspect ones do not displace what
    /// is newer.
    @inline(__always)
    mutating func remember(_ record: UnsafePointer<hub_record>, in slot: UnsafeMutablePointer<RecordSlot>) {
        let old = UInt16(HUB_FLAG_BACKFILLED | HUB_FLAG_LATE | HUB_FLAG_CORRECTION | HUB_FLAG_SUSPECT)
        if record.pointee.flags & old != 0, let held = slot.pointee.record,
            record.pointee.ts_event < held.pointee.ts_event
        {
            return
        }
        slot.pointee.store(record)
    }

    // MARK: What makes bars

    @inline(__always)
    private mutating func applyTrade(
        _ record: UnsafePointer<hub_record>, _ stream: Stream, _ instrument: UnsafeMutablePointer<Instrument>,
        _ out: any DerivedOutput
    ) {
        let trade = UnsafeRawPointer(record).assumingMemoryBound(to: hub_trade.self)
        if record.pointee.flags & UInt16(HUB_FLAG_CORRECTION) != 0 {
            correct(trade, stream, instrument, out)
            return
        }
        streams[Int(stream.barStream)].givesTrades = true
        instrument.pointee.givesTrades = true
        if trade.pointee.trade_id != 0 {
            instrument.pointee.remember(
                RecentTrade(
                    id: trade.pointee.trade_id, seq: record.pointee.seq, time: record.pointee.ts_event,
                    price: trade.pointee.price, size: trade.pointee.size, source: stream.source))
        }
        let part = part(of: trade, stream)
        addToDay(part, instrument)
        if instrument.pointee.price == .last { contribute(part, instrument, out) }
    }

    @inline(__always)
    mutating func part(of trade: UnsafePointer<hub_trade>, _ stream: Stream) -> Contribution {
        Contribution(
            size: ExactAmount.units(trade.pointee.size),
            notional: ExactAmount.product(trade.pointee.price, trade.pointee.size), time: trade.pointee.head.ts_event,
            price: trade.pointee.price, seq: trade.pointee.head.seq, openInterest: .nan, stream: stream.barStream,
            source: stream.source, builtFrom: UInt8(HUB_BUILT_FROM_TRADE),
            bits: bits(trade.pointee.head.flags) | BarState.Bits.notional)
    }

    private mutating func applyTick(
        _ record: UnsafePointer<hub_record>, _ stream: Stream, _ instrument: UnsafeMutablePointer<Instrument>,
        _ out: any DerivedOutput
    ) {
        guard let part = tickPart(record, stream, instrument) else { return }
        addToDay(part, instrument)
        if instrument.pointee.price == .last { contribute(part, instrument, out) }
    }

    /// What a tick adds to bars; `nil` where its source gives trades.
    mutating func tickPart(
        _ record: UnsafePointer<hub_record>, _ stream: Stream, _ instrument: UnsafeMutablePointer<Instrument>
    ) -> Contribution? {
        let tick = UnsafeRawPointer(record).assumingMemoryBound(to: hub_tick.self)
        let basis = streams.base + Int(stream.barStream)
        if basis.pointee.givesTrades { return nil }
        if FoldCore.isUntraded(tick) { return nil }
        var part = Contribution(
            size: 0, notional: 0, time: record.pointee.ts_event, price: tick.pointee.last, seq: record.pointee.seq,
            openInterest: tick.pointee.open_interest, stream: stream.barStream, source: stream.source,
            builtFrom: UInt8(HUB_BUILT_FROM_TICK), bits: bits(record.pointee.flags))
        if !tick.pointee.volume.isNaN {
            let traded = volumeSince(tick.pointee.volume, at: part.time, basis, instrument)
            part.size = traded
            part.notional = ExactAmount.product(part.price, units: traded)
            part.bits |= BarState.Bits.notional
        }
        return part
    }

    /// What was traded since the source's tick before: by how much the day's cumulative volume passed its highest so
    /// far.
    ///
    /// A new date counts from nothing. The first tick of all only sets the mark, for what was traded before it cannot
    /// be told when; one that falls back (late, or wrong) adds nothing.
    private mutating func volumeSince(
        _ volume: Double, at time: Int64, _ basis: UnsafeMutablePointer<Stream>,
        _ instrument: UnsafeMutablePointer<Instrument>
    ) -> Int128 {
        let units = ExactAmount.units(volume)
        let date =
            instrument.pointee.day.contains(time)
            ? instrument.pointee.day.number
            : calendars[Int(instrument.pointee.calendar)].day(containing: time).number
        let known = basis.pointee.tickDay
        if date < known { return 0 }
        let before = known == DayState.none ? units : (date > known ? 0 : basis.pointee.tickVolume)
        basis.pointee.tickDay = date
        basis.pointee.tickVolume = max(before, units)
        return max(0, units - before)
    }

    private mutating func applyQuote(
        _ record: UnsafePointer<hub_record>, _ stream: Stream, _ instrument: UnsafeMutablePointer<Instrument>,
        _ out: any DerivedOutput
    ) {
        if let part = quotePart(record, stream, instrument) { contribute(part, instrument, out) }
    }

    /// What a quote adds to bars of quotes; `nil` where it lacks the side.
    mutating func quotePart(
        _ record: UnsafePointer<hub_record>, _ stream: Stream, _ instrument: UnsafeMutablePointer<Instrument>
    ) -> Contribution? {
        let quote = UnsafeRawPointer(record).assumingMemoryBound(to: hub_quote.self)
        let price: Double
        switch instrument.pointee.price {
        case .mid: price = ExactAmount.middle(quote.pointee.bid, quote.pointee.ask)
        case .bid: price = quote.pointee.bid
        case .ask: price = quote.pointee.ask
        case .last: return nil
        }
        guard price.isFinite else { return nil }
        return Contribution(
            size: 0, notional: 0, time: record.pointee.ts_event, price: price, seq: record.pointee.seq,
            openInterest: .nan, stream: stream.barStream, source: stream.source,
            builtFrom: UInt8(HUB_BUILT_FROM_QUOTE), bits: bits(record.pointee.flags))
    }

    @inline(__always)
    mutating func bits(_ flags: UInt16) -> UInt8 {
        flags & UInt16(HUB_FLAG_SIMULATED) != 0 ? BarState.Bits.simulated : 0
    }

    // MARK: The trading day

    @inline(__always)
    mutating func addToDay(_ part: Contribution, _ instrument: UnsafeMutablePointer<Instrument>) {
        let day = instrument
        if part.time < day.pointee.day.start || part.time >= day.pointee.day.end
            || day.pointee.today.number == DayState.none
        {
            if !turnDay(part.time, instrument) { return }
        }
        if day.pointee.today.count == 0 {
            day.pointee.today.open = part.price
            day.pointee.today.high = part.price
            day.pointee.today.low = part.price
            day.pointee.today.openTime = part.time
        } else {
            if part.price > day.pointee.today.high { day.pointee.today.high = part.price }
            if part.price < day.pointee.today.low { day.pointee.today.low = part.price }
        }
        day.pointee.today.close = part.price
        day.pointee.today.closeTime = part.time
        day.pointee.today.volume &+= part.size
        day.pointee.today.notional = ExactAmount.sum(day.pointee.today.notional, part.notional)
        day.pointee.today.count &+= 1
    }

    /// Goes on to the date of a later time: what was today becomes the day before. `false` for a time before today.
    @inline(never)
    mutating func turnDay(_ time: Int64, _ instrument: UnsafeMutablePointer<Instrument>) -> Bool {
        let hasToday = instrument.pointee.today.number != DayState.none
        if hasToday, time < instrument.pointee.day.start { return false }
        instrument.pointee.day = calendars[Int(instrument.pointee.calendar)].day(containing: time)
        if hasToday, instrument.pointee.today.count > 0 {
            instrument.pointee.previousClose = instrument.pointee.today.close
            instrument.pointee.previousDay = instrument.pointee.today.number
            instrument.pointee.previousCloseTime = instrument.pointee.today.closeTime
        }
        instrument.pointee.today = DayState()
        instrument.pointee.today.number = instrument.pointee.day.number
        return true
    }

    // MARK: Everything that is no market record

    @inline(never)
    private mutating func applyRest(_ record: UnsafePointer<hub_record>, _ out: any DerivedOutput) {
        switch Int(record.pointee.kind) {
        case HUB_CONTROL: applyControl(record, out)
        case HUB_DEFINE: define(record)
        case HUB_GAP: applyGap(record)
        case HUB_VALUE: rememberValue(record)
        case HUB_SIGNAL, HUB_STATUS:
            let id = Int(record.pointee.stream)
            if id < streams.count, streams[id].instrument >= 0 {
                let instrument = instruments.base + Int(streams[id].instrument)
                remember(record, in: instrument.pointee.slots + Int(record.pointee.kind))
            } else if Int(record.pointee.kind) == HUB_STATUS {
                rememberVenueStatus(record)
            }
        default: break
        }
    }

    /// Keeps the newest value of a definition; a revised one of an older bar does not displace it.
    private mutating func rememberValue(_ record: UnsafePointer<hub_record>) {
        let id = Int(record.pointee.stream)
        guard id < streams.count, streams[id].instrument >= 0 else { return }
        let value = UnsafeRawPointer(record).assumingMemoryBound(to: hub_value.self)
        let extra = instruments.base[Int(streams[id].instrument)].extra(
            kind: UInt8(HUB_VALUE), key: value.pointee.definition)
        if let held = extra.pointee.slot.record {
            let heldTime = UnsafeRawPointer(held).assumingMemoryBound(to: hub_value.self).pointee.bar_time
            if value.pointee.bar_time < heldTime { return }
        }
        extra.pointee.slot.store(record)
    }
}
