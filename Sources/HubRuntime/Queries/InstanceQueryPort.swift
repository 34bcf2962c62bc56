import HubConfig
import PluginABI
import Synchronization

/// A provider's instance as the broker sees it: questions go to its own thread.
final class InstanceQueryPort: QueryPort {
    let name: String
    let isSimulated: Bool
    let kinds: Set<QueryKind>
    let venues: [String]
    let batch: Int
    private let spans: [(interval: UInt32, days: UInt32)]
    private let instance: ProviderInstance
    private let health: @Sendable () -> (state: SourceState, reason: String?)

    /// - Parameter health: what the supervisor knows of it.
    init(
        _ instance: ProviderInstance, _ settings: ProviderConfiguration,
        health: @escaping @Sendable () -> (state: SourceState, reason: String?)
    ) {
        self.instance = instance
        self.health = health
        name = instance.name
        isSimulated = settings.plugin.traits.contains(.simulated)
        venues = settings.venues
        kinds =
            instance.answersQueries
            ? Set(QueryKind.allCases.filter { settings.plugin.queries.contains($0.name) }) : []
        batch = instance.queryBatch
        spans = instance.querySpans
    }

    func days(ofInterval interval: UInt32) -> UInt32? {
        (spans.first { $0.interval == interval } ?? spans.first { $0.interval == 0 })?.days
    }

    var refusal: (reason: QueryFailure.Reason, detail: String, retryAfterMilliseconds: Int?)? {
        let (state, reason) = health()
        if state == .authNeeded { return (.authNeeded, reason ?? "it waits for a login", nil) }
        // While it is starting, a question waits for its thread like any other call.
        guard instance.isStarted || state == .starting else { return (.failed, reason ?? "it did not start", nil) }
        return instance.context.requestGate.withLock { $0 }?()
    }

    func ask(_ query: Query, timeoutNanoseconds: Int64) async -> QueryReply {
        let pending = instance.context.queries
        let id = pending.nextID()
        let deadline = WallClock.now.addingReportingOverflow(timeoutNanoseconds).partialValue
        let expiry = Task.detached { [instance] in
            try? await Task.sleep(nanoseconds: UInt64(max(0, timeoutNanoseconds)))
            guard !Task.isCancelled else { return }
            let text = "it did not answer within \(timeoutNanoseconds / 1_000_000) ms"
            if pending.finish(id, failure: (.timeout, text, nil), now: WallClock.now) { instance.cancelQuery(id) }
        }
        let reply = await withCheckedContinuation { (waiter: CheckedContinuation<QueryReply, Never>) in
            guard pending.begin(id, symbols: query.symbols.count, waiter) else {
                var reply = QueryReply()
                reply.failure = (.limited, "it has too many questions to answer already", 1000)
                waiter.resume(returning: reply)
                return
            }
            if !instance.post(query, id: id, deadline: deadline) {
                pending.finish(id, failure: (.limited, "too many questions wait for it already", 1000), now: 0)
            }
        }
        expiry.cancel()
        return reply
    }
}
