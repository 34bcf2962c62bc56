internal import EventFormat
internal import PluginABI

extension FoldCore {
    /// Closed gaps that are still remembered, so that a later backfill may replace what they touched.
    static let closedGapsKept = 64

    mutating func applyControl(_ record: UnsafePointer<hub_record>, _ out: any DerivedOutput) {
        let raw = UnsafeRawPointer(record)
        let control = raw.assumingMemoryBound(to: hub_control.self)
        let id = Int(record.pointee.stream)
        let source = id < streams.count ? streams[id].source : -1
        switch Int(control.pointee.what) {
        case HUB_CONTROL_CLOCK: applyClock(record, out)
        case HUB_CONTROL_END:
            if record.pointee.flags & UInt16(HUB_FLAG_FETCHED) != 0 {
                // Not the source has ended, but what was fetched: the bars it changed come out.
                closeIdleHistories(since: .max, of: nil, out)
            } else if source >= 0 {
                applyEnd(of: source, out)
            }
        case HUB_CONTROL_FAILOVER: applyFailover(control, out)
        case HUB_CONTROL_SOURCE:
            guard source >= 0 else { return }
            sources[Int(source)].state = control.pointee.state
            sources[Int(source)].previousState = control.pointee.previous
            sources[Int(source)].since = record.pointee.ts_event
            sourceReasons[Int(source)] = RecordText.read(record, after: 48, count: 4)[3]
        case HUB_CONTROL_SUBSCRIPTION:
            guard source >= 0, streams[id].instrument >= 0 else { return }
            instruments[Int(streams[id].instrument)].subscription = control.pointee.state
        case HUB_CONTROL_POSITION:
            guard source >= 0 else { return }
            let at = sources.base + Int(source)
            at.pointee.hasPosition = true
            at.pointee.position = (raw + 40).loadUnaligned(as: (UInt64, UInt64, UInt64).self)
            at.pointee.positionSeq = record.pointee.seq
            forgetSent(at)
        case HUB_CONTROL_CONFIGURATION:
            if source >= 0 {
                let at = sources.base + Int(source)
                let digest = (raw + 40).loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self)
                if !at.pointee.hasDigest || at.pointee.digest != digest {
                    // Other settings start anew: where the source was before means nothing to it now.
                    at.pointee.hasPosition = false
                    at.pointee.positionSeq = 0
                    at.pointee.position = (0, 0, 0)
                    forgetSent(at)
                }
                at.pointee.hasDigest = true
                at.pointee.digest = digest
            } else {
                configurationDigest = Array(UnsafeRawBufferPointer(start: raw + 40, count: 32))
            }
        default: break
        }
    }

    /// Nothing of what a source sent so far will come again.
    private mutating func forgetSent(_ source: UnsafeMutablePointer<Source>) {
        source.pointee.sincePosition = 0
        source.pointee.skipped = 0
        source.pointee.bars.removeAll()
        source.pointee.duplicates = 0
        source.pointee.duplicateBars = 0
        source.pointee.duplicateBarsEnd = 0
    }

    /// The clock moves the watermarks of all live sources.
    private mutating func applyClock(_ record: UnsafePointer<hub_record>, _ out: any DerivedOutput) {
        let previous = clockSeq
        clock = max(clock, record.pointee.ts_event)
        clockSeq = record.pointee.seq
        scratch.removeAll()
        for index in 0..<sources.count where !sources[index].isRecorded && sources[index].isPlanned {
            let source = sources.base + index
            let (time, overflow) = clock.subtractingReportingOverflow(source.pointee.finalizeAfter)
            if !overflow, time > source.pointee.watermark { source.pointee.watermark = time }
            collectDue(of: source, through: source.pointee.watermark)
        }
        closeCollected(out)
        closeIdleHistories(since: previous, of: nil, out)
    }

    /// A recorded source has ended: whatever it left open closes.
    private mutating func applyEnd(of source: Int32, _ out: any DerivedOutput) {
        scratch.removeAll()
        for index in 0..<series.count where series[index].isForming && series[index].source == source {
            scratch.append(FoldCore.order(series[index].interval, Int32(index)))
        }
        closeCollected(out)
        closeIdleHistories(since: .max, of: source, out)
    }

    /// Another source serves a pipeline, or with an instrument's stream that instrument alone.
    private mutating func applyFailover(_ control: UnsafePointer<hub_control>, _ out: any DerivedOutput) {
        let record = UnsafeRawPointer(control).assumingMemoryBound(to: hub_record.self)
        let texts = RecordText.read(record, after: 48, count: 4)
        guard let number = plan.pipelines.firstIndex(where: { $0.name == texts[0] }) else { return }
        let to = sourceIndex[texts[2]] ?? -1
        // Nobody may serve a pipeline, but no one it does not list.
        guard to >= 0 ? mask(pipeline: Int32(number), source: to) != 0 : texts[2].isEmpty else { return }
        if to >= 0 {
            let source = sources.base + Int(to)
            source.pointee.sincePosition &+= UInt64(control.pointee.skipped)
            source.pointee.skipped = 0
        }
        let id = Int(record.pointee.stream)
        let only = id < streams.count ? streams[id].instrument : -1
        if only < 0 { active[number] = to }
        var isAnew = false
        for index in 0..<instruments.count {
            let instrument = instruments.base + index
            guard instrument.pointee.pipeline == Int32(number) else { continue }
            if only >= 0 {
                guard only == Int32(index) else { continue }
                instrument.pointee.assigned = to == active[number] ? -1 : to
            }
            let serves = instrument.pointee.assigned >= 0 ? instrument.pointee.assigned : active[number]
            guard serves != instrument.pointee.active else { continue }
            instrument.pointee.active = serves
            guard serves >= 0 else { continue }
            instrument.pointee.isHandedOver = true
            isAnew = true
            // What the old source left open is closed by the new one's time: the old one's may stand still.
            for open in 0..<Int(instrument.pointee.seriesCount) {
                let at = series.base + Int(instrument.pointee.seriesBase) + open
                if at.pointee.isForming { rehome(at, to: serves) }
            }
        }
        if isAnew { forgetVolumes(of: to, pipeline: Int32(number), only: only) }
        scratch.removeAll()
        if to >= 0 { collectDue(of: sources.base + Int(to), through: sources[Int(to)].watermark) }
        closeCollected(out)
    }

    /// What a source's ticks count from when it takes over: its own next one. What was traded while another served is in
    /// that one's bars, and vendors do not count alike.
    private mutating func forgetVolumes(of source: Int32, pipeline: Int32, only: Int32) {
        for id in 0..<streams.count where streams[id].source == source && streams[id].instrument >= 0 {
            let number = streams[id].instrument
            guard only < 0 || number == only, instruments[Int(number)].pipeline == pipeline,
                instruments[Int(number)].active == source
            else { continue }
            streams[id].tickDay = DayState.none
        }
    }

    // MARK: Gaps

    mutating func applyGap(_ record: UnsafePointer<hub_record>) {
        let gap = UnsafeRawPointer(record).assumingMemoryBound(to: hub_gap.self)
        let id = Int(record.pointee.stream)
        let source = id < streams.count && streams[id].source >= 0 ? sourceNames[Int(streams[id].source)] : "hub"
        let symbols = RecordText.read(record, after: 64, count: 1)[0].split(separator: "\n").map(String.init)
        let opened = gap.pointee.opened_by == 0 ? record.pointee.seq : gap.pointee.opened_by
        let state = GapState(
            id: opened, source: source, reason: gap.pointee.reason, repair: gap.pointee.repair,
            kinds: gap.pointee.types, symbols: symbols, from: gap.pointee.from, to: gap.pointee.to,
            isOpen: Int(gap.pointee.state) == HUB_GAP_OPEN)
        if let known = gaps.firstIndex(where: { $0.id == opened }) {
            gaps[known] = state
        } else {
            gaps.append(state)
        }
        let closed = gaps.reduce(0) { $0 + ($1.isOpen ? 0 : 1) }
        if closed > FoldCore.closedGapsKept, let oldest = gaps.firstIndex(where: { !$0.isOpen }) {
            gaps.remove(at: oldest)
        }
    }

    // MARK: Trading state of venues

    /// Keeps the newest trading state of a venue, which has no instrument.
    mutating func rememberVenueStatus(_ record: UnsafePointer<hub_record>) {
        let venue = RecordText.read(record, after: 64, count: 2)[0]
        let bytes = Array(UnsafeRawBufferPointer(start: record, count: Int(record.pointee.lines) * Int(HUB_LINE)))
        if let known = venueStatus.firstIndex(where: { $0.venue == venue }) {
            venueStatus[known].bytes = bytes
        } else {
            venueStatus.append((venue, bytes))
        }
    }
}
