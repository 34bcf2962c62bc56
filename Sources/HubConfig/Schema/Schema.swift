internal import HubModel

/// What may stand in one place of a configuration: of the core's own keys, or of a plugin's settings.
struct Schema: Sendable {
    indirect enum Shape: Sendable {
        /// Anything; unquoted scalars are taken by YAML 1.2's core schema.
        case any
        case null
        case bool
        case integer(Range)
        case number(Range)
        case text(TextRule)
        case list(ListRule)
        case map(MapRule)
        /// One of these; the first that fits.
        case choice([Schema])
    }

    /// Limits of a number.
    struct Range: Sendable {
        var minimum: Double?
        var maximum: Double?
        var exclusiveMinimum: Double?
        var exclusiveMaximum: Double?
    }

    struct TextRule: Sendable {
        var format: Format?
        var minimumLength: Int?
        var maximumLength: Int?
        /// Of a duration or size, in nanoseconds or bytes, and as it is written.
        var minimumAmount: (value: Int64, text: String)?
        /// A regular expression that some part of the text matches.
        var pattern: String?
    }

    struct ListRule: Sendable {
        var items: Schema
        var minimumCount = 0
        var maximumCount = Int.max
        var isUnique = false
    }

    struct MapRule: Sendable {
        var properties: [Property] = []
        var required: [String] = []
        /// For keys that are no properties; `nil`: there are none.
        var additional: Schema?
        var keys: KeyRule = .any
        var minimumCount = 0

        func property(_ key: String) -> Schema? { properties.first { $0.key == key }?.schema }
    }

    struct Property: Sendable {
        var key: String
        var schema: Schema
    }

    /// What keys of a map must look like.
    enum KeyRule: Sendable {
        case any
        /// A name that the operator chooses.
        case name
        case venue
        case symbol
        case interval
    }

    /// What a text means.
    enum Format: String, Sendable {
        case duration, size, interval, rate, clock, symbol, path, uri
        /// A symbol, a glob or `group:NAME`.
        case symbols
        /// `HOST:PORT`, `[::1]:8080`, `unix:PATH`
        case address
        /// A key of `providers` and so on.
        case name
        /// A word of `EventSelector`.
        case selector
        /// `sha256:…`
        case digest
        /// An origin of web pages, or `*`.
        case origin
    }

    var shape: Shape
    /// What counts where nothing is written.
    var defaultValue: SettingsTree?
    /// The only values there are.
    var values: [SettingsTree]?
    /// Values that are known already but not there yet.
    var laterValues: [String] = []
    /// The key is known, and comes with a later version of the hub.
    var isLater = false
    var isSecret = false
    var unit: String?
    /// Why it should not be used any more; empty where no reason is given.
    var deprecation: String?
    var formerNames: [String] = []

    init(_ shape: Shape) { self.shape = shape }
}

// Building the core's own schema.
extension Schema {
    static var bool: Schema { Schema(.bool) }
    static var text: Schema { Schema(.text(TextRule())) }
    static var later: Schema {
        var schema = Schema(.any)
        schema.isLater = true
        return schema
    }

    static func integer(_ minimum: Double, _ maximum: Double) -> Schema {
        Schema(.integer(Range(minimum: minimum, maximum: maximum)))
    }

    static func number(_ minimum: Double, _ maximum: Double) -> Schema {
        Schema(.number(Range(minimum: minimum, maximum: maximum)))
    }

    static func format(_ format: Format) -> Schema { Schema(.text(TextRule(format: format))) }

    /// A duration or size that is not smaller than another.
    static func format(_ format: Format, atLeast text: String) -> Schema {
        let amount =
            format == .duration
            ? (try? ConfiguredDuration(text))?.nanoseconds : (try? ConfiguredSize(text))?.byteCount
        return Schema(.text(TextRule(format: format, minimumAmount: amount.map { ($0, text) })))
    }

    static func words(_ words: String..., later: [String] = []) -> Schema {
        var schema = Schema(.text(TextRule()))
        schema.values = words.map { .text($0) }
        schema.laterValues = later
        return schema
    }

    static func list(_ items: Schema, atLeast: Int = 0) -> Schema {
        Schema(.list(ListRule(items: items, minimumCount: atLeast)))
    }

    static func choice(_ alternatives: Schema...) -> Schema { Schema(.choice(alternatives)) }

    static func map(_ properties: KeyValuePairs<String, Schema>, required: [String] = []) -> Schema {
        Schema(
            .map(
                MapRule(
                    properties: properties.map { Property(key: $0.key, schema: $0.value) }, required: required
                )))
    }

    /// A map from keys the operator chooses.
    static func maps(_ keys: KeyRule, to values: Schema) -> Schema {
        Schema(.map(MapRule(additional: values, keys: keys)))
    }

    func or(_ value: SettingsTree) -> Schema {
        var schema = self
        schema.defaultValue = value
        return schema
    }

    /// Left out, it is an empty map, with the defaults of what is in it.
    var orEmpty: Schema { or(.empty) }
}

// What is expected, in words.
extension Schema {
    var expectation: String {
        if let values {
            let words = values.map { "'\(Schema.word($0))'" }
            return words.count == 1 ? words[0] : "one of " + words.joined(separator: ", ")
        }
        return switch shape {
        case .any: "a value"
        case .null: "nothing"
        case .bool: "true or false"
        case .integer(let range): "an integer\(range.inWords)\(unitInWords)"
        case .number(let range): "a number\(range.inWords)\(unitInWords)"
        case .text(let rule): rule.format?.expectation ?? "a text"
        case .list(let rule):
            if case .text(let text) = rule.items.shape, rule.items.values == nil, text.format == nil {
                "a list of texts"
            } else {
                "a list (each \(rule.items.expectation))"
            }
        case .map(let rule):
            if rule.properties.isEmpty || rule.properties.count > 6 {
                "a map"
            } else {
                "a map (\(rule.properties.filter { !$0.schema.isLater }.map(\.key).joined(separator: ", ")))"
            }
        case .choice(let alternatives): Schema.enumerated(alternatives.map(\.expectation))
        }
    }

    private var unitInWords: String { unit.map { " (\($0))" } ?? "" }

    static func enumerated(_ parts: [String]) -> String {
        guard parts.count > 1, let last = parts.last else { return parts.first ?? "" }
        return parts.dropLast().joined(separator: ", ") + " or " + last
    }

    static func word(_ value: SettingsTree) -> String { value.textValue ?? value.jsonText }
}

extension Schema.Range {
    func contains(_ value: Double) -> Bool {
        (minimum.map { value >= $0 } ?? true) && (maximum.map { value <= $0 } ?? true)
            && (exclusiveMinimum.map { value > $0 } ?? true)
            && (exclusiveMaximum.map { value < $0 } ?? true)
    }

    var inWords: String {
        if let minimum, let maximum { return " from \(text(minimum)) to \(text(maximum))" }
        var parts: [String] = []
        if let minimum { parts.append("of at least \(text(minimum))") }
        if let exclusiveMinimum { parts.append("above \(text(exclusiveMinimum))") }
        if let maximum { parts.append("of at most \(text(maximum))") }
        if let exclusiveMaximum { parts.append("below \(text(exclusiveMaximum))") }
        return parts.isEmpty ? "" : " " + parts.joined(separator: " and ")
    }

    private func text(_ value: Double) -> String { SettingsTree.number(value).jsonText }
}

extension Schema.Format {
    var expectation: String {
        switch self {
        case .duration: "a duration such as 250ms, 10s, 5m, 24h, 90d, 2w, 1y, forever or 0"
        case .size: "a size such as 64KiB, 10MB, 2GiB or none"
        case .interval: "an interval: 1s 5s 15s 30s 1m 3m 5m 15m 30m 1h 2h 4h 1d 1w 1M"
        case .rate: "a rate such as 8/min, 25/s or 800/day"
        case .clock: "a time of day such as \"08:30\""
        case .symbol: "a symbol such as NSE:RELIANCE"
        case .symbols: "a symbol such as NSE:RELIANCE, a glob such as \"NSE:*\", or group:NAME"
        case .path: "a path"
        case .uri: "an address such as https://example.com"
        case .address: "an address: HOST:PORT, \"[::1]:8080\" or unix:PATH"
        case .name: "a name"
        case .selector:
            "a kind of event: trade, quote, tick, book, bar, bar:1m, value, greeks, signal, status, gap, control"
        case .digest: "sha256: and 64 hexadecimal digits"
        case .origin: "an origin such as https://app.example.com, or \"*\""
        }
    }
}
