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

    func resolve(_ name: String) -> SymbolMatch {
        let match = directory.resolve(name)
        // What nobody has heard of yet may be streamed for whoever asks.
        guard case .unknown = match, let symbol = onDemand(name) else { return match }
        return .found(symbol)
    }

    func instrument(_ symbol: String) -> StreamInstrument? {
        let isOnDemand = onDemand(symbol) != nil
        guard isOnDemand || directory.contains(symbol) else { return nil }
        var found = look(at: [symbol]).first
        if isOnDemand {
            found?.isPending = engine.withFold { fold, _ in fold.instrument(symbol)?.subscription } != Self.streaming
        }
        return found
    }

    func refusal(_ symbol: Symbol) -> String? {
        guard let demand = engine.demand, demand.isPossible, demand.offers(symbol), !demand.hasRoom(for: symbol) else {
            return nil
        }
        return "\(demand.limit) instruments are streamed on demand already, and there is room for no more"
    }

    private static let streaming = UInt8(HUB_STATE_OK)

    private func onDemand(_ name: String) -> Symbol? {
        guard let demand = engine.demand, demand.isPossible, let symbol = try? Symbol(name), demand.offers(symbol)
        else {
            return nil
        }
        return symbol
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
