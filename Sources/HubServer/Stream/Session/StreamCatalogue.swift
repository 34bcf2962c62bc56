internal import HubModel

/// What a session must know of instruments to answer a subscription. The owner looks it up in the fold, the store and
/// the configuration.
protocol StreamCatalogue {
    /// The instrument a name stands for: a canonical symbol, or a bare name that is unambiguous.
    func resolve(_ name: String) -> SymbolMatch
    /// An instrument by its canonical symbol.
    func instrument(_ symbol: String) -> StreamInstrument?
    /// All instruments that match a glob, by symbol.
    func instruments(matching glob: SymbolPattern) -> [StreamInstrument]
    /// Whether this key may read the instrument.
    func isAllowed(_ symbol: String) -> Bool
    /// Why an instrument that is streamed on demand cannot be streamed now.
    func refusal(_ symbol: Symbol) -> String?
    /// Selectors of the values that are configured, `rsi(14)@1m`.
    var configuredValues: [String] { get }
}

extension StreamCatalogue {
    func isAllowed(_ symbol: String) -> Bool { true }
    func refusal(_ symbol: Symbol) -> String? { nil }
}

/// What a name stands for.
enum SymbolMatch: Hashable, Sendable {
    case found(Symbol)
    /// Several instruments have this name.
    case ambiguous([String])
    /// None; perhaps one of these was meant.
    case unknown(nearest: [String])
}

/// An instrument as a subscription sees it.
struct StreamInstrument: Hashable, Sendable {
    /// Something that exists for it: a kind, for bars an interval, for values a definition.
    struct Kind: Hashable, Sendable {
        var kind: EventKind
        /// Of bars and values in seconds.
        var interval: UInt32 = 0
        /// Of values.
        var definition = ""
    }

    var symbol: String
    /// In the order in which they are told.
    var kinds: [Kind]
    /// Being started upstream on demand.
    var isPending = false
}
