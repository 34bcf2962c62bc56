import HubConfig
import HubFold
import HubModel
import PluginABI

extension Engine {
    public func status() -> EngineStatus {
        var status = EngineStatus()
        lock.withLock {
            status.providers = sources.indices.map { provider($0) }
            status.pipelines = configuration.pipelines.indices.map { pipeline($0) }
        }
        status.sinks = sinkThreads.map { sink($0) }
        status.startedNanoseconds = startedNanoseconds
        status.configurationPath = configuration.path
        status.configurationLoadedNanoseconds = startedNanoseconds
        status.journalBytes = UInt64(max(0, journal.sizeBytes))
        status.storeBytes = UInt64(max(0, store.sizeBytes))
        status.compaction = compaction.status
        status.isSimulated = status.pipelines.contains { $0.isSimulated && $0.from.first != $0.active }
        summarize(&status)
        return status
    }

    /// The hub's own state: the worst of its parts, with the reason.
    private func summarize(_ status: inout EngineStatus) {
        status.state = "ok"
        if let reason = intake.reason {
            status.state = "degraded"
            status.reason = reason
            return
        }
        if let error = status.compaction.error {
            status.state = "degraded"
            status.reason = "the journal cannot be compacted: \(error)"
            return
        }
        for provider in status.providers where !["ok", "closed", "starting", "stopped"].contains(provider.state) {
            status.state = "degraded"
            status.reason = "\(provider.name) is \(provider.state)" + (provider.reason.map { ": \($0)" } ?? "")
            return
        }
        for provider in status.providers {
            guard let stopped = provider.recording?.stopped else { continue }
            status.state = "degraded"
            status.reason = "\(provider.name) is not recorded: \(stopped)"
            return
        }
        for sink in status.sinks where sink.state != "ok" {
            status.state = "degraded"
            status.reason = "\(sink.name): \(sink.reason ?? sink.state)"
            return
        }
    }

    private func provider(_ index: Int) -> EngineStatus.Provider {
        let source = sources[index]
        let health = supervisor.health[index]
        let settings = configuration.provider(source.name)
        var provider = EngineStatus.Provider()
        provider.name = source.name
        provider.plugin = settings?.plugin.id ?? ""
        provider.version = settings?.plugin.version ?? ""
        provider.state = health.state.word
        provider.reason = health.reason
        provider.sinceNanoseconds = health.sinceNanoseconds
        provider.isSimulated = settings?.plugin.traits.contains(.simulated) == true
        provider.instruments = supervisor.plans[index].symbols.count
        provider.events = source.taken
        provider.eventsPerSecond = rates.rate(of: source.name)
        provider.lastEventNanoseconds = source.lastEventNanoseconds
        provider.lagP50Milliseconds = source.lag.percentileMilliseconds(0.5)
        provider.lagP99Milliseconds = source.lag.percentileMilliseconds(0.99)
        provider.errors = providers[index].errors
        provider.rejected = providers[index].rejected
        let summary = sequencer.fold.source(source.name)
        provider.standby = summary?.standby ?? 0
        provider.suspect = summary?.suspects.records ?? 0
        provider.suspectByCheck = summary?.suspects.byCheck ?? []
        provider.metrics = providers[index].context.metrics.all.map { name, value in
            switch value {
            case .count(let count): (name, true, Double(count))
            case .gauge(let value): (name, false, value)
            }
        }
        if let figures = providers[index].context.tap?.status {
            provider.recording = EngineStatus.Recording(
                frames: figures.frames, bytes: figures.bytes, lost: figures.lostFrames, stopped: figures.stopped)
        }
        if let link = providers[index].context.link {
            let counters = link.counters.read()
            provider.connections = max(0, counters.connects - counters.closes)
            provider.reconnects = UInt64(max(0, counters.connects - 1))
            provider.responses = counters.responses
            provider.failedRequests = counters.failures.values.reduce(0, +)
            provider.bytesIn = counters.bytesIn
            provider.bytesOut = counters.bytesOut
            provider.messagesIn = counters.messagesIn
            provider.breaker = counters.breakerState.rawValue
            provider.quota = link.quota(now: hub_now(wall_ns: WallClock.now, mono_ns: MonotonicClock.now))
            provider.logins = loginStates.count(of: source.name)
            if health.state == .authNeeded, providers[index].hasLogin { provider.loginPath = "/auth/\(source.name)" }
        }
        return provider
    }

    private func pipeline(_ index: Int) -> EngineStatus.Pipeline {
        let settings = configuration.pipelines[index]
        var pipeline = EngineStatus.Pipeline()
        pipeline.name = settings.name
        pipeline.from = settings.sources.map(\.provider)
        pipeline.sinceNanoseconds = supervisor.failoverSince[index]
        pipeline.switches = supervisor.switches[index]
        pipeline.instruments = settings.instruments.count
        guard let active = supervisor.activeSource(ofPipeline: index) else {
            pipeline.state = "stopped"
            pipeline.reason = settings.stoppedBecause ?? "no provider is left"
            return pipeline
        }
        pipeline.active = sources[active].name
        pipeline.state = supervisor.health[active].state.word
        pipeline.reason = supervisor.health[active].reason
        pipeline.isSimulated = configuration.provider(sources[active].name)?.plugin.traits.contains(.simulated) == true
        pipeline.events = sources[active].taken
        pipeline.eventsPerSecond = rates.rate(of: sources[active].name)
        pipeline.failedInstruments = supervisor.unserved(pipeline: index)
        return pipeline
    }

    private func sink(_ thread: SinkThread) -> EngineStatus.Sink {
        let facts = thread.status
        let head = journal.head
        var sink = EngineStatus.Sink()
        sink.name = thread.name
        sink.plugin = configuration.sink(thread.name)?.plugin.id ?? ""
        sink.state = facts.error == nil ? "ok" : "reconnecting"
        sink.reason = facts.error
        sink.sinceNanoseconds = facts.sinceNanoseconds
        sink.seq = facts.acknowledged
        sink.behind = head > facts.acknowledged ? head - facts.acknowledged : 0
        if facts.stuckSinceNanoseconds > 0 {
            sink.behindMilliseconds = (WallClock.now - facts.stuckSinceNanoseconds) / 1_000_000
        }
        sink.written = facts.written
        sink.retries = facts.retries
        sink.errors = facts.retries
        return sink
    }
}
