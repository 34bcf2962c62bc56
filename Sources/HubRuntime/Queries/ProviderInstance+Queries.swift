import HubCapture
import PluginABI

/// Questions to a provider, asked on its own thread.
extension ProviderInstance {
    private static let mostWaiting = 4096

    var answersQueries: Bool { queryTable?.pointee.query != nil }

    /// Symbols that one query for quotes may have.
    var queryBatch: Int {
        guard let table = queryTable, let batch = table.pointee.batch else { return 1 }
        return max(1, min(10_000, Int(batch(plugin))))
    }

    /// The widest spans that one query for bars may have, by interval in seconds; 0 = any other.
    var querySpans: [(interval: UInt32, days: UInt32)] {
        guard let table = queryTable, let spans = table.pointee.spans else { return [] }
        var count: UInt64 = 0
        guard let start = spans(plugin, &count) else { return [] }
        return UnsafeBufferPointer(start: start, count: Int(min(count, 4096))).map { ($0.interval, $0.days) }
    }

    /// Queues a question for the instance's thread. False: there is no room.
    func post(_ query: Query, id: UInt64, deadline: Int64) -> Bool {
        post { instance, now in instance.run(query, id: id, deadline: deadline, now: now) }
    }

    /// Nobody waits for an answer any more.
    func cancelQuery(_ id: UInt64) {
        _ = post { instance, now in
            instance.context.tap?.take(.cancelQuery(id), now)
            instance.runCancel(id)
        }
    }

    /// Queues something for the instance's thread. False: there is no room.
    func post(_ body: @escaping @Sendable (ProviderInstance, hub_now) -> Void) -> Bool {
        let isTaken = controlCalls.withLock { calls in
            guard calls.count < Self.mostWaiting else { return false }
            calls.append(body)
            return true
        }
        if isTaken { context.wakeOwner.withLock { $0 }?() }
        return isTaken
    }

    /// Runs what was queued; on the instance's thread, between its other calls.
    func runControlCalls(now: hub_now) {
        let calls = controlCalls.withLock { calls in
            defer { calls.removeAll(keepingCapacity: true) }
            return calls
        }
        for call in calls { call(self, now) }
    }

    func runCancel(_ id: UInt64) {
        if let cancel = queryTable?.pointee.cancel { cancel(plugin, id) }
    }

    func run(_ query: Query, id: UInt64, deadline: Int64, now: hub_now) {
        guard let ask = queryTable?.pointee.query, isStarted else {
            context.queries.finish(id, failure: (.failed, "it did not start", nil), now: now.wall_ns)
            return
        }
        context.tap?.take(.query(CaptureQuery(query, id: id, deadline: deadline)), now)
        let texts = query.symbols.map { ContiguousArray($0.utf8CString) }
        // The texts are alive until the call is over, and arrays do not move while nobody changes them.
        let symbols = texts.map { text in
            hub_text(data: text.withUnsafeBufferPointer { $0.baseAddress }, length: UInt64(text.count - 1))
        }
        let status: Result<Void, PluginFailure> = withExtendedLifetime(texts) {
            symbols.withUnsafeBufferPointer { symbols in
                query.text.withHubText { text in
                    query.next.withHubText { next in
                        var raw = hub_query(
                            struct_size: UInt32(MemoryLayout<hub_query>.size), kind: query.kind.rawValue, id: id,
                            symbols: symbols.baseAddress, symbol_count: UInt64(symbols.count), text: text,
                            interval: query.interval, limit: query.limit, from_ns: query.from, to_ns: query.to,
                            next: next, deadline_ns: deadline)
                        do throws(PluginFailure) {
                            try PluginFailure.check("a query") { error in ask(plugin, &raw, now, error) }
                            return .success(())
                        } catch {
                            return .failure(error)
                        }
                    }
                }
            }
        }
        if case .failure(let error) = status {
            context.queries.finish(
                id,
                failure: (QueryFailure.Reason(status: error.status), error.text, error.retryAfterMilliseconds),
                now: now.wall_ns)
        }
    }
}
