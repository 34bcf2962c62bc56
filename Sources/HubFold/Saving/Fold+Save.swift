internal import EventFormat
internal import HubModel
internal import PluginABI

extension Fold {
    static var stateMagic: UInt32 { 0x444c_4f46 }
    static var stateVersion: UInt32 { 3 }

    /// The whole state as bytes, for a checkpoint.
    ///
    /// A fold restored from them makes the same records from the same input. What belongs to the process and not to
    /// the journal is left out: counts of dropped records, and duplicates still to be dropped.
    public func save() -> [UInt8] {
        var writer = StateWriter()
        writer.put(Fold.stateMagic)
        writer.put(Fold.stateVersion)
        saveHead(&writer)
        saveDefinitions(&writer)
        saveSources(&writer)
        saveInstruments(&writer)
        saveRest(&writer)
        writer.put(StateChecksum.of(writer.bytes, through: writer.bytes.count))
        return writer.bytes
    }

    private func saveHead(_ writer: inout StateWriter) {
        writer.put(core.pointee.seq)
        writer.put(core.pointee.caused)
        writer.put(core.pointee.lastReceived)
        writer.put(core.pointee.clock)
        writer.put(core.pointee.clockSeq)
        let counters = core.pointee.counters
        for value in [
            counters.taken, counters.late, counters.lateWithoutRevision, counters.suspect, counters.barsClosed,
            counters.barsRevised, counters.correctionsUnknown,
        ] { writer.put(value) }
    }

    private func saveDefinitions(_ writer: inout StateWriter) {
        let streams = core.pointee.definitions.streams
        writer.put(UInt32(streams.count))
        for stream in streams {
            writer.put(stream.id)
            for text in [stream.symbol, stream.source, stream.marketCentre, stream.currency, stream.calendar] {
                writer.put(text)
            }
            writer.put(stream.instrumentType)
            writer.put(stream.tickSize)
            writer.put(stream.lotSize)
            writer.put(stream.simulated)
            let state = core.pointee.streams[Int(stream.id)]
            writer.put(state.givesTrades)
            writer.put(state.tickDay)
            writer.put(state.tickVolume)
            for kind in 0..<Arrival.kinds {
                let arrival = core.pointee.arrivals[Int(stream.id) * Arrival.kinds + kind]
                writer.put(arrival.newest)
                writer.put(arrival.behind)
            }
            let volume = core.pointee.volumes[Int(stream.id)]
            writer.put(volume.day)
            writer.put(volume.volume)
            writer.put(volume.below)
        }
        let values = core.pointee.definitions.values
        writer.put(UInt32(values.count))
        for value in values {
            writer.put(value.id)
            writer.put(value.name)
            writer.put(value.interval)
            writer.put(UInt32(value.outputs.count))
            for output in value.outputs { writer.put(output) }
        }
    }

    private func saveSources(_ writer: inout StateWriter) {
        writer.put(UInt32(core.pointee.sourceNames.count))
        for (index, name) in core.pointee.sourceNames.enumerated() {
            let source = core.pointee.sources[index]
            writer.put(name)
            writer.put(core.pointee.sourceReasons[index])
            writer.put(source.state)
            writer.put(source.previousState)
            writer.put(source.since)
            writer.put(source.watermark)
            writer.put(source.lastSeq)
            writer.put(source.lastEvent)
            writer.put(source.lastReceived)
            writer.put(source.messageSeq)
            writer.put(source.messageIsOver)
            writer.put(source.taken)
            writer.put(source.sincePosition)
            writer.put(UInt32(source.bars.count))
            for number in 0..<source.bars.count {
                writer.put(source.bars[number].start)
                writer.put(source.bars[number].stream)
                writer.put(source.bars[number].interval)
            }
            writer.put(source.hasPosition)
            writer.put(source.positionSeq)
            withUnsafeBytes(of: source.position) { writer.put(raw: $0) }
            writer.put(source.hasDigest)
            withUnsafeBytes(of: source.digest) { writer.put(raw: $0) }
        }
        writer.put(UInt32(core.pointee.plan.pipelines.count))
        for (number, pipeline) in core.pointee.plan.pipelines.enumerated() {
            writer.put(pipeline.name)
            writer.put(core.pointee.active[number])
        }
    }

    private func saveInstruments(_ writer: inout StateWriter) {
        writer.put(UInt32(core.pointee.instruments.count))
        for index in 0..<core.pointee.instruments.count {
            let instrument = core.pointee.instruments[index]
            writer.put(core.pointee.symbols[index])
            writer.put(core.pointee.calendars[Int(instrument.calendar)].name)
            writer.put(instrument.assigned)
            writer.put(instrument.subscription)
            writer.put(instrument.rollBase)
            writer.put(instrument.providerFrontier)
            writer.put(instrument.lastHistorySeq)
            writer.put(instrument.day.number)
            writer.put(instrument.today)
            writer.put(instrument.previousClose)
            writer.put(instrument.previousDay)
            writer.put(instrument.previousCloseTime)
            for price in [
                instrument.prices.last, instrument.prices.doubted, instrument.middles.last, instrument.middles.doubted,
            ] { writer.put(price) }
            writer.put(UInt32(instrument.prints.count))
            for number in 0..<instrument.prints.count {
                let print = instrument.prints.print(number)
                writer.put(print.signature)
                writer.put(print.seq)
            }
            for kind in 0..<Instrument.slotCount { save(instrument.slots[kind], &writer) }
            writer.put(UInt32(instrument.extraCount))
            for number in 0..<Int(instrument.extraCount) {
                guard let extra = instrument.extras?[number] else { continue }
                writer.put(extra.kind)
                writer.put(extra.key)
                save(extra.slot, &writer)
            }
            writer.put(UInt32(instrument.recentCount))
            for number in 0..<Int(instrument.recentCount) {
                // From the oldest on: the ring begins where the next trade would go.
                let place = (number + Int(instrument.recentNext)) % Int(instrument.recentCount)
                guard let trade = instrument.recent?[place] else { continue }
                writer.put(trade.id)
                writer.put(trade.seq)
                writer.put(trade.time)
                writer.put(trade.price)
                writer.put(trade.size)
                writer.put(trade.source)
            }
            writer.put(UInt32(instrument.seriesCount))
            for number in 0..<Int(instrument.seriesCount) {
                writer.put(core.pointee.series[Int(instrument.seriesBase) + number])
            }
        }
    }

    private func save(_ slot: RecordSlot, _ writer: inout StateWriter) {
        let count = Int(slot.lines) * Int(HUB_LINE)
        writer.put(raw: UnsafeRawBufferPointer(start: slot.record.map(UnsafeRawPointer.init), count: count))
    }

    private func saveRest(_ writer: inout StateWriter) {
        writer.put(UInt32(core.pointee.gaps.count))
        for gap in core.pointee.gaps {
            writer.put(gap.id)
            writer.put(gap.source)
            writer.put(gap.reason)
            writer.put(gap.repair)
            writer.put(gap.kinds)
            writer.put(UInt32(gap.symbols.count))
            for symbol in gap.symbols { writer.put(symbol) }
            writer.put(gap.from)
            writer.put(gap.to)
            writer.put(gap.isOpen)
        }
        writer.put(UInt32(core.pointee.venueStatus.count))
        for status in core.pointee.venueStatus {
            writer.put(status.venue)
            status.bytes.withUnsafeBytes { writer.put(raw: $0) }
        }
        core.pointee.configurationDigest.withUnsafeBytes { writer.put(raw: $0) }
    }
}
