import EventFormat
import HubModel
import HubRuntime
import PluginABI

/// Bars that the hub does not have and a provider may: asked for, answered, and not journaled.
extension Routes {
    struct BarWish: Sendable {
        var symbol: Symbol
        /// Whether the hub keeps bars that answer the question, as far back as they go.
        var keeps: Bool
        var calendar: TradingCalendar
    }

    struct AskedBars: Sendable {
        var rows: [BarRow] = []
        var problem: Problem?
    }

    /// What is missing of each instrument at the beginning of a range; `nil` where nothing is, or nobody can be asked.
    ///
    /// - Parameter isPast: what was known at an earlier position is wanted, and what is asked for now was not.
    func askedBars(
        _ wishes: [BarWish], _ interval: Interval, from: Int64?, to: Int64?, limit: Int, isPast: Bool
    ) async throws -> [AskedBars?] {
        var found: [AskedBars?] = Array(repeating: nil, count: wishes.count)
        guard !isPast, let desk = engine.queries else { return found }
        let now = engine.wallNanoseconds
        for (place, wish) in wishes.enumerated() where canAsk(.bars, wish.symbol.text) {
            var end = min(to ?? now, now)
            if wish.keeps {
                // Without a beginning the newest are asked for, and those the hub has.
                guard let from else { continue }
                let oldest = try await blocking {
                    try History(engine).rows(
                        of: wish.symbol, interval: interval, from: nil, to: nil, through: engine.journal.head,
                        limit: 1, newest: false
                    ).first?.time
                }
                end = min(end, oldest ?? end)
                if from >= end { continue }
            }
            let start = from ?? end - QueryDesk.span(of: limit, interval)
            // Whole bars: then those who ask with "five days back" share an answer.
            let first = wish.calendar.bucketStart(start, interval)
            let bucket = wish.calendar.bucketStart(end, interval)
            let last = bucket == end ? end : wish.calendar.bucketEnd(start: bucket, interval)
            do throws(QueryFailure) {
                let answer = try await desk.bars(
                    of: wish.symbol.text, interval: interval.rawValue, from: first, to: last)
                found[place] = AskedBars(rows: rows(answer, interval, wish.calendar, now: now))
            } catch {
                found[place] = AskedBars(problem: Problem(error, subject: wish.symbol.text))
            }
        }
        return found
    }

    private func rows(_ answer: QueryAnswer, _ interval: Interval, _ calendar: TradingCalendar, now: Int64) -> [BarRow]
    {
        var rows: [BarRow] = []
        answer.records.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let head = bytes.loadUnaligned(fromByteOffset: offset, as: hub_record.self)
                if Int(head.kind) == HUB_BAR {
                    var bar = bytes.loadUnaligned(fromByteOffset: offset, as: hub_bar.self)
                    if bar.interval == interval.rawValue {
                        let isOver = calendar.closingTime(start: bar.head.ts_event, interval) <= now
                        bar.state = UInt8(isOver ? HUB_BAR_CLOSED : HUB_BAR_FORMING)
                        bar.revision = 0
                        if answer.isSimulated { bar.head.flags |= UInt16(HUB_FLAG_SIMULATED) }
                        var row = BarRow(bar)
                        row.origin = 0
                        rows.append(row)
                    }
                }
                offset += max(1, Int(head.lines)) * Int(HUB_LINE)
            }
        }
        // Parts of an answer may overlap: the later one counts.
        rows.sort { $0.time < $1.time }
        var unique: [BarRow] = []
        for row in rows {
            if unique.last?.time == row.time { unique.removeLast() }
            unique.append(row)
        }
        return unique
    }
}
