public import HubModel

/// What a configuration is checked against: the plugins that are there.
public protocol PluginCatalogue: Sendable {
    /// The plugin with an id, `nil` if there is none.
    func descriptor(_ id: String) -> PluginDescription?
    /// All ids, for suggestions; in any order.
    var ids: [String] { get }
    /// Why a plugin that seems to be there cannot be used, in words; `nil` where nothing is known of it.
    func refusal(_ id: String) -> String?
}

extension PluginCatalogue {
    public func refusal(_ id: String) -> String? { nil }
}

/// What a plugin says about itself, as far as configurations need it.
public struct PluginDescription: Sendable {
    public enum Kind: String, Sendable, Hashable {
        case provider, indicator, sink
    }

    public struct Traits: OptionSet, Sendable, Hashable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        // The bits of HUB_TRAIT_….
        /// Its time is in the data.
        public static let recorded = Traits(rawValue: 1 << 0)
        /// Everything it makes is marked simulated.
        public static let simulated = Traits(rawValue: 1 << 1)
        public static let blocking = Traits(rawValue: 1 << 2)
        public static let plainSecret = Traits(rawValue: 1 << 3)
        public static let resumes = Traits(rawValue: 1 << 4)
    }

    public var id: String
    public var kind: Kind
    public var version: String
    /// JSON Schema of its settings, 2020-12 subset; an empty map takes anything.
    public var schema: SettingsTree
    public var traits: Traits
    /// Bits `1 << kind` of what a provider streams or a sink takes; 0 = all.
    public var kinds: UInt32
    public var finalizeAfterNanoseconds: Int64
    public var staleAfterNanoseconds: Int64
    /// What it answers on demand: `quotes`, `bars`, `profile` ….
    public var queries: [String]
    /// The library it is in.
    public var file: String
    /// It came with the hub.
    public var isBundled: Bool

    public init(
        id: String, kind: Kind, version: String = "", schema: SettingsTree = .empty,
        traits: Traits = [],
        kinds: UInt32 = 0, finalizeAfterNanoseconds: Int64 = 2_000_000_000,
        staleAfterNanoseconds: Int64 = 30_000_000_000, queries: [String] = [], file: String = "", isBundled: Bool = true
    ) {
        self.id = id
        self.kind = kind
        self.version = version
        self.schema = schema
        self.traits = traits
        self.kinds = kinds
        self.finalizeAfterNanoseconds = finalizeAfterNanoseconds
        self.staleAfterNanoseconds = staleAfterNanoseconds
        self.queries = queries
        self.file = file
        self.isBundled = isBundled
    }
}
