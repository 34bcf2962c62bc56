internal import EventFormat
internal import HubModel
internal import PluginABI

/// The state of the fold, in memory of its own.
///
/// `Fold` holds it behind a pointer, so that its methods touch it without exclusivity checks. The tables hold plain
/// bytes; names and definitions, which only definitions and readers touch, are Swift values beside them.
///
/// Methods that run for each record are `mutating` even where they change nothing: the compiler hands a borrowed
/// value behind a pointer over as a copy of all its fields, an exclusive one as the pointer.
struct FoldCore: ~Copyable {
    /// A time further ahead of its receive time than this is not believed.
    static let believedAheadNanoseconds: Int64 = 5_000_000_000
    /// Times beyond this (146 years around 1970) overflow when days are counted.
    static let countableNanoseconds: UInt64 = 1 << 62
    /// Kinds that `pipelines.*.kinds` can leave out.
    static let selectableKinds: UInt32 =
        1 << UInt32(HUB_TRADE) | 1 << UInt32(HUB_QUOTE) | 1 << UInt32(HUB_TICK) | 1 << UInt32(HUB_BOOK)
        | 1 << UInt32(HUB_GREEKS) | 1 << UInt32(HUB_STATUS)

    let plan: FoldPlan
    var calendars: [TradingCalendar] = TradingCalendar.all

    // Plain tables. Streams are indexed by their id; entry 0 is the hub itself.
    var streams = Table<Stream>(capacity: 256)
    var sources = Table<Source>()
    /// Newest times by stream × kind, and newest volumes by stream.
    var arrivals = Table<Arrival>(capacity: 256 * Arrival.kinds)
    var volumes = Table<VolumeMark>(capacity: 256)
    var instruments = Table<Instrument>(capacity: 64)
    var series = Table<Series>(capacity: 256)
    /// Active source of each pipeline.
    var active = Table<Int32>()
    /// Kinds taken, by pipeline × planned sources; 0: the pipeline does not list it.
    var masks = Table<UInt32>()
    let maskStride: Int
    private var hasMarketCentres = false
    var scratch = Table<UInt64>(capacity: 64)

    // Names, by index.
    var sourceNames: [String] = []
    var sourceReasons: [String] = []
    var symbols: [String] = []
    var definitions = DefinitionTable()
    // Only looked up, never walked through.
    var sourceIndex: [String: Int32] = [:]
    var instrumentIndex: [String: Int32] = [:]
    var streamIndex: [String: UInt32] = [:]
    var pipelineOfSymbol: [String: Int32] = [:]

    var gaps: [GapState] = []
    var venueStatus: [(venue: String, bytes: [UInt8])] = []
    var configurationDigest: [UInt8] = []

    /// The newest record applied: its `seq`, its receive time, how many records it caused.
    var seq: UInt64 = 0
    var lastReceived = Int64.min
    var caused: UInt64 = 0
    /// Time of the newest clock, and its `seq`.
    var clock: Int64 = 0
    var clockSeq: UInt64 = 0
    var openHistories = 0
    var counters = FoldCounters()
    /// Who is asked for bars that are not remembered, and what was answered. Neither is state.
    var recall: Recall?
    var windows: [UInt64: RecallWindow] = [:]

    init(plan: FoldPlan) {
        self.plan = plan
        maskStride = max(1, plan.sources.count)
        addStream()
        for source in plan.sources {
            _ = FoldCore.add(source.name, &sourceIndex, &sourceNames, &sourceReasons, &sources)
        }
        for source in plan.sources {
            guard let index = sourceIndex[source.name] else { continue }
            sources[Int(index)].isPlanned = true
            sources[Int(index)].isRecorded = source.recorded
            sources[Int(index)].isSimulated = source.simulated
            sources[Int(index)].finalizeAfter = source.finalizeAfterNanoseconds
        }
        for (number, pipeline) in plan.pipelines.enumerated() {
            for symbol in pipeline.instruments where pipelineOfSymbol[symbol.text] == nil {
                pipelineOfSymbol[symbol.text] = Int32(number)
            }
            for _ in 0..<maskStride { masks.append(0) }
            for (place, name) in pipeline.sources.enumerated() {
                guard let index = sourceIndex[name] else { continue }
                let kinds = place < pipeline.kindsBySource.count ? pipeline.kindsBySource[place] : 0
                let mask = kinds == 0 ? UInt32.max : kinds | ~FoldCore.selectableKinds
                masks[number * maskStride + Int(index)] = mask
            }
            active.append(pipeline.sources.first.flatMap { sourceIndex[$0] } ?? -1)
        }
    }

    deinit {
        for index in 0..<instruments.count { instruments.base[index].free() }
        for index in 0..<series.count { series.base[index].free() }
        for index in 0..<sources.count { sources.base[index].free() }
    }

    private static func add(
        _ name: String, _ index: inout [String: Int32], _ names: inout [String], _ reasons: inout [String],
        _ table: inout Table<Source>
    ) -> Int32 {
        if let known = index[name] { return known }
        let number = Int32(table.count)
        index[name] = number
        names.append(name)
        reasons.append("")
        table.append(Source())
        return number
    }

    /// The index of a source, new if the name is.
    mutating func source(named name: String) -> Int32 {
        FoldCore.add(name, &sourceIndex, &sourceNames, &sourceReasons, &sources)
    }

    /// Kinds that a pipeline takes from a source; 0: the pipeline does not list it.
    @inline(__always)
    func mask(pipeline: Int32, source: Int32) -> UInt32 {
        source < 0 || Int(source) >= maskStride ? 0 : masks[Int(pipeline) * maskStride + Int(source)]
    }

    private mutating func addStream() {
        streams.append(Stream())
        volumes.append(VolumeMark())
        for _ in 0..<Arrival.kinds { arrivals.append(Arrival()) }
    }

    // MARK: Definitions

    /// Takes in a `define` record.
    mutating func define(_ record: UnsafePointer<hub_record>) {
        guard definitions.learn(record) else { return }
        guard let stream = StreamDefinition(record), definitions.stream(stream.id) != nil else { return }
        place(stream)
    }

    /// Gives a stream its source and instrument.
    mutating func place(_ definition: StreamDefinition) {
        let id = Int(definition.id)
        while streams.count <= id { addStream() }
        let source = self.source(named: definition.source)
        streams[id].source = source
        streams[id].isSimulated = definition.simulated
        streams[id].barStream = definition.id
        streamIndex[FoldCore.key(definition.symbol, definition.source, definition.marketCentre)] = definition.id
        guard !definition.symbol.isEmpty else {
            sources[Int(source)].stream = definition.id
            return
        }
        let instrument = self.instrument(symbol: definition.symbol, calendar: definition.calendar)
        streams[id].instrument = instrument
        if !definition.marketCentre.isEmpty {
            hasMarketCentres = true
            streams[id].barStream =
                streamIndex[FoldCore.key(definition.symbol, definition.source, "")] ?? definition.id
        } else if hasMarketCentres {
            // The stream of the symbol's own venue may be defined after one of a market centre.
            for other in 1..<streams.count
            where streams[other].instrument == instrument && streams[other].source == source {
                streams[other].barStream = definition.id
            }
        }
    }

    static func key(_ symbol: String, _ source: String, _ marketCentre: String) -> String {
        "\(symbol)\n\(source)\n\(marketCentre)"
    }

    /// The index of an instrument, new if the symbol is.
    ///
    /// - Parameter calendar: of its first definition; empty: as its venue has it.
    mutating func instrument(symbol: String, calendar: String) -> Int32 {
        if let known = instrumentIndex[symbol] { return known }
        let number = Int32(instruments.count)
        var instrument = Instrument()
        instrument.calendar = self.calendar(venue: String(symbol.prefix { $0 != ":" }), named: calendar)
        instrument.pipeline = pipeline(of: symbol)
        instrument.seriesBase = Int32(series.count)
        if instrument.pipeline >= 0 {
            let pipeline = plan.pipelines[Int(instrument.pipeline)]
            instrument.active = active[Int(instrument.pipeline)]
            instrument.price = pipeline.price
            instrument.checks = pipeline.quality.checks
            instrument.spikeBand = pipeline.quality.spikeBand
            var intervals = pipeline.bars.sorted()
            intervals = intervals.enumerated().filter { $0 == 0 || intervals[$0 - 1] != $1 }.map(\.element)
            for interval in intervals { series.append(Series(interval: interval.rawValue, instrument: number)) }
            instrument.seriesCount = Int32(intervals.count)
        }
        instruments.append(instrument)
        symbols.append(symbol)
        instrumentIndex[symbol] = number
        return number
    }

    private func pipeline(of symbol: String) -> Int32 {
        if let named = pipelineOfSymbol[symbol] { return named }
        let found =
            plan.pipelines.firstIndex { pipeline in pipeline.patterns.contains { $0.matches(symbol) } }
            ?? plan.pipelines.firstIndex { pipeline in
                pipeline.onDemand.contains { $0.matches(symbol) } && !pipeline.exclude.contains { $0.matches(symbol) }
            }
        return found.map(Int32.init) ?? -1
    }

    /// The configuration's word for a venue wins, then the definition's, then what is bundled for the venue.
    private func calendar(venue: String, named name: String) -> Int32 {
        let calendar: TradingCalendar
        if let configured = plan.calendars[venue], let found = TradingCalendar.named(configured) {
            calendar = found
        } else {
            calendar = TradingCalendar.named(name) ?? TradingCalendar.forVenue(venue)
        }
        return Int32(calendars.firstIndex { $0.name == calendar.name } ?? 0)
    }
}
