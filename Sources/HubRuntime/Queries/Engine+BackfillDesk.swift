import HubConfig
import HubModel
import HubStore
import Logging
import Synchronization

/// The way from the backfill desk to the engine that owns it.
final class BackfillHandover: Sendable {
    /// Does not keep the engine alive.
    struct Link: Sendable {
        weak var engine: Engine?
        init(_ engine: Engine) { self.engine = engine }
    }

    let engine = Mutex<Link?>(nil)
}

extension Engine {
    public var backfills: BackfillDesk? { isLockstep ? nil : backfillDesk }

    private static let key = "backfills"

    static func makeHistoryFetch(
        _ configuration: Configuration, _ desk: QueryDesk, _ handover: BackfillHandover,
        now: @escaping @Sendable () -> Int64
    ) -> HistoryFetch {
        let overrides = Plans.calendars(configuration)
        return HistoryFetch(
            desk: desk, now: now,
            take: { batch in
                guard let engine = handover.engine.withLock({ $0?.engine }) else {
                    throw BackfillError("the hub stops")
                }
                return try engine.takeBackfill(batch)
            },
            calendar: { symbol in .forVenue(String(symbol.prefix { $0 != ":" }), overrides: overrides) })
    }

    static func makeBackfillDesk(_ fetch: HistoryFetch, _ store: Store, logger: Logger) -> BackfillDesk {
        BackfillDesk(
            BackfillDesk.Surroundings(
                fetch: fetch,
                load: {
                    let text = (try? store.text(forKey: key)) ?? nil
                    return (text ?? "").split(separator: "\n").compactMap { BackfillJob(text: String($0)) }
                },
                save: { jobs in
                    do {
                        try store.setText(jobs.map(\.text).joined(separator: "\n"), forKey: key)
                    } catch {
                        logger.warning("how far backfills are was not kept: \(error)")
                    }
                }))
    }
}
