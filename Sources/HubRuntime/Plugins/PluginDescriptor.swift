public import HubConfig
public import HubModel
import PluginABI

/// What a plugin says about itself, as values.
public struct PluginDescriptor: Sendable, Equatable {
    public struct RateClass: Sendable, Hashable {
        public var name: String
        public var requests: UInt32
        public var windowMilliseconds: UInt32
    }

    public var id: String
    public var kind: PluginDescription.Kind
    public var name: String
    public var vendor: String
    public var version: String
    public var description: String
    /// SPDX expression.
    public var licence: String
    public var url: String
    public var traits: PluginDescription.Traits
    /// Bits `1 << kind` of what a provider streams or a sink takes; 0 = all.
    public var kinds: UInt32
    /// Most lines one callback may emit; the default filled in.
    public var maximumLines: Int
    /// How long after its end a bar stays open for late data; the default filled in.
    public var finalizeAfterNanoseconds: Int64
    /// Silent that long in an open market = stale; the default filled in.
    public var staleAfterNanoseconds: Int64
    /// Hosts it may talk to.
    public var hosts: [String]
    public var rates: [RateClass]
    /// Ids of the queries it answers.
    public var queries: [String]
    /// JSON Schema of its settings; an empty map takes anything.
    public var schema: SettingsTree
    /// Indicators: a list of rows as `/v1/indicators` answers them; else an empty list.
    public var catalogue: SettingsTree
    /// Host extensions without which it cannot work.
    public var required: [String]
    public var optional: [String]
}

// MARK: From the ABI

extension PluginDescriptor {
    /// Reads a descriptor, or says what is wrong with it.
    init(_ raw: UnsafePointer<hub_descriptor>, file: String, index: UInt32) throws(PluginRefusal) {
        let descriptor = raw.pointee
        func refuse(_ reason: String) -> PluginRefusal {
            PluginRefusal(file: file, reason: "its descriptor \(index) \(reason); its author has to mend it")
        }
        guard descriptor.struct_size >= MemoryLayout<hub_descriptor>.size else {
            throw refuse("has \(descriptor.struct_size) bytes, expected \(MemoryLayout<hub_descriptor>.size)")
        }
        id = String(descriptor.id)
        guard PluginDescriptor.isID(id) else {
            throw refuse(
                "has the id '\(id.prefix(64))'; expected a short name or reverse DNS of a-z 0-9 . _ -, beginning with a "
                    + "letter, at most 64")
        }
        switch Int(descriptor.kind) {
        case HUB_PROVIDER: kind = .provider
        case HUB_INDICATOR: kind = .indicator
        case HUB_SINK: kind = .sink
        default: throw refuse("(\(id)) is of kind \(descriptor.kind); expected 1, 2 or 3 (provider, indicator, sink)")
        }
        name = String(descriptor.name)
        vendor = String(descriptor.vendor)
        version = String(descriptor.version)
        description = String(descriptor.description)
        licence = String(descriptor.licence)
        url = String(descriptor.url)
        traits = PluginDescription.Traits(rawValue: descriptor.traits)
        kinds = descriptor.kinds
        maximumLines = descriptor.max_lines == 0 ? PluginDescriptor.defaultLines : Int(descriptor.max_lines)
        guard maximumLines <= PluginDescriptor.mostLines else {
            throw refuse(
                "(\(id)) wants to emit \(maximumLines) lines a call; at most \(PluginDescriptor.mostLines) are possible"
            )
        }
        finalizeAfterNanoseconds =
            Int64(descriptor.finalize_after_ms == 0 ? 2_000 : descriptor.finalize_after_ms) * 1_000_000
        staleAfterNanoseconds = Int64(descriptor.stale_after_ms == 0 ? 30_000 : descriptor.stale_after_ms) * 1_000_000
        for (count, what) in [
            (descriptor.host_count, "hosts"), (descriptor.rate_count, "rates"), (descriptor.query_count, "queries"),
            (descriptor.required_count, "required extensions"), (descriptor.optional_count, "optional extensions"),
        ] where count > PluginDescriptor.mostItems {
            throw refuse("(\(id)) names \(count) \(what); at most \(PluginDescriptor.mostItems) are possible")
        }
        hosts = PluginDescriptor.texts(descriptor.hosts, descriptor.host_count)
        rates = UnsafeBufferPointer(
            start: descriptor.rates, count: descriptor.rates == nil ? 0 : Int(descriptor.rate_count)
        ).map {
            RateClass(name: String($0.name), requests: $0.requests, windowMilliseconds: $0.window_ms)
        }
        queries = PluginDescriptor.texts(descriptor.queries, descriptor.query_count)
        required = PluginDescriptor.texts(descriptor.required, descriptor.required_count)
        optional = PluginDescriptor.texts(descriptor.optional, descriptor.optional_count)
        do {
            let text = String(descriptor.settings_schema)
            schema = text.isEmpty ? .empty : try SettingsTree(json: text)
        } catch {
            throw refuse("(\(id)) has a settings schema that is \(error)")
        }
        guard schema.mapValue != nil else {
            throw refuse("(\(id)) has a settings schema that is \(schema.kindInWords); expected a JSON object")
        }
        do {
            let text = String(descriptor.catalogue)
            catalogue = text.isEmpty ? .list([]) : try SettingsTree(json: text)
        } catch {
            throw refuse("(\(id)) has a catalogue that is \(error)")
        }
        guard catalogue.listValue != nil else {
            throw refuse("(\(id)) has a catalogue that is \(catalogue.kindInWords); expected a JSON array")
        }
    }

    private static let defaultLines = 16_384
    private static let mostLines = 1 << 18
    private static let mostItems: UInt64 = 4096

    private static func texts(_ start: UnsafePointer<hub_text>?, _ count: UInt64) -> [String] {
        guard let start else { return [] }
        return UnsafeBufferPointer(start: start, count: Int(count)).map { String($0) }
    }

    static func isID(_ text: String) -> Bool {
        guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
        return text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

// MARK: For configurations

extension PluginDescription {
    /// What configurations need of a descriptor.
    public init(_ descriptor: PluginDescriptor, file: String, isBundled: Bool) {
        self.init(
            id: descriptor.id, kind: descriptor.kind, version: descriptor.version, schema: descriptor.schema,
            traits: descriptor.traits, kinds: descriptor.kinds,
            finalizeAfterNanoseconds: descriptor.finalizeAfterNanoseconds,
            staleAfterNanoseconds: descriptor.staleAfterNanoseconds, queries: descriptor.queries, file: file,
            isBundled: isBundled)
    }
}
