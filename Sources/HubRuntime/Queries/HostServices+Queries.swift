import HubModel
import PluginABI

/// The host's side of answers on demand and of lists of instruments.
extension HostServices {
    nonisolated(unsafe) static let query = table(
        hub_host_query_1(
            records: { host, id, records, length in
                guard let records else { return hub_status(length == 0 ? HUB_OK : HUB_INTERNAL) }
                // Nobody waits for what is asked in a recording.
                guard context(host).playback == nil else { return hub_status(HUB_OK) }
                return context(host).queries.records(id, records, Int(clamping: length), now: WallClock.now)
            },
            json: { host, id, json in
                guard let text = String(checked: json) else { return hub_status(HUB_PROTOCOL) }
                guard context(host).playback == nil else { return hub_status(HUB_OK) }
                return context(host).queries.json(id, text)
            },
            done: { host, id, status, reason, retryAfter, next in
                let detail = String(checked: reason) ?? ""
                context(host).queries.finish(
                    id, failure: QueryFailure.told(status, detail, retryAfter), next: String(checked: next) ?? "",
                    now: WallClock.now)
            }))

    nonisolated(unsafe) static let catalog = table(
        hub_host_catalog_1(
            add: { host, items, count in
                guard let items else { return hub_status(count == 0 ? HUB_OK : HUB_INTERNAL) }
                return context(host).listings.add(UnsafeBufferPointer(start: items, count: Int(clamping: count)))
            },
            done: { host, status, reason in
                context(host).listings.done(status, String(checked: reason) ?? "")
            },
            named: { host, symbol, name in
                guard let symbol = String(checked: symbol), let text = context(host).vendorName(of: symbol) else {
                    return 0
                }
                name?.pointee = text
                return 1
            }))
}

extension QueryFailure {
    /// What a plugin said about how a query ended; `nil` = it answered.
    static func told(
        _ status: hub_status, _ detail: String, _ retryAfter: Int32
    ) -> (reason: Reason, detail: String, retryAfterMilliseconds: Int?)? {
        guard Int(status) != HUB_OK else { return nil }
        return (
            Reason(status: status), detail.isEmpty ? PluginFailure.word(status) : detail,
            retryAfter >= 0 ? Int(retryAfter) : nil
        )
    }
}
