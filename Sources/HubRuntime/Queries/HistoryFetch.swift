import EventFormat
import HubModel
import PluginABI

/// Asks providers for bars of the past and journals them.
struct HistoryFetch: Sendable {
    var desk: QueryDesk
    var now: @Sendable () -> Int64
    /// Journals a batch. Blocks.
    var take: @Sendable (BackfillBatch) throws -> BackfillResult
    var calendar: @Sendable (_ symbol: String) -> TradingCalendar

    /// A stretch of one instrument's bars.
    struct Stretch: Sendable, Hashable {
        var symbol: String
        var interval: Interval
        /// Nanoseconds, inclusive and exclusive.
        var from: Int64
        var to: Int64
    }

    /// Asks for a stretch, page by page, and journals what comes; waits where a vendor's budget is spent.
    ///
    /// - Parameters:
    ///   - providers: who is asked, the first that answers counts; `nil` = those that may serve the instrument.
    ///   - patience: times that a spent budget is waited for.
    /// - Returns: how many bars were journaled: those that were not there yet.
    func fetch(
        _ stretch: Stretch, from providers: [String]?, patience: Int = 60, isStopped: @Sendable () -> Bool
    ) async throws(QueryFailure) -> Int {
        var rows = 0
        var patience = patience
        let names: [String?] = providers?.map { $0 } ?? [nil]
        while true {
            var attempts: [QueryFailure.Attempt] = []
            var retryAfter: Int?
            for provider in names {
                do throws(QueryFailure) {
                    try await pages(stretch, from: provider, rows: &rows)
                    return rows
                } catch {
                    // It has nothing of these days: nothing is missing.
                    if error.reason == .noData { return rows }
                    attempts += error.attempts.isEmpty ? [error.attempt(provider)] : error.attempts
                    retryAfter = error.retryAfterMilliseconds.map { min($0, retryAfter ?? $0) } ?? retryAfter
                }
            }
            let failure = QueryFailure.chain(
                attempts, retryAfter: retryAfter, what: "\(stretch.interval.text) bars of \(stretch.symbol)")
            guard attempts.contains(where: { $0.reason == .limited }), patience > 0, !isStopped() else { throw failure }
            patience -= 1
            let pause = min(60_000, max(100, retryAfter ?? 2000))
            try? await Task.sleep(nanoseconds: UInt64(pause) * 1_000_000)
        }
    }

    private func pages(
        _ stretch: Stretch, from provider: String?, rows: inout Int
    ) async throws(QueryFailure) {
        var query = Query(
            .bars, symbols: [stretch.symbol], interval: stretch.interval.rawValue, from: stretch.from, to: stretch.to,
            provider: provider)
        while true {
            let answer = try await desk.askPastCache(query)
            rows += try await journal(answer, stretch)
            guard !answer.next.isEmpty, answer.next != query.next else { return }
            query.next = answer.next
            query.provider = answer.provider
        }
    }

    private func journal(_ answer: QueryAnswer, _ stretch: Stretch) async throws(QueryFailure) -> Int {
        let records = closed(answer.records, stretch.interval, calendar(stretch.symbol))
        guard !records.isEmpty else { return 0 }
        return try await journal(
            BackfillBatch(source: answer.provider, symbols: [stretch.symbol], records: records))
    }

    /// Taking a batch in waits for the fold and the disk: not on a thread that others' tasks need.
    func journal(_ batch: BackfillBatch) async throws(QueryFailure) -> Int {
        let result: Result<BackfillResult, any Error> = await withCheckedContinuation { waiter in
            let thread = WorkerThread(name: "backfill")
            thread.start { [take] in waiter.resume(returning: Result { try take(batch) }) }
        }
        switch result {
        case .success(let taken): return taken.accepted
        case .failure(let error): throw QueryFailure(.failed, "\(error)")
        }
    }

    /// The bars of an answer that are over, for the journal: a bar that still runs would be kept as it is now.
    private func closed(_ records: [UInt8], _ interval: Interval, _ calendar: TradingCalendar) -> [UInt8] {
        let now = now()
        var kept: [UInt8] = []
        records.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let head = bytes.loadUnaligned(fromByteOffset: offset, as: hub_record.self)
                let size = max(1, Int(head.lines)) * Int(HUB_LINE)
                if Int(head.kind) == HUB_BAR {
                    var bar = bytes.loadUnaligned(fromByteOffset: offset, as: hub_bar.self)
                    if bar.interval == interval.rawValue,
                        calendar.closingTime(start: bar.head.ts_event, interval) <= now
                    {
                        // The only symbol of its batch.
                        bar.head.stream = 0
                        withUnsafeBytes(of: bar) { kept.append(contentsOf: $0) }
                    }
                }
                offset += size
            }
        }
        return kept
    }
}

extension QueryFailure {
    fileprivate func attempt(_ provider: String?) -> Attempt {
        Attempt(provider: provider ?? "", reason: reason, detail: detail)
    }
}

extension QueryDesk {
    /// Of some providers those that may be asked for an instrument's bars of that length, in the order given.
    func historians(of symbol: String, _ interval: Interval, among names: [String]) -> [String] {
        let ports = broker.chain(.bars, symbol: symbol, venue: nil)
        return names.filter { name in
            ports.contains { $0.name == name && !$0.isSimulated && $0.days(ofInterval: interval.rawValue) != 0 }
        }
    }
}
