import HubConfig
import HubJournal
import HubModel
import HubStore
import Logging

extension Engine {
    private static let key = "fetched"

    static func makeHistoryKeeper(
        _ configuration: Configuration, _ desk: BackfillDesk, _ queries: QueryDesk, _ store: Store, _ journal: Journal,
        logger: Logger
    ) -> HistoryKeeper {
        let keeper = HistoryKeeper(
            HistoryKeeper.Surroundings(
                desk: desk, plan: HealingPlan(configuration), now: { WallClock.now },
                barTimes: { symbol, interval, range in
                    // What is journaled is there, also when the store is a little behind.
                    _ = store.waitUntil(journal.head, timeoutMilliseconds: 1000)
                    return try store.barTimes(
                        symbol: symbol, interval: interval.rawValue, from: range.lowerBound, to: range.upperBound)
                },
                historians: { symbol, interval, names in queries.historians(of: symbol, interval, among: names) },
                load: { ((try? store.text(forKey: key)) ?? nil) ?? "" },
                save: { text in
                    do {
                        try store.setText(text, forKey: key)
                    } catch {
                        logger.warning("what was fetched already was not kept: \(error)")
                    }
                },
                logger: logger))
        desk.onFetched { [weak keeper] in keeper?.fetched($0) }
        return keeper
    }
}
