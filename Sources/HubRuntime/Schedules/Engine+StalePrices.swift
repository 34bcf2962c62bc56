import EventFormat
import HubConfig
import HubFold
import HubModel
import Logging
import PluginABI

/// Prices that are older than their market's last session are asked for once, at the start.
extension Engine {
    /// So long after the start sources have told what they have.
    private static let settleNanoseconds: UInt64 = 3_000_000_000
    /// The last trade of a session is not always at its very end.
    private static let tailNanoseconds: Int64 = 900_000_000_000

    func refreshStalePrices() {
        guard !isLockstep, configuration.pipelines.contains(where: { !$0.backfill.providers.isEmpty }) else { return }
        Task.detached { [weak self] in
            try? await Task.sleep(nanoseconds: Self.settleNanoseconds)
            await self?.askForStalePrices()
        }
    }

    private func askForStalePrices() async {
        guard isRunning.load(ordering: .acquiring) else { return }
        let stale = stalePrices(now: wallNanoseconds)
        guard !stale.isEmpty else { return }
        let outcomes = await queryDesk.quotes(stale)
        var batches: [String: BackfillBatch] = [:]
        var refreshed = 0
        for (symbol, outcome) in zip(stale, outcomes) {
            guard case .success(let served) = outcome, !served.answer.isSimulated else { continue }
            let records = Self.prices(
                served.answer.records, symbol: batches[served.answer.provider]?.symbols.count ?? 0)
            guard !records.isEmpty else { continue }
            refreshed += 1
            let empty = BackfillBatch(source: served.answer.provider, symbols: [], records: [])
            batches[served.answer.provider, default: empty].symbols.append(symbol)
            batches[served.answer.provider, default: empty].records += records
        }
        for batch in batches.sorted(by: { $0.key < $1.key }).map(\.value) {
            do throws(QueryFailure) {
                _ = try await gapHealer.around.fetch.journal(batch)
            } catch {
                logger.warning("stale prices were not journaled: \(error.detail)")
            }
        }
        logger.info("\(stale.count) prices are older than their market's last session: \(refreshed) were asked for")
    }

    /// Instruments of pipelines that have a price from before their market's last session, and whose providers can
    /// be asked.
    private func stalePrices(now: Int64) -> [String] {
        let plan = gapHealer.around.plan
        var limits: [String: Int64] = [:]
        var found: [String] = []
        for pipeline in configuration.pipelines where pipeline.backfill.providers.contains(where: { canGivePrices($0) })
        {
            for symbol in pipeline.instruments {
                let limit = limits[symbol.venue] ?? Self.oldestFresh(plan.calendar(of: symbol.text), now: now)
                limits[symbol.venue] = limit
                let newest = withFold { fold, _ in fold.lastValue(of: symbol.text)?.newest?.ts_event }
                // Of which there is none yet is asked for when somebody wants it.
                if let newest, newest < limit { found.append(symbol.text) }
            }
        }
        return found
    }

    private func canGivePrices(_ provider: String) -> Bool { queryDesk.broker.answers(provider, .quotes) }

    /// A price from before it is stale: the begin of the session that runs, else shortly before the end of the last one.
    static func oldestFresh(_ calendar: TradingCalendar, now: Int64) -> Int64 {
        let today = calendar.day(containing: now).number
        for number in stride(from: today, to: today - 21, by: -1) {
            guard let session = calendar.regularSession(on: number), session.from <= now else { continue }
            return session.to > now ? session.from : max(session.from, session.to - tailNanoseconds)
        }
        return .min
    }

    /// Ticks and quotes of an answer as records of the past, which change no bar.
    private static func prices(_ records: [UInt8], symbol: Int) -> [UInt8] {
        var kept = records
        var result: [UInt8] = []
        kept.withUnsafeMutableBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                var head = bytes.loadUnaligned(fromByteOffset: offset, as: hub_record.self)
                let size = max(1, Int(head.lines)) * Int(HUB_LINE)
                if [HUB_TICK, HUB_QUOTE].contains(Int(head.kind)), head.ts_event != 0 {
                    head.stream = UInt32(symbol)
                    head.flags |= UInt16(HUB_FLAG_SNAPSHOT)
                    bytes.storeBytes(of: head, toByteOffset: offset, as: hub_record.self)
                    result.append(contentsOf: bytes[offset..<(offset + size)])
                }
                offset += size
            }
        }
        return result
    }
}
