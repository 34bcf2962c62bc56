import PluginABI

/// What a plugin says about itself before anything of it runs.
public struct Descriptor: Sendable {
    /// Short name or reverse DNS; what `plugin:` in `hub.yaml` names.
    public var id: String
    public var name: String
    public var vendor: String
    public var version: String
    /// One or two sentences for `hub plugin show`.
    public var description: String
    /// SPDX expression.
    public var licence: String
    public var url: String
    public var traits: PluginTraits
    /// What a provider streams or a sink takes; empty = everything.
    public var kinds: KindSet
    /// Most lines of 64 bytes one callback may emit; 0 = 16384.
    public var maxLines: UInt32
    /// How long after its end a bar stays open for late data; 0 = 2000.
    public var finalizeAfterMilliseconds: UInt32
    /// Silent that long in an open market = stale; 0 = 30000.
    public var staleAfterMilliseconds: UInt32
    /// Hosts it may talk to.
    public var hosts: [String]
    public var rates: [RateClass]
    /// Ids of queries it answers.
    public var queries: [String]
    /// JSON Schema of the settings, an object.
    public var settingsSchema: String
    /// Indicators: JSON array, rows as `/v1/indicators` answers; else empty.
    public var catalogue: String
    /// Host extensions without which it cannot work.
    public var required: [String]
    public var optional: [String]

    /// Makes a descriptor; what is not given is empty or the host's default.
    public init(
        id: String, name: String, vendor: String, version: String, description: String, licence: String = "",
        url: String = "", traits: PluginTraits = [], kinds: KindSet = [], maxLines: UInt32 = 0,
        finalizeAfterMilliseconds: UInt32 = 0, staleAfterMilliseconds: UInt32 = 0, hosts: [String] = [],
        rates: [RateClass] = [], queries: [String] = [], settingsSchema: String = #"{"type":"object"}"#,
        catalogue: String = "", required: [String] = [], optional: [String] = []
    ) {
        self.id = id
        self.name = name
        self.vendor = vendor
        self.version = version
        self.description = description
        self.licence = licence
        self.url = url
        self.traits = traits
        self.kinds = kinds
        self.maxLines = maxLines
        self.finalizeAfterMilliseconds = finalizeAfterMilliseconds
        self.staleAfterMilliseconds = staleAfterMilliseconds
        self.hosts = hosts
        self.rates = rates
        self.queries = queries
        self.settingsSchema = settingsSchema
        self.catalogue = catalogue
        self.required = required
        self.optional = optional
    }

    /// The descriptor as the ABI has it; it lives for ever.
    func immortal(kind: UInt32) -> UnsafePointer<hub_descriptor> {
        var descriptor = hub_descriptor()
        descriptor.struct_size = UInt32(MemoryLayout<hub_descriptor>.size)
        descriptor.kind = kind
        descriptor.id = Immortal.text(id)
        descriptor.name = Immortal.text(name)
        descriptor.vendor = Immortal.text(vendor)
        descriptor.version = Immortal.text(version)
        descriptor.description = Immortal.text(description)
        descriptor.licence = Immortal.text(licence)
        descriptor.url = Immortal.text(url)
        descriptor.traits = traits.rawValue
        descriptor.kinds = kinds.rawValue
        descriptor.max_lines = maxLines
        descriptor.finalize_after_ms = finalizeAfterMilliseconds
        descriptor.stale_after_ms = staleAfterMilliseconds
        descriptor.hosts = Immortal.array(hosts.map(Immortal.text))
        descriptor.host_count = UInt64(hosts.count)
        descriptor.rates = Immortal.array(
            rates.map {
                hub_rate_class(name: Immortal.text($0.name), requests: $0.requests, window_ms: $0.windowMilliseconds)
            })
        descriptor.rate_count = UInt64(rates.count)
        descriptor.queries = Immortal.array(queries.map(Immortal.text))
        descriptor.query_count = UInt64(queries.count)
        descriptor.settings_schema = Immortal.text(settingsSchema)
        descriptor.catalogue = Immortal.text(catalogue)
        descriptor.required = Immortal.array(required.map(Immortal.text))
        descriptor.required_count = UInt64(required.count)
        descriptor.optional = Immortal.array(optional.map(Immortal.text))
        descriptor.optional_count = UInt64(optional.count)
        return Immortal.value(descriptor)
    }
}

/// How many requests a vendor allows in a window.
public struct RateClass: Sendable {
    public var name: String
    public var requests: UInt32
    public var windowMilliseconds: UInt32

    /// Makes a rate class.
    public init(name: String, requests: UInt32, windowMilliseconds: UInt32) {
        self.name = name
        self.requests = requests
        self.windowMilliseconds = windowMilliseconds
    }
}

/// What the host must know about how a plugin behaves.
public struct PluginTraits: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Time is in the data: the largest event time is the watermark.
    public static let recorded = PluginTraits(rawValue: 1 << 0)
    /// Everything it makes is marked simulated.
    public static let simulated = PluginTraits(rawValue: 1 << 1)
    /// Callbacks may block: it gets a thread of its own.
    public static let blocking = PluginTraits(rawValue: 1 << 2)
    /// Needs secrets in the open; `hub plugin list` shows it.
    public static let plainSecret = PluginTraits(rawValue: 1 << 3)
    /// Emits positions and goes on from the last one.
    public static let resumes = PluginTraits(rawValue: 1 << 4)
}
