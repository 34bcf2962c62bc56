import EventFormat
import Glibc
import HubModel
import HubRuntime
import HummingbirdCore

/// `/v1/status` and `/metrics`.
extension Routes {
    func addStatus(to table: inout RouteTable) {
        table.get("/v1/status") { call in
            var reader = parameters(call)
            let style = reader.timeStyle()
            try reader.finish()
            var text = TextBuffer(capacity: 8192)
            StatusText(engine: engine, metrics: metrics, style: style, publicURL: settings.publicURL).write(to: &text)
            return Reply.json(text)
        }
        table.get("/metrics") { _ in
            var text = MetricsText()
            text.write(engine: engine, metrics: metrics, perInstrument: settings.metricsPerInstrument)
            return Reply.text(text.buffer, type: "text/plain; version=0.0.4; charset=utf-8")
        }
    }
}

/// The object of `/v1/status`. Names, numbers and states only: never a secret or a setting's value.
struct StatusText {
    let engine: any EngineAccess
    let metrics: ServerMetrics
    let style: TimeStyle
    let publicURL: String

    func write(to text: inout TextBuffer) {
        let status = engine.status()
        text.beginObject()
        text.key("hub")
        writeHub(status, &text)
        text.key("providers")
        text.beginArray()
        for provider in status.providers { write(provider, &text) }
        text.endArray()
        text.key("pipelines")
        text.beginArray()
        for pipeline in status.pipelines { write(pipeline, &text) }
        text.endArray()
        text.key("sinks")
        text.beginArray()
        for sink in status.sinks { write(sink, &text) }
        text.endArray()
        text.key("cache")
        text.beginObject()
        let cache = engine.queries?.figures ?? QueryDesk.Figures()
        text.member("entries", cache.entries)
        text.member("max_entries", engine.configuration.hub.cache.maximumEntries)
        text.member("bytes", cache.bytes)
        text.member("hits", cache.hits)
        text.member("misses", cache.misses)
        text.member("coalesced", cache.coalesced)
        text.member("stale_served", cache.staleServed)
        text.member("expired", cache.expired)
        text.endObject()
        text.key("clients")
        text.beginObject()
        for (kind, count) in metrics.streamsByKind { text.member(kind, count) }
        text.member("slow", metrics.slowStreams.load(ordering: .relaxed))
        text.member("events_per_second", Double(metrics.eventTenthsPerSecond.load(ordering: .relaxed)) / 10)
        text.member("events", metrics.eventsSent.load(ordering: .relaxed))
        text.endObject()
        text.endObject()
    }

    private func writeHub(_ status: EngineStatus, _ text: inout TextBuffer) {
        let journal = engine.journal
        let now = engine.wallNanoseconds
        let earliest = JournalLog(journal: journal, store: engine.store).earliest
        text.beginObject()
        text.member("version", engine.version)
        text.member("state", status.state)
        text.member("reason", ifPresent: status.reason)
        text.member("started", time: status.startedNanoseconds, style: style)
        text.member("uptime_ms", max(0, (now - status.startedNanoseconds) / 1_000_000))
        text.member("time", time: now, style: style)
        text.member("epoch", journal.epoch)
        text.member("head", journal.head)
        text.key("earliest")
        text.beginObject()
        text.member("seq", earliest.seq)
        text.member("time", time: earliest.receivedNanoseconds, style: style)
        text.endObject()
        text.member("durability", engine.configuration.hub.durability.rawValue)
        text.member("simulated", status.isSimulated)
        text.key("config")
        text.beginObject()
        text.member("path", status.configurationPath)
        text.member("loaded", time: status.configurationLoadedNanoseconds, style: style)
        text.endObject()
        text.member("memory_bytes", ProcessMemory.residentBytes())
        text.member("journal_bytes", status.journalBytes)
        text.member("store_bytes", status.storeBytes)
        text.member("compacted_to", status.compaction.position)
        text.endObject()
    }

    private func write(_ provider: EngineStatus.Provider, _ text: inout TextBuffer) {
        text.beginObject()
        text.member("name", provider.name)
        text.member("plugin", provider.plugin)
        text.member("version", provider.version)
        text.member("state", provider.state)
        text.member("reason", ifPresent: provider.reason)
        writeTime("since", provider.sinceNanoseconds, &text)
        text.member("login_url", ifPresent: provider.loginPath.map { publicURL + $0 })
        if provider.logins > 0 { text.member("logins", provider.logins) }
        text.member("simulated", provider.isSimulated)
        text.member("connections", provider.connections)
        text.member("instruments", provider.instruments)
        text.member("events", provider.events)
        text.member("events_per_second", Rounding.round(provider.eventsPerSecond, places: 1))
        writeTime("last_event", provider.lastEventNanoseconds, &text)
        text.key("lag_ms")
        text.beginObject()
        text.member("p50", provider.lagP50Milliseconds)
        text.member("p99", provider.lagP99Milliseconds)
        text.endObject()
        text.member("reconnects", provider.reconnects)
        text.member("errors", provider.errors)
        text.member("rejected", provider.rejected)
        text.member("standby", provider.standby)
        text.member("suspect", provider.suspect)
        text.key("quota")
        text.beginArray()
        for quota in provider.quota {
            text.beginObject()
            text.member("name", quota.name)
            text.member("used", quota.used)
            text.member("limit", quota.limit)
            text.member("window_ms", quota.windowNanoseconds / 1_000_000)
            text.member("resets", time: quota.resetsNanoseconds, style: style)
            text.endObject()
        }
        text.endArray()
        text.endObject()
    }

    private func write(_ pipeline: EngineStatus.Pipeline, _ text: inout TextBuffer) {
        text.beginObject()
        text.member("name", pipeline.name)
        text.member("state", pipeline.state)
        text.member("reason", ifPresent: pipeline.reason)
        writeTime("since", pipeline.sinceNanoseconds, &text)
        text.member("from", pipeline.from)
        text.member("active", ifPresent: pipeline.active)
        text.member("simulated", pipeline.isSimulated)
        text.member("instruments", pipeline.instruments)
        text.member("failed_instruments", pipeline.failedInstruments)
        text.member("switches", pipeline.switches)
        text.member("events", pipeline.events)
        text.member("events_per_second", Rounding.round(pipeline.eventsPerSecond, places: 1))
        text.endObject()
    }

    private func write(_ sink: EngineStatus.Sink, _ text: inout TextBuffer) {
        text.beginObject()
        text.member("name", sink.name)
        text.member("plugin", sink.plugin)
        text.member("state", sink.state)
        text.member("reason", ifPresent: sink.reason)
        writeTime("since", sink.sinceNanoseconds, &text)
        text.member("seq", sink.seq)
        text.member("behind", sink.behind)
        text.member("behind_ms", sink.behindMilliseconds)
        text.member("written", sink.written)
        text.member("retries", sink.retries)
        text.member("errors", sink.errors)
        text.endObject()
    }

    /// A time that is left out where there was none yet.
    private func writeTime(_ name: StaticString, _ nanoseconds: Int64, _ text: inout TextBuffer) {
        if nanoseconds != 0 { text.member(name, time: nanoseconds, style: style) }
    }
}

/// How much memory the process takes.
enum ProcessMemory {
    /// Resident bytes, pages of the mapped journal included; 0 where the system does not tell.
    static func residentBytes() -> Int64 {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split(
            separator: " ")
        guard words.count > 1, let pages = Int64(words[1]) else { return 0 }
        return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }
}
