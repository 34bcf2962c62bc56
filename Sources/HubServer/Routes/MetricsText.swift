import EventFormat
import HubRuntime

/// `/metrics`: the text format of Prometheus, version 0.0.4.
struct MetricsText: ~Copyable {
    var buffer = TextBuffer(capacity: 1 << 14)

    mutating func write(engine: any EngineAccess, metrics: ServerMetrics, perInstrument: Bool) {
        let status = engine.status()
        family("hub_info", "gauge", "What runs.")
        sample("hub_info", [("version", engine.version), ("epoch", engine.journal.epoch)], 1)
        family("hub_ready", "gauge", "1 while the hub is ready to serve.")
        sample("hub_ready", [], engine.notReady().isEmpty ? 1 : 0)
        family("hub_start_time_seconds", "gauge", "When the hub started, seconds since the Unix epoch.")
        sample("hub_start_time_seconds", [], Double(status.startedNanoseconds / 1_000_000) / 1000)
        family("hub_journal_head", "gauge", "The last position of the journal.")
        sample("hub_journal_head", [], Double(engine.journal.head))
        family("hub_journal_bytes", "gauge", "Bytes of the journal on disk.")
        sample("hub_journal_bytes", [], Double(status.journalBytes))
        family("hub_store_bytes", "gauge", "Bytes of the store on disk.")
        sample("hub_store_bytes", [], Double(status.storeBytes))
        writeCompaction(status, head: engine.journal.head)
        family("hub_memory_bytes", "gauge", "Resident memory, mapped journal pages included.")
        sample("hub_memory_bytes", [], Double(ProcessMemory.residentBytes()))
        writeProviders(status)
        writePipelines(status)
        writeSinks(status)
        if let queries = engine.queries { writeCache(queries.figures) }
        writeSchedules(engine.schedules)
        if let healing = engine.healing { writeHealing(healing) }
        writeStreams(metrics)
        writeRequests(metrics)
        if perInstrument { writeInstruments(engine) }
    }

    private mutating func writeCompaction(_ status: EngineStatus, head: UInt64) {
        let compaction = status.compaction
        family("hub_compacted_to", "gauge", "The last position that was compacted into the store.")
        sample("hub_compacted_to", [], Double(compaction.position))
        family("hub_compaction_lag_events", "gauge", "Positions that only the journal has yet.")
        sample("hub_compaction_lag_events", [], Double(head > compaction.position ? head - compaction.position : 0))
        family("hub_compaction_segments_total", "counter", "Segments of the journal that were compacted.")
        sample("hub_compaction_segments_total", [], Double(compaction.segments))
        family("hub_compaction_records_total", "counter", "Records that were packed.")
        sample("hub_compaction_records_total", [], Double(compaction.records))
        family("hub_compaction_bytes_total", "counter", "Bytes that packed records take.")
        sample("hub_compaction_bytes_total", [], Double(compaction.bytes))
        family("hub_compaction_errors_total", "counter", "Times that compaction or retention failed.")
        sample("hub_compaction_errors_total", [], Double(compaction.errors))
    }

    private mutating func writeProviders(_ status: EngineStatus) {
        let providers = status.providers
        family("hub_provider_state", "gauge", "1 for the state that a provider is in.")
        for one in providers { sample("hub_provider_state", [("provider", one.name), ("state", one.state)], 1) }
        family("hub_provider_events_total", "counter", "Events taken from a provider.")
        for one in providers { sample("hub_provider_events_total", [("provider", one.name)], Double(one.events)) }
        family("hub_provider_rejected_total", "counter", "Bad records of a provider that were dropped.")
        for one in providers { sample("hub_provider_rejected_total", [("provider", one.name)], Double(one.rejected)) }
        family("hub_provider_standby_total", "counter", "Records dropped since another source was active.")
        for one in providers { sample("hub_provider_standby_total", [("provider", one.name)], Double(one.standby)) }
        family("hub_provider_suspect_total", "counter", "Records of a provider that were flagged suspect.")
        for one in providers { sample("hub_provider_suspect_total", [("provider", one.name)], Double(one.suspect)) }
        family("hub_quality_failures_total", "counter", "Records that failed a check of data quality, by check.")
        for one in providers {
            for (check, count) in one.suspectByCheck {
                sample("hub_quality_failures_total", [("provider", one.name), ("check", check)], Double(count))
            }
        }
        family("hub_provider_reconnects_total", "counter", "Reconnects of a provider.")
        for one in providers {
            sample("hub_provider_reconnects_total", [("provider", one.name)], Double(one.reconnects))
        }
        family("hub_provider_errors_total", "counter", "Errors that a provider reported.")
        for one in providers { sample("hub_provider_errors_total", [("provider", one.name)], Double(one.errors)) }
        family("hub_provider_lag_seconds", "gauge", "Receive time less event time of recent events.")
        for one in providers {
            let name = one.name
            sample(
                "hub_provider_lag_seconds", [("provider", name), ("quantile", "0.5")],
                Double(one.lagP50Milliseconds) / 1000)
            sample(
                "hub_provider_lag_seconds", [("provider", name), ("quantile", "0.99")],
                Double(one.lagP99Milliseconds) / 1000)
        }
        family("hub_provider_last_event_time_seconds", "gauge", "When a provider's last event came; 0 = never.")
        for one in providers {
            sample(
                "hub_provider_last_event_time_seconds", [("provider", one.name)],
                Double(one.lastEventNanoseconds / 1_000_000) / 1000)
        }
        writeVendors(providers)
    }

    /// What goes over the network between the hub and vendors.
    private mutating func writeVendors(_ providers: [EngineStatus.Provider]) {
        family("hub_provider_connections", "gauge", "Open connections to a vendor.")
        for one in providers { sample("hub_provider_connections", [("provider", one.name)], Double(one.connections)) }
        family("hub_provider_received_bytes_total", "counter", "Bytes that came from a vendor.")
        for one in providers {
            sample("hub_provider_received_bytes_total", [("provider", one.name)], Double(one.bytesIn))
        }
        family("hub_provider_sent_bytes_total", "counter", "Bytes that went to a vendor.")
        for one in providers { sample("hub_provider_sent_bytes_total", [("provider", one.name)], Double(one.bytesOut)) }
        family("hub_provider_messages_total", "counter", "WebSocket messages from a vendor.")
        for one in providers { sample("hub_provider_messages_total", [("provider", one.name)], Double(one.messagesIn)) }
        family("hub_provider_requests_total", "counter", "HTTP requests to a vendor, by the class of the answer.")
        for one in providers {
            for (index, count) in one.responses.enumerated() where count > 0 {
                sample(
                    "hub_provider_requests_total", [("provider", one.name), ("status", "\(index + 1)xx")], Double(count)
                )
            }
            sample(
                "hub_provider_requests_total", [("provider", one.name), ("status", "none")], Double(one.failedRequests))
        }
        let recorded = providers.compactMap { one in one.recording.map { (one.name, $0) } }
        if !recorded.isEmpty {
            family(
                "hub_provider_recording", "gauge", "1 while what comes from a vendor is recorded, 0 while it cannot be."
            )
            for (name, one) in recorded {
                sample("hub_provider_recording", [("provider", name)], one.stopped == nil ? 1 : 0)
            }
            family("hub_provider_recorded_bytes_total", "counter", "Bytes that recordings took.")
            for (name, one) in recorded {
                sample("hub_provider_recorded_bytes_total", [("provider", name)], Double(one.bytes))
            }
            family("hub_provider_recording_lost_total", "counter", "Inputs of a plugin that could not be recorded.")
            for (name, one) in recorded {
                sample("hub_provider_recording_lost_total", [("provider", name)], Double(one.lost))
            }
        }
        family("hub_provider_breaker_open", "gauge", "1 while requests to a vendor are held back since they failed.")
        for one in providers {
            sample("hub_provider_breaker_open", [("provider", one.name)], one.breaker == "closed" ? 0 : 1)
        }
        family("hub_provider_quota_used", "gauge", "What is used of a rate class.")
        for one in providers {
            for quota in one.quota {
                sample(
                    "hub_provider_quota_used",
                    [
                        ("provider", one.name), ("class", quota.name),
                        ("window", "\(quota.windowNanoseconds / 1_000_000_000)s"),
                    ], Double(quota.used))
            }
        }
        family("hub_plugin_metric", "gauge", "What a plugin tells of itself, under a name of its own.")
        for one in providers {
            for metric in one.metrics {
                sample("hub_plugin_metric", [("provider", one.name), ("name", metric.name)], metric.value)
            }
        }
    }

    private mutating func writePipelines(_ status: EngineStatus) {
        family("hub_pipeline_events_total", "counter", "Events of a pipeline.")
        for one in status.pipelines {
            sample("hub_pipeline_events_total", [("pipeline", one.name)], Double(one.events))
        }
        family("hub_pipeline_switches_total", "counter", "Changes of the active source.")
        for one in status.pipelines {
            sample("hub_pipeline_switches_total", [("pipeline", one.name)], Double(one.switches))
        }
        family("hub_pipeline_active", "gauge", "1 for the source that serves a pipeline.")
        for one in status.pipelines {
            if let active = one.active {
                sample("hub_pipeline_active", [("pipeline", one.name), ("provider", active)], 1)
            }
        }
    }

    private mutating func writeSinks(_ status: EngineStatus) {
        family("hub_sink_behind_events", "gauge", "Events that a sink has not acknowledged.")
        for one in status.sinks { sample("hub_sink_behind_events", [("sink", one.name)], Double(one.behind)) }
        family("hub_sink_written_total", "counter", "Events that a sink acknowledged.")
        for one in status.sinks { sample("hub_sink_written_total", [("sink", one.name)], Double(one.written)) }
        family("hub_sink_retries_total", "counter", "Batches that were tried again.")
        for one in status.sinks { sample("hub_sink_retries_total", [("sink", one.name)], Double(one.retries)) }
        family("hub_sink_errors_total", "counter", "Errors of a sink.")
        for one in status.sinks { sample("hub_sink_errors_total", [("sink", one.name)], Double(one.errors)) }
    }

    private mutating func writeCache(_ figures: QueryDesk.Figures) {
        family("hub_cache_entries", "gauge", "Answers of providers that are kept.")
        sample("hub_cache_entries", [], Double(figures.entries))
        family("hub_cache_bytes", "gauge", "Memory that kept answers take.")
        sample("hub_cache_bytes", [], Double(figures.bytes))
        family("hub_cache_requests_total", "counter", "Questions, by what became of them.")
        for (result, count) in [
            ("hit", figures.hits), ("miss", figures.misses), ("coalesced", figures.coalesced),
            ("stale", figures.staleServed),
        ] {
            sample("hub_cache_requests_total", [("result", result)], Double(count))
        }
        family("hub_cache_expired_total", "counter", "Kept answers that became too old.")
        sample("hub_cache_expired_total", [], Double(figures.expired))
        family("hub_cache_evicted_total", "counter", "Kept answers that went to make room.")
        sample("hub_cache_evicted_total", [], Double(figures.evicted))
    }

    private mutating func writeStreams(_ metrics: ServerMetrics) {
        family("hub_streams", "gauge", "Open streams.")
        for (kind, count) in metrics.streamsByKind { sample("hub_streams", [("kind", "\(kind)")], Double(count)) }
        family("hub_streams_slow", "gauge", "Streams that are behind and were told so.")
        sample("hub_streams_slow", [], Double(metrics.slowStreams.load(ordering: .relaxed)))
        family("hub_streams_opened_total", "counter", "Streams since the start.")
        sample("hub_streams_opened_total", [], Double(metrics.streamsOpened.load(ordering: .relaxed)))
        family("hub_stream_events_total", "counter", "Event objects written to streams.")
        sample("hub_stream_events_total", [], Double(metrics.eventsSent.load(ordering: .relaxed)))
        family("hub_stream_bytes_total", "counter", "Bytes written to streams.")
        sample("hub_stream_bytes_total", [], Double(metrics.bytesSent.load(ordering: .relaxed)))
    }

    private mutating func writeRequests(_ metrics: ServerMetrics) {
        let routes = metrics.snapshot()
        family("hub_http_requests_total", "counter", "Requests answered, by route and hundred of the status.")
        for (route, counts) in routes {
            for (hundred, count) in counts.byClass.enumerated() where count > 0 {
                sample("hub_http_requests_total", [("route", route), ("status", "\(hundred)xx")], Double(count))
            }
        }
        family("hub_http_request_duration_seconds", "histogram", "How long requests took.")
        for (route, counts) in routes {
            var total: UInt64 = 0
            for (index, bound) in ServerMetrics.bounds.enumerated() {
                total += counts.buckets[index]
                sample(
                    "hub_http_request_duration_seconds_bucket", [("route", route), ("le", "\(bound)")], Double(total))
            }
            total += counts.buckets[ServerMetrics.bounds.count]
            sample("hub_http_request_duration_seconds_bucket", [("route", route), ("le", "+Inf")], Double(total))
            sample("hub_http_request_duration_seconds_sum", [("route", route)], counts.sumSeconds)
            sample("hub_http_request_duration_seconds_count", [("route", route)], Double(total))
        }
    }

    private mutating func writeInstruments(_ engine: any EngineAccess) {
        let prices = engine.withFold { fold, _ in
            (0..<fold.instrumentCount).map { index in
                let value = fold.lastValue(at: index)
                return (
                    value.symbol, value.trade?.price ?? value.tick?.last ?? value.quote?.bid ?? .nan,
                    value.newest?.seq ?? 0
                )
            }
        }
        family("hub_instrument_last", "gauge", "The last price of an instrument.")
        for (symbol, price, _) in prices where price.isFinite {
            sample("hub_instrument_last", [("symbol", symbol)], price)
        }
        family("hub_instrument_seq", "gauge", "Position of an instrument's newest input.")
        for (symbol, _, seq) in prices where seq > 0 { sample("hub_instrument_seq", [("symbol", symbol)], Double(seq)) }
    }

    mutating func family(_ name: StaticString, _ type: StaticString, _ help: StaticString) {
        buffer.append("# HELP ")
        buffer.append(name)
        buffer.append(" ")
        buffer.append(help)
        buffer.append("\n# TYPE ")
        buffer.append(name)
        buffer.append(" ")
        buffer.append(type)
        buffer.append("\n")
    }

    mutating func sample(_ name: StaticString, _ labels: [(name: StaticString, value: String)], _ value: Double) {
        buffer.append(name)
        for (index, label) in labels.enumerated() {
            buffer.append(index == 0 ? "{" : ",")
            buffer.append(label.name)
            buffer.append("=\"")
            append(labelValue: label.value)
            buffer.append("\"")
        }
        if !labels.isEmpty { buffer.append("}") }
        buffer.append(" ")
        buffer.append(value)
        buffer.append("\n")
    }

    /// Backslash, quote and line feed are escaped, and nothing else.
    private mutating func append(labelValue text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): buffer.append("\\\\")
            case UInt8(ascii: "\""): buffer.append("\\\"")
            case UInt8(ascii: "\n"): buffer.append("\\n")
            default: buffer.append(byte: byte)
            }
        }
    }
}
