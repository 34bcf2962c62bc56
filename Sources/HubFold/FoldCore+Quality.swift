internal import PluginABI

/// Data quality: what is flagged suspect. Deciding reads the state and changes nothing; the state follows the records as
/// they are journaled, so folding a journal again comes to the same.
extension FoldCore {
    /// Whether a record of that kind and those flags is compared with what came before: corrections and backfill are
    /// of the past.
    @inline(__always)
    static func isCompared(_ kind: UInt8, _ flags: UInt16) -> Bool {
        kind <= UInt8(Arrival.kinds) && flags & UInt16(HUB_FLAG_CORRECTION | HUB_FLAG_BACKFILLED) == 0
    }

    /// The checks that a record fails, of those its pipeline makes.
    @inline(__always)
    mutating func failedChecks(
        _ record: UnsafePointer<hub_record>, _ instrument: UnsafeMutablePointer<Instrument>,
        _ source: UnsafeMutablePointer<Source>
    ) -> QualityChecks {
        let kind = record.pointee.kind
        let checks = instrument.pointee.checks
        guard !checks.isEmpty, kind <= UInt8(Arrival.kinds) else { return [] }
        guard FoldCore.isCompared(kind, record.pointee.flags) else { return signChecks(record, checks) }
        let arrival = arrivals.base + (Int(record.pointee.stream) * Arrival.kinds + Int(kind) - 1)
        var failed = QualityChecks()
        if record.pointee.ts_event < arrival.pointee.newest { failed.insert(.backwards) }
        if kind == UInt8(HUB_TRADE) {
            let trade = UnsafeRawPointer(record).assumingMemoryBound(to: hub_trade.self)
            let price = trade.pointee.price
            if instrument.pointee.prices.isSpike(price, instrument.pointee.spikeBand) { failed.insert(.spike) }
            if price < 0 { failed.insert(.crossed) }
            // The same trade has the same time: while times go on, none can be there twice.
            if record.pointee.ts_event <= arrival.pointee.newest, isRepeated(trade, instrument, source) {
                failed.insert(.duplicates)
            }
        } else {
            failed.formUnion(otherChecks(record, instrument))
        }
        return failed.intersection(checks)
    }

    /// Prices below zero, and sides that cross.
    @inline(never)
    private mutating func signChecks(
        _ record: UnsafePointer<hub_record>, _ checks: QualityChecks
    ) -> QualityChecks {
        let raw = UnsafeRawPointer(record)
        let isWrong: Bool
        switch Int(record.pointee.kind) {
        case HUB_TRADE: isWrong = raw.assumingMemoryBound(to: hub_trade.self).pointee.price < 0
        case HUB_TICK: isWrong = raw.assumingMemoryBound(to: hub_tick.self).pointee.last < 0
        case HUB_QUOTE:
            let quote = raw.assumingMemoryBound(to: hub_quote.self)
            isWrong = quote.pointee.bid > quote.pointee.ask || quote.pointee.bid < 0 || quote.pointee.ask < 0
        case HUB_BOOK: isWrong = isCrossed(book: raw)
        default: isWrong = false
        }
        return isWrong ? checks.intersection(.crossed) : []
    }

    /// Levels are best first: the lowest price is that of the last bid.
    private func isCrossed(book raw: UnsafeRawPointer) -> Bool {
        let book = raw.assumingMemoryBound(to: hub_book.self)
        let bids = Int(book.pointee.bids)
        let levels = (raw + MemoryLayout<hub_book>.size).assumingMemoryBound(to: hub_level.self)
        if bids > 0, levels[bids - 1].price < 0 { return true }
        guard book.pointee.asks > 0 else { return false }
        return levels[bids].price < 0 || bids > 0 && levels[0].price > levels[bids].price
    }

    /// Prices and volumes of what is no trade.
    @inline(never)
    private mutating func otherChecks(
        _ record: UnsafePointer<hub_record>, _ instrument: UnsafeMutablePointer<Instrument>
    ) -> QualityChecks {
        var failed = signChecks(record, .crossed)
        let band = instrument.pointee.spikeBand
        switch Int(record.pointee.kind) {
        case HUB_TICK:
            let tick = UnsafeRawPointer(record).assumingMemoryBound(to: hub_tick.self)
            let isUntraded = FoldCore.isUntraded(tick)
            if !isUntraded, instrument.pointee.prices.isSpike(tick.pointee.last, band) { failed.insert(.spike) }
            if let day = day(of: record, instrument),
                volumes[Int(record.pointee.stream)].isFall(tick.pointee.volume, on: day)
            {
                failed.insert(.volumeFalls)
            }
        case HUB_QUOTE:
            let quote = UnsafeRawPointer(record).assumingMemoryBound(to: hub_quote.self)
            let middle = (quote.pointee.bid + quote.pointee.ask) / 2
            if instrument.pointee.middles.isSpike(middle, band) { failed.insert(.spike) }
        default: break
        }
        return failed
    }

    /// A tick has to have a price; of what was never traded it is a zero that its source itself doubts.
    @inline(__always)
    static func isUntraded(_ tick: UnsafePointer<hub_tick>) -> Bool {
        tick.pointee.last == 0 && tick.pointee.head.flags & UInt16(HUB_FLAG_SUSPECT) != 0
    }

    /// The date of a record, without asking the calendar: that of the instrument's newest record, `nil` for another.
    private func day(
        of record: UnsafePointer<hub_record>, _ instrument: UnsafeMutablePointer<Instrument>
    ) -> Int? {
        instrument.pointee.day.contains(record.pointee.ts_event) ? instrument.pointee.day.number : nil
    }

    // MARK: The same trade once more

    /// Whether a trade was there before, by what it says.
    ///
    /// Trades without an id may well be alike: two in one vendor message are two, and so are rows of a recording, unless
    /// later ones were there in between.
    @inline(never)
    private mutating func isRepeated(
        _ trade: UnsafePointer<hub_trade>, _ instrument: UnsafeMutablePointer<Instrument>,
        _ source: UnsafeMutablePointer<Source>
    ) -> Bool {
        var before = UInt64.max
        if trade.pointee.trade_id == 0 {
            if source.pointee.isRecorded {
                let arrival = arrivals.base + Int(trade.pointee.head.stream) * Arrival.kinds
                guard trade.pointee.head.ts_event < arrival.pointee.newest else { return false }
            } else if !source.pointee.messageIsOver,
                trade.pointee.head.ts_recv == source.pointee.lastReceived
            {
                before = source.pointee.messageSeq
            }
        }
        return instrument.pointee.prints.contains(FoldCore.signature(trade), before: before)
    }

    /// One number for all that makes a trade the same: stream, id, time, price and size; without an id side and
    /// conditions too.
    @inline(__always)
    static func signature(_ trade: UnsafePointer<hub_trade>) -> UInt64 {
        var hash = UInt64(trade.pointee.head.stream) &* 0x9e37_79b9_7f4a_7c15
        let rest =
            trade.pointee.trade_id == 0
            ? UInt64(trade.pointee.conditions) << 8 | UInt64(trade.pointee.side) : trade.pointee.trade_id
        hash = mix(hash ^ UInt64(bitPattern: trade.pointee.head.ts_event))
        hash = mix(hash ^ trade.pointee.price.bitPattern)
        hash = mix(hash ^ trade.pointee.size.bitPattern)
        return mix(hash ^ rest)
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
        return product.high ^ product.low
    }

    // MARK: What later records are compared with

    /// Takes in a journaled record. `true` for a trade that is certainly the same as one before: it has its id.
    @inline(__always)
    mutating func observe(
        _ record: UnsafePointer<hub_record>, _ instrument: UnsafeMutablePointer<Instrument>
    ) -> Bool {
        let kind = record.pointee.kind
        let flags = record.pointee.flags
        guard !instrument.pointee.checks.isEmpty, FoldCore.isCompared(kind, flags) else { return false }
        let isSuspect = flags & UInt16(HUB_FLAG_SUSPECT) != 0
        (arrivals.base + (Int(record.pointee.stream) * Arrival.kinds + Int(kind) - 1)).pointee
            .observe(record.pointee.ts_event)
        guard kind == UInt8(HUB_TRADE) else {
            observeOther(record, instrument, isSuspect: isSuspect)
            return false
        }
        let trade = UnsafeRawPointer(record).assumingMemoryBound(to: hub_trade.self)
        let signature = FoldCore.signature(trade)
        if isSuspect, trade.pointee.trade_id != 0, instrument.pointee.checks.contains(.duplicates),
            instrument.pointee.prints.contains(signature, before: .max)
        {
            return true
        }
        instrument.pointee.prints.insert(Prints.Print(signature: signature, seq: record.pointee.seq))
        instrument.pointee.prices.observe(
            trade.pointee.price, isSuspect: isSuspect, instrument.pointee.spikeBand)
        return false
    }

    @inline(never)
    private mutating func observeOther(
        _ record: UnsafePointer<hub_record>, _ instrument: UnsafeMutablePointer<Instrument>, isSuspect: Bool
    ) {
        let band = instrument.pointee.spikeBand
        switch Int(record.pointee.kind) {
        case HUB_TICK:
            let tick = UnsafeRawPointer(record).assumingMemoryBound(to: hub_tick.self)
            if !FoldCore.isUntraded(tick) {
                instrument.pointee.prices.observe(tick.pointee.last, isSuspect: isSuspect, band)
            }
            // Behind the day's turn: `day` is that of this record, or it is of a day that is over.
            if let day = day(of: record, instrument) {
                (volumes.base + Int(record.pointee.stream)).pointee.observe(tick.pointee.volume, on: day)
            }
        case HUB_QUOTE:
            let quote = UnsafeRawPointer(record).assumingMemoryBound(to: hub_quote.self)
            let middle = (quote.pointee.bid + quote.pointee.ask) / 2
            if !middle.isNaN { instrument.pointee.middles.observe(middle, isSuspect: isSuspect, band) }
        default: break
        }
    }
}
