public import EventFormat
public import HubModel
public import PluginABI

/// The newest state of one instrument: all inputs of a quote as `/v1/quotes` gives it.
public struct LastValue: Sendable {
    public var symbol: String
    /// `HUB_TYPE_EQUITY` …; 0 = not known.
    public var instrumentType: UInt8
    /// Empty = not known.
    public var currency: String
    /// NaN = not known.
    public var tickSize: Double
    /// Name of its trading calendar.
    public var calendar: String
    /// Name of its pipeline; `nil`: no pipeline has it any more.
    public var pipeline: String?
    /// Source of the newest input, or the one that serves it while there is none.
    public var source: String
    /// Newest records, as journaled.
    public var trade: hub_trade?
    public var tick: hub_tick?
    public var quote: hub_quote?
    /// The trading day so far, of trades, ticks or a provider's bars; `nil` before the first.
    public var day: TradingDaySummary?
    /// Close of the trading day before.
    public var previousClose: Double?
    /// Head of the newest of `trade`, `tick` and `quote`; `nil` where there is none of them.
    public var newest: hub_record?

    public init(
        symbol: String, instrumentType: UInt8, currency: String, tickSize: Double, calendar: String,
        pipeline: String? = nil, source: String, trade: hub_trade? = nil, tick: hub_tick? = nil,
        quote: hub_quote? = nil, day: TradingDaySummary? = nil, previousClose: Double? = nil, newest: hub_record? = nil
    ) {
        self.symbol = symbol
        self.instrumentType = instrumentType
        self.currency = currency
        self.tickSize = tickSize
        self.calendar = calendar
        self.pipeline = pipeline
        self.source = source
        self.trade = trade
        self.tick = tick
        self.quote = quote
        self.day = day
        self.previousClose = previousClose
        self.newest = newest
    }

    /// Whether the newest input was simulated.
    public var isSimulated: Bool { (newest?.flags ?? 0) & UInt16(HUB_FLAG_SIMULATED) != 0 }
}

/// Sums and extremes of one trading day.
public struct TradingDaySummary: Sendable, Hashable {
    /// Session date, days since 1970-01-01.
    public var number: Int
    public var open: Double
    public var high: Double
    public var low: Double
    /// The newest price.
    public var close: Double
    public var volume: Double
    /// Sum of price × size.
    public var notional: Double
    public var count: UInt64
}

/// One instrument, as lists show it.
public struct InstrumentSummary: Sendable {
    public var symbol: String
    /// Dense, in the order of their first definition.
    public var index: Int
    public var pipeline: String?
    public var calendar: String
    public var instrumentType: UInt8
    public var currency: String
    public var tickSize: Double
    public var lotSize: Double
    /// Kinds there was a record of, bits `1 << kind`.
    public var kinds: UInt32
    /// Intervals in seconds there was a bar of, ascending.
    public var intervals: [UInt32]
    /// Numbers of the value definitions there was a value of.
    public var valueDefinitions: [UInt32]
    /// `HUB_STATE_…` of the subscription upstream; 0 = not told.
    public var subscription: UInt8
    /// Name of the source that serves it; `nil`: none.
    public var activeSource: String?
}

extension Fold {
    /// The newest state of an instrument; `nil` for one that was never defined.
    public func lastValue(of symbol: String) -> LastValue? {
        guard let index = core.pointee.instrumentIndex[symbol] else { return nil }
        return lastValue(at: Int(index))
    }

    /// As `lastValue(of:)`, by dense index below `instrumentCount`.
    public func lastValue(at index: Int) -> LastValue {
        let instrument = core.pointee.instruments[index]
        let definition = definition(of: index)
        func newest<Body>(_ kind: Int, _ body: Body.Type) -> Body? {
            instrument.slots[kind].record.map { UnsafeRawPointer($0).loadUnaligned(as: Body.self) }
        }
        let trade = newest(HUB_TRADE, hub_trade.self)
        let tick = newest(HUB_TICK, hub_tick.self)
        let quote = newest(HUB_QUOTE, hub_quote.self)
        let heads = [trade?.head, tick?.head, quote?.head].compactMap { $0 }
        let newestHead = heads.max { $0.seq < $1.seq }
        var source = instrument.active >= 0 ? core.pointee.sourceNames[Int(instrument.active)] : "hub"
        if let head = newestHead, let name = core.pointee.definitions.sourceName(ofStream: head.stream) {
            source = name
        }
        let today = instrument.today
        let day = TradingDaySummary(
            number: today.number, open: today.open, high: today.high, low: today.low, close: today.close,
            volume: ExactAmount.double(units: today.volume), notional: ExactAmount.double(product: today.notional),
            count: today.count)
        return LastValue(
            symbol: core.pointee.symbols[index], instrumentType: definition?.instrumentType ?? 0,
            currency: definition?.currency ?? "", tickSize: definition?.tickSize ?? .nan,
            calendar: core.pointee.calendars[Int(instrument.calendar)].name, pipeline: pipelineName(instrument),
            source: source, trade: trade, tick: tick, quote: quote, day: today.count > 0 ? day : nil,
            previousClose: instrument.previousClose.isNaN ? nil : instrument.previousClose, newest: newestHead)
    }

    /// How many instruments there are.
    public var instrumentCount: Int { core.pointee.instruments.count }

    /// All symbols, by dense index.
    public var symbols: [String] { core.pointee.symbols }

    /// The dense index of an instrument.
    public func instrumentIndex(of symbol: String) -> Int? { core.pointee.instrumentIndex[symbol].map(Int.init) }

    /// What there is of an instrument; `nil` for one that was never defined.
    public func instrument(_ symbol: String) -> InstrumentSummary? {
        instrumentIndex(of: symbol).map(instrument(at:))
    }

    /// All instruments, by dense index.
    public var instruments: [InstrumentSummary] { (0..<instrumentCount).map(instrument(at:)) }

    /// What there is of the instrument with that index.
    public func instrument(at index: Int) -> InstrumentSummary {
        let instrument = core.pointee.instruments[index]
        let definition = definition(of: index)
        var kinds: UInt32 = 0
        for kind in 1..<Instrument.slotCount where instrument.slots[kind].record != nil { kinds |= 1 << UInt32(kind) }
        var intervals: [UInt32] = []
        var values: [UInt32] = []
        for number in 0..<Int(instrument.seriesCount) {
            let series = core.pointee.series[Int(instrument.seriesBase) + number]
            if series.hasNewest { intervals.append(series.interval) }
        }
        for number in 0..<Int(instrument.extraCount) {
            guard let extra = instrument.extras?[number] else { continue }
            if Int(extra.kind) == HUB_BAR { intervals.append(extra.key) } else { values.append(extra.key) }
        }
        if !intervals.isEmpty { kinds |= 1 << UInt32(HUB_BAR) }
        if !values.isEmpty { kinds |= 1 << UInt32(HUB_VALUE) }
        return InstrumentSummary(
            symbol: core.pointee.symbols[index], index: index, pipeline: pipelineName(instrument),
            calendar: core.pointee.calendars[Int(instrument.calendar)].name,
            instrumentType: definition?.instrumentType ?? 0, currency: definition?.currency ?? "",
            tickSize: definition?.tickSize ?? .nan, lotSize: definition?.lotSize ?? .nan, kinds: kinds,
            intervals: intervals.sorted(), valueDefinitions: values.sorted(), subscription: instrument.subscription,
            activeSource: instrument.active >= 0 ? core.pointee.sourceNames[Int(instrument.active)] : nil)
    }

    /// The calendar of an instrument.
    public func calendar(of symbol: String) -> TradingCalendar? {
        core.pointee.instrumentIndex[symbol].map {
            core.pointee.calendars[Int(core.pointee.instruments[Int($0)].calendar)]
        }
    }

    /// The open bar as a view: state *forming*, no `seq`. `nil` where there is none.
    public func formingBar(of symbol: String, interval: UInt32) -> hub_bar? {
        guard let index = core.pointee.instrumentIndex[symbol] else { return nil }
        let instrument = core.pointee.instruments.base + Int(index)
        guard let series = core.pointee.ownSeries(of: instrument, interval: interval), series.pointee.isForming else {
            return nil
        }
        var bar = series.pointee.forming.record(interval: interval, state: HUB_BAR_FORMING)
        bar.head.ts_recv = core.pointee.lastReceived
        return bar
    }

    /// The newest bar of an interval, as journaled; a revised older one does not displace it.
    public func newestBar(of symbol: String, interval: UInt32) -> hub_bar? {
        guard let index = core.pointee.instrumentIndex[symbol] else { return nil }
        let instrument = core.pointee.instruments.base + Int(index)
        if let series = core.pointee.ownSeries(of: instrument, interval: interval) {
            return series.pointee.hasNewest ? series.pointee.newest : nil
        }
        for number in 0..<Int(instrument.pointee.extraCount) {
            guard let extra = instrument.pointee.extras?[number], Int(extra.kind) == HUB_BAR, extra.key == interval
            else { continue }
            return extra.slot.record.map { UnsafeRawPointer($0).loadUnaligned(as: hub_bar.self) }
        }
        return nil
    }

    /// The newest record of each kind, interval and definition of an instrument, one after another as journaled, in
    /// the order of their `seq`: what a snapshot shows.
    ///
    /// - Parameter isWanted: is asked for each; reads the record in place.
    public func newestRecords(
        of symbol: String, where isWanted: (UnsafePointer<hub_record>) -> Bool = { _ in true }
    ) -> [UInt8] {
        guard let index = core.pointee.instrumentIndex[symbol] else { return [] }
        let instrument = core.pointee.instruments[Int(index)]
        var found: [(seq: UInt64, bytes: [UInt8])] = []
        func take(_ record: UnsafePointer<hub_record>?) {
            guard let record, isWanted(record) else { return }
            let bytes = UnsafeRawBufferPointer(start: record, count: Int(record.pointee.lines) * Int(HUB_LINE))
            found.append((record.pointee.seq, Array(bytes)))
        }
        for kind in 1..<Instrument.slotCount { take(instrument.slots[kind].record) }
        for number in 0..<Int(instrument.extraCount) { take(instrument.extras?[number].slot.record) }
        for number in 0..<Int(instrument.seriesCount) {
            let series = core.pointee.series.base + Int(instrument.seriesBase) + number
            guard series.pointee.hasNewest else { continue }
            let offset = MemoryLayout<Series>.offset(of: \Series.newest) ?? 0
            take((UnsafeRawPointer(series) + offset).assumingMemoryBound(to: hub_record.self))
        }
        found.sort { $0.seq < $1.seq }
        return found.flatMap(\.bytes)
    }

    /// The newest `status` record of each venue that had one.
    public var venueStatusRecords: [(venue: String, bytes: [UInt8])] { core.pointee.venueStatus }

    private func definition(of index: Int) -> StreamDefinition? {
        let symbol = core.pointee.symbols[index]
        let active = core.pointee.instruments[index].active
        let source = active >= 0 ? core.pointee.sourceNames[Int(active)] : ""
        if let id = streamID(symbol: symbol, source: source) { return core.pointee.definitions.stream(id) }
        for id in 1..<max(1, core.pointee.streams.count)
        where core.pointee.streams[id].instrument == Int32(index) {
            return core.pointee.definitions.stream(UInt32(id))
        }
        return nil
    }

    private func pipelineName(_ instrument: Instrument) -> String? {
        instrument.pipeline >= 0 ? core.pointee.plan.pipelines[Int(instrument.pipeline)].name : nil
    }
}
