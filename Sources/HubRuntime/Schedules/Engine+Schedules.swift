public import EventFormat
import HubConfig
import HubFold
public import HubModel
import HubStore
import Logging
import PluginABI

extension Engine {
    public var schedules: [ScheduleDesk.Figures] { scheduleDesk.figures }

    private static let key = "schedules"

    static func makeScheduleDesk(
        _ configuration: Configuration, _ store: Store, _ handover: BackfillHandover, logger: Logger
    ) -> ScheduleDesk {
        ScheduleDesk(
            ScheduleDesk.Surroundings(
                schedules: configuration.hub.clock == .virtual ? [] : configuration.schedules,
                calendars: Plans.calendars(configuration), now: { WallClock.now },
                run: { schedule in
                    guard let engine = handover.engine.withLock({ $0?.engine }) else { return nil }
                    return await engine.run(schedule)
                },
                load: {
                    let text = ((try? store.text(forKey: key)) ?? nil) ?? ""
                    let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
                    return Dictionary(
                        lines.compactMap { line in
                            guard line.count == 2, let time = Int64(line[1]) else { return nil }
                            return (String(line[0]), time)
                        }, uniquingKeysWith: { first, _ in first })
                },
                save: { due in
                    let lines = due.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                    do {
                        try store.setText(lines.joined(separator: "\n"), forKey: key)
                    } catch {
                        logger.warning("when schedules were done was not kept: \(error)")
                    }
                },
                logger: logger))
    }

    /// Does what a schedule says. Answers why some of it could not be done.
    private func run(_ schedule: ScheduleConfiguration) async -> String? {
        let work = gapHealer.around.plan.work(schedule)
        switch schedule.job {
        case .refreshInstruments: return refreshListings(schedule)
        case .backfill:
            return await historyKeeper.fill(work)
        case .warm:
            var error: String?
            for part in work {
                for kind in schedule.kinds.isEmpty ? [.quote] : schedule.kinds {
                    let failed = kind == .quote ? await warmQuotes(part.symbols) : await warmBars(part)
                    error = error ?? failed
                }
            }
            return error
        }
    }

    private func refreshListings(_ schedule: ScheduleConfiguration) -> String? {
        let names = Set(
            configuration.pipelines.filter { schedule.pipeline == nil || $0.name == schedule.pipeline }
                .flatMap { $0.sources.map(\.provider) })
        let able = providers.filter { $0.hasListings && (schedule.pipeline == nil || names.contains($0.name)) }
        guard !able.isEmpty else { return "no provider has a list of instruments" }
        for provider in able { refreshListings(of: provider) }
        return nil
    }

    /// What is streamed is newer than any answer.
    private func warmQuotes(_ symbols: [String]) async -> String? {
        let now = wallNanoseconds
        let asked = withFold { fold, _ in
            symbols.filter { symbol in
                guard let newest = fold.lastValue(of: symbol)?.newest else { return true }
                return now - newest.ts_recv > 60_000_000_000
            }
        }
        let outcomes = await queryDesk.quotes(asked, fresh: true)
        for (symbol, outcome) in zip(asked, outcomes) {
            if case .failure(let failure) = outcome { return "\(symbol): \(failure.detail)" }
        }
        return nil
    }

    /// What somebody gets who asks for the newest bars.
    private func warmBars(_ work: ScheduledWork) async -> String? {
        var error: String?
        for interval in work.intervals {
            for symbol in work.symbols where isRunning.load(ordering: .acquiring) {
                let calendar = gapHealer.around.plan.calendar(of: symbol)
                let range = QueryDesk.newestBars(1000, interval, calendar, now: wallNanoseconds)
                do throws(QueryFailure) {
                    _ = try await queryDesk.bars(
                        of: symbol, interval: interval.rawValue, from: range.lowerBound, to: range.upperBound,
                        fresh: true)
                } catch let failure {
                    error = error ?? "\(symbol): \(failure.detail)"
                }
            }
        }
        return error
    }
}

extension QueryDesk {
    /// The range to ask for where the newest bars are wanted and no beginning is given, in whole bars: then those who ask a
    /// little later share the answer.
    public static func newestBars(
        _ limit: Int, _ interval: Interval, _ calendar: TradingCalendar, now: Int64
    ) -> Range<Int64> {
        let first = calendar.bucketStart(now - span(of: limit, interval), interval)
        let bucket = calendar.bucketStart(now, interval)
        return first..<(bucket == now ? now : calendar.bucketEnd(start: bucket, interval))
    }

    /// How far back so many bars reach at most: markets are open a quarter of the hours of a week.
    public static func span(of limit: Int, _ interval: Interval) -> Int64 {
        let factor: Int64 = interval.isDateBased ? 2 : 6
        let most: Int64 = 20 * 366 * 86_400_000_000_000
        let (length, overflow) = (Int64(limit) &* factor).multipliedReportingOverflow(by: interval.nanoseconds)
        return overflow ? most : min(most, max(length, 7 * 86_400_000_000_000))
    }
}
