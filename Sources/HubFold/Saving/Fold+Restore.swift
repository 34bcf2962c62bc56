internal import EventFormat
internal import HubModel
internal import PluginABI

extension Fold {
    /// The state that `save` wrote.
    ///
    /// The plan may be another one: sources, pipelines and instruments are found again by name, intervals that are no
    /// longer made are forgotten, and a pipeline whose active source it no longer lists is served by its first.
    ///
    /// - Throws: `FoldStateError` for bytes that are no saved state, of another version, or damaged.
    public convenience init(plan: FoldPlan, restoring state: [UInt8]) throws(FoldStateError) {
        guard state.count >= 16 else { throw .notAFold }
        var head = StateReader(state, from: 0, to: 8)
        guard try head.get(UInt32.self) == Fold.stateMagic else { throw .notAFold }
        let version = try head.get(UInt32.self)
        guard (1...Fold.stateVersion).contains(version) else {
            throw .version(found: version, expected: Fold.stateVersion)
        }
        let end = state.count - 8
        var tail = StateReader(state, from: end, to: state.count)
        guard try tail.get(UInt64.self) == StateChecksum.of(state, through: end) else { throw .damaged(at: end) }
        var restorer = Restorer(reader: StateReader(state, from: 8, to: end, version: version))
        // The core is owned from here on, so that its memory is freed when the bytes turn out to be damaged.
        self.init(plan: plan)
        try restorer.restore(into: core)
    }
}

private struct Restorer {
    var reader: StateReader
    /// Index of a source in the saved state → in the new one.
    var sources: [Int32] = []

    init(reader: StateReader) { self.reader = reader }

    mutating func restore(into core: UnsafeMutablePointer<FoldCore>) throws(FoldStateError) {
        try head(core)
        let streams = try definitions(core)
        try sources(core)
        try instruments(core)
        // Instruments have their saved order now; placing the streams finds them.
        for (definition, state, order) in streams {
            core.pointee.place(definition)
            for kind in 0..<order.arrivals.count {
                core.pointee.arrivals[Int(definition.id) * Arrival.kinds + kind] = order.arrivals[kind]
            }
            core.pointee.volumes[Int(definition.id)] = order.volume
            let at = core.pointee.streams.base + Int(definition.id)
            at.pointee.givesTrades = state.givesTrades
            at.pointee.tickDay = state.tickDay
            at.pointee.tickVolume = state.tickVolume
            if state.givesTrades, at.pointee.instrument >= 0 {
                core.pointee.instruments.base[Int(at.pointee.instrument)].givesTrades = true
            }
        }
        try rest(core)
        guard reader.isAtEnd else { throw reader.damage() }
        rebuild(core)
    }

    private mutating func head(_ core: UnsafeMutablePointer<FoldCore>) throws(FoldStateError) {
        core.pointee.seq = try reader.get()
        core.pointee.caused = try reader.get()
        core.pointee.lastReceived = try reader.get()
        core.pointee.clock = try reader.get()
        core.pointee.clockSeq = try reader.get()
        core.pointee.counters.taken = try reader.get()
        core.pointee.counters.late = try reader.get()
        core.pointee.counters.lateWithoutRevision = try reader.get()
        core.pointee.counters.suspect = try reader.get()
        core.pointee.counters.barsClosed = try reader.get()
        core.pointee.counters.barsRevised = try reader.get()
        core.pointee.counters.correctionsUnknown = try reader.get()
    }

    /// What records of a stream are compared with; nothing in a state that was written before there was such.
    private struct Order {
        var arrivals: [Arrival] = []
        var volume = VolumeMark()
    }

    private mutating func order() throws(FoldStateError) -> Order {
        var order = Order()
        guard reader.version >= 3 else { return order }
        for _ in 0..<Arrival.kinds {
            order.arrivals.append(Arrival(newest: try reader.get(), behind: try reader.get()))
        }
        order.volume = VolumeMark(day: try reader.get(), volume: try reader.double(), below: try reader.get())
        return order
    }

    private mutating func quality(_ at: UnsafeMutablePointer<Instrument>) throws(FoldStateError) {
        guard reader.version >= 3 else { return }
        at.pointee.prices = PriceReference(last: try reader.double(), doubted: try reader.double())
        at.pointee.middles = PriceReference(last: try reader.double(), doubted: try reader.double())
        for _ in 0..<(try reader.count(elementBytes: 16)) {
            at.pointee.prints.insert(Prints.Print(signature: try reader.get(), seq: try reader.get()))
        }
    }

    private mutating func definitions(
        _ core: UnsafeMutablePointer<FoldCore>
    ) throws(FoldStateError) -> [(StreamDefinition, Stream, Order)] {
        var streams: [(StreamDefinition, Stream, Order)] = []
        for _ in 0..<(try reader.count(elementBytes: 50)) {
            let id = try reader.get(UInt32.self)
            var texts: [String] = []
            for _ in 0..<5 { texts.append(try reader.text()) }
            let definition = StreamDefinition(
                id: id, symbol: texts[0], source: texts[1], marketCentre: texts[2], instrumentType: try reader.get(),
                currency: texts[3], calendar: texts[4], tickSize: try reader.double(), lotSize: try reader.double(),
                simulated: try reader.bool())
            var state = Stream()
            state.givesTrades = try reader.bool()
            state.tickDay = try reader.get()
            state.tickVolume = try reader.get()
            let order = try order()
            core.pointee.definitions.learn(definition)
            guard core.pointee.definitions.stream(id) != nil else { throw reader.damage() }
            streams.append((definition, state, order))
        }
        for _ in 0..<(try reader.count(elementBytes: 16)) {
            var value = ValueDefinition(
                id: try reader.get(), name: try reader.text(), interval: try reader.get(), outputs: [])
            for _ in 0..<(try reader.count(elementBytes: 4)) { value.outputs.append(try reader.text()) }
            core.pointee.definitions.learn(value)
        }
        return streams
    }

    private mutating func sources(_ core: UnsafeMutablePointer<FoldCore>) throws(FoldStateError) {
        for _ in 0..<(try reader.count(elementBytes: 100)) {
            let index = core.pointee.source(named: try reader.text())
            sources.append(index)
            core.pointee.sourceReasons[Int(index)] = try reader.text()
            let at = core.pointee.sources.base + Int(index)
            at.pointee.state = try reader.get()
            at.pointee.previousState = try reader.get()
            at.pointee.since = try reader.get()
            at.pointee.watermark = try reader.get()
            at.pointee.lastSeq = try reader.get()
            at.pointee.lastEvent = try reader.get()
            at.pointee.lastReceived = try reader.get()
            if reader.version >= 3 {
                at.pointee.messageSeq = try reader.get()
                at.pointee.messageIsOver = try reader.bool()
            }
            at.pointee.taken = try reader.get()
            at.pointee.sincePosition = try reader.get()
            for _ in 0..<(try reader.count(elementBytes: 16)) {
                at.pointee.bars.insert(
                    AcceptedBars.Key(start: try reader.get(), stream: try reader.get(), interval: try reader.get()))
            }
            at.pointee.hasPosition = try reader.bool()
            at.pointee.positionSeq = try reader.get()
            at.pointee.position = try fixed()
            at.pointee.hasDigest = try reader.bool()
            at.pointee.digest = try fixed()
        }
        for _ in 0..<(try reader.count(elementBytes: 8)) {
            let name = try reader.text()
            let serves = try source(try reader.get())
            guard let number = core.pointee.plan.pipelines.firstIndex(where: { $0.name == name }) else { continue }
            let isListed = core.pointee.mask(pipeline: Int32(number), source: serves) != 0
            if serves < 0 || isListed { core.pointee.active[number] = serves }
        }
    }

    /// Bytes of exactly the size of a value made of whole words.
    private mutating func fixed<Value: BitwiseCopyable>() throws(FoldStateError) -> Value {
        let raw = try reader.raw()
        guard raw.count == MemoryLayout<Value>.size else { throw reader.damage() }
        return raw.withUnsafeBytes { $0.loadUnaligned(as: Value.self) }
    }

    private func source(_ saved: Int32) throws(FoldStateError) -> Int32 {
        if saved == -1 { return -1 }
        guard saved >= 0, Int(saved) < sources.count else { throw reader.damage() }
        return sources[Int(saved)]
    }

    private mutating func instruments(_ core: UnsafeMutablePointer<FoldCore>) throws(FoldStateError) {
        for _ in 0..<(try reader.count(elementBytes: 100)) {
            let symbol = try reader.text()
            let calendar = try reader.text()
            let before = core.pointee.instruments.count
            let index = core.pointee.instrument(symbol: symbol, calendar: calendar)
            guard Int(index) == before else { throw reader.damage() }
            let at = core.pointee.instruments.base + Int(index)
            let assigned = try source(try reader.get())
            if at.pointee.pipeline >= 0, assigned >= 0,
                core.pointee.mask(pipeline: at.pointee.pipeline, source: assigned) != 0
            {
                at.pointee.assigned = assigned
                at.pointee.active = assigned
            }
            at.pointee.subscription = try reader.get()
            at.pointee.rollBase = try reader.get()
            at.pointee.providerFrontier = try reader.get()
            at.pointee.lastHistorySeq = try reader.get()
            let day: Int = try reader.get()
            guard day.magnitude < 1 << 20 else { throw reader.damage() }
            at.pointee.today = try reader.day()
            if at.pointee.today.number != DayState.none {
                at.pointee.day = core.pointee.calendars[Int(at.pointee.calendar)].day(day)
            }
            at.pointee.previousClose = try reader.double()
            at.pointee.previousDay = try reader.get()
            if reader.version >= 2 { at.pointee.previousCloseTime = try reader.get() }
            try quality(at)
            for kind in 0..<Instrument.slotCount { try slot(at.pointee.slots + kind) }
            for _ in 0..<(try reader.count(elementBytes: 9)) {
                let extra = at.pointee.extra(kind: try reader.get(), key: try reader.get())
                var held = extra.pointee.slot
                try slot(&held)
                extra.pointee.slot = held
            }
            for _ in 0..<(try reader.count(elementBytes: 44)) {
                let trade = RecentTrade(
                    id: try reader.get(), seq: try reader.get(), time: try reader.get(), price: try reader.double(),
                    size: try reader.double(), source: try source(try reader.get()))
                at.pointee.remember(trade)
            }
            let first = core.pointee.series.base + Int(at.pointee.seriesBase)
            for number in 0..<Int(at.pointee.seriesCount) {
                // An interval that was not made before may have bars of an earlier time, or of a vendor: what is not
                // remembered is looked for.
                first[number].evictedStart = core.pointee.lastReceived
            }
            for _ in 0..<(try reader.count(elementBytes: StateReader.barBytes)) {
                let interval: UInt32 = try reader.get()
                if let series = core.pointee.ownSeries(of: at, interval: interval) {
                    try reader.series(into: &series.pointee)
                    if series.pointee.isForming { series.pointee.source = try source(series.pointee.source) }
                } else {
                    var forgotten = Series(interval: interval, instrument: index)
                    defer { forgotten.free() }
                    try reader.series(into: &forgotten)
                }
            }
        }
    }

    private mutating func slot(_ slot: UnsafeMutablePointer<RecordSlot>) throws(FoldStateError) {
        let raw = try reader.raw()
        guard !raw.isEmpty else { return }
        let lines = raw[raw.startIndex]
        guard lines > 0, raw.count == Int(lines) * Int(HUB_LINE) else { throw reader.damage() }
        // Records are aligned to lines everywhere else; a slice of the saved bytes is not.
        let copy = UnsafeMutableRawPointer.allocate(byteCount: raw.count, alignment: Int(HUB_LINE))
        defer { copy.deallocate() }
        raw.withUnsafeBytes { copy.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: raw.count) }
        slot.pointee.store(UnsafePointer(copy.assumingMemoryBound(to: hub_record.self)))
    }

    private mutating func rest(_ core: UnsafeMutablePointer<FoldCore>) throws(FoldStateError) {
        for _ in 0..<(try reader.count(elementBytes: 30)) {
            let id: UInt64 = try reader.get()
            let source = try reader.text()
            let reason: UInt8 = try reader.get()
            let repair: UInt8 = try reader.get()
            let kinds: UInt32 = try reader.get()
            var symbols: [String] = []
            for _ in 0..<(try reader.count(elementBytes: 4)) { symbols.append(try reader.text()) }
            core.pointee.gaps.append(
                GapState(
                    id: id, source: source, reason: reason, repair: repair, kinds: kinds, symbols: symbols,
                    from: try reader.get(), to: try reader.get(), isOpen: try reader.bool()))
        }
        for _ in 0..<(try reader.count(elementBytes: 8)) {
            let venue = try reader.text()
            core.pointee.venueStatus.append((venue, Array(try reader.raw())))
        }
        core.pointee.configurationDigest = Array(try reader.raw())
    }

    /// What is not saved because it follows: who is due when, and how many bars of history are unfinished.
    private func rebuild(_ core: UnsafeMutablePointer<FoldCore>) {
        for index in 0..<core.pointee.series.count {
            let at = core.pointee.series.base + index
            let instrument = core.pointee.instruments.base + Int(at.pointee.instrument)
            if at.pointee.hasHistory {
                instrument.pointee.hasHistory = true
                core.pointee.openHistories += 1
            }
            guard at.pointee.isForming else { continue }
            if at.pointee.source < 0 { at.pointee.source = instrument.pointee.active }
            guard at.pointee.source >= 0 else { continue }
            core.pointee.sources.base[Int(at.pointee.source)].due.push(
                end: at.pointee.forming.end, series: Int32(index))
        }
    }
}
