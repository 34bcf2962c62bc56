import EventFormat
import HubConfig
import HubModel

/// What a schedule concerns in one pipeline.
struct ScheduledWork: Sendable {
    var pipeline: PipelineConfiguration
    var symbols: [String]
    var intervals: [Interval]
}

extension HealingPlan {
    /// The pipelines that a schedule concerns, with their instruments and intervals.
    func work(_ schedule: ScheduleConfiguration) -> [ScheduledWork] {
        pipelines.filter { schedule.pipeline == nil || $0.name == schedule.pipeline }.compactMap { pipeline in
            var symbols = pipeline.instruments
            if let patterns = schedule.symbols {
                symbols = symbols.filter { symbol in patterns.contains { $0.matches(symbol) } }
                // What is there on demand is not listed anywhere: it is named.
                symbols += patterns.compactMap(\.symbol).filter { !symbols.contains($0) && pipeline.offers($0) }
            }
            guard !symbols.isEmpty else { return nil }
            return ScheduledWork(
                pipeline: pipeline, symbols: symbols.map(\.text),
                intervals: schedule.intervals.isEmpty ? pipeline.bars : schedule.intervals)
        }
    }
}
