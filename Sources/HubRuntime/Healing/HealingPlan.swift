import EventFormat
import HubConfig
import HubModel

/// Which bars are to be fetched for a hole, and of whom, as the configuration says.
struct HealingPlan: Sendable {
    let pipelines: [PipelineConfiguration]
    private let overrides: [String: String]
    /// By instrument in no more than one pipeline.
    private let owners: [Symbol: Int]

    init(_ configuration: Configuration) {
        self.init(pipelines: configuration.pipelines, overrides: Plans.calendars(configuration))
    }

    /// - Parameter overrides: venue → name of the calendar that the operator gave it.
    init(pipelines: [PipelineConfiguration], overrides: [String: String] = [:]) {
        self.pipelines = pipelines
        self.overrides = overrides
        var owners: [Symbol: Int] = [:]
        for (index, pipeline) in pipelines.enumerated() {
            for symbol in pipeline.instruments { owners[symbol] = index }
        }
        self.owners = owners
    }

    /// Whether holes of a source are healed in some pipeline.
    func heals(_ source: String) -> Bool {
        pipelines.contains { pipeline in
            pipeline.backfill.healsGaps && !pipeline.bars.isEmpty && !pipeline.backfill.providers.isEmpty
                && pipeline.sources.contains { $0.provider == source }
        }
    }

    /// Symbols and globs as instruments of a source's pipelines.
    func instruments(_ symbols: [String], of source: String) -> [String] {
        var found: [String] = []
        for text in symbols {
            guard let pattern = try? SymbolPattern(text) else { continue }
            guard !pattern.isExact else {
                found.append(text)
                continue
            }
            for pipeline in pipelines where pipeline.sources.contains(where: { $0.provider == source }) {
                found += pipeline.instruments.filter { pattern.matches($0) }.map(\.text)
            }
        }
        return found
    }

    /// The pipeline of an instrument, also of one that is there on demand.
    func pipeline(of text: String) -> PipelineConfiguration? {
        guard let symbol = try? Symbol(text) else { return nil }
        if let owner = owners[symbol] { return pipelines[owner] }
        return pipelines.first { $0.takes(symbol) } ?? pipelines.first { $0.offers(symbol) }
    }

    func calendar(of symbol: String) -> TradingCalendar {
        .forVenue(String(symbol.prefix { $0 != ":" }), overrides: overrides)
    }
}

/// One instrument's part of a hole.
struct GapPart: Sendable, Hashable {
    var symbol: String
    var interval: Interval
    var providers: [String]
    /// Whole bars: from the open of the first one touched to the end of the last.
    var from: Int64
    var to: Int64
}
