import EventFormat
import HubFold
import HubModel
import HubRuntime
import PluginABI

/// The instruments as subscriptions see them: names from the directory, what exists for each from the fold.
struct HubCatalogue: StreamCatalogue {
    /// So many are looked up before the sequencer gets its turn.
    private static let atOnce = 256

    let engine: any EngineAccess
    let directory: SymbolDirectory
    private let definitions: DefinitionTable

    init(engine: any EngineAccess, directory: SymbolDirectory) {
        self.engine = engine
        self.directory = directory
        definitions = engine.definitions.snapshot()
    }

    func resolve(_ name: String) -> SymbolMatch { directory.resolve(name) }

    func instrument(_ symbol: String) -> StreamInstrument? {
        guard directory.contains(symbol) else { return nil }
        return look(at: [symbol]).first
    }

    func instruments(matching glob: SymbolPattern) -> [StreamInstrument] {
        let symbols = directory.symbols(matching: glob).map(\.text)
        var found: [StreamInstrument] = []
        found.reserveCapacity(symbols.count)
        for start in stride(from: 0, to: symbols.count, by: Self.atOnce) {
            found += look(at: symbols[start..<min(start + Self.atOnce, symbols.count)])
        }
        return found
    }

    var configuredValues: [String] { definitions.values.map(\.selector) }

    private func look(at symbols: some Collection<String>) -> [StreamInstrument] {
        let summaries = engine.withFold { fold, _ in symbols.map { ($0, fold.instrument($0)) } }
        return summaries.map { symbol, summary in
            // Named by the configuration and not heard of yet: it has no kinds.
            StreamInstrument(symbol: symbol, kinds: summary.map(kinds) ?? [])
        }
    }

    private func kinds(_ summary: InstrumentSummary) -> [StreamInstrument.Kind] {
        var kinds: [StreamInstrument.Kind] = []
        for (number, _) in Words.kinds where number < 32 && summary.kinds >> UInt32(number) & 1 != 0 {
            guard let kind = EventKind(rawValue: UInt8(number)) else { continue }
            switch kind {
            case .bar:
                for interval in summary.intervals { kinds.append(.init(kind: .bar, interval: interval)) }
            case .value:
                for id in summary.valueDefinitions {
                    guard let value = definitions.value(id) else { continue }
                    kinds.append(.init(kind: .value, interval: value.interval, definition: value.name))
                }
            default: kinds.append(.init(kind: kind))
            }
        }
        return kinds
    }
}
