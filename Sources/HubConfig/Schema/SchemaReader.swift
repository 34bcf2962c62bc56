internal import HubModel

/// Reads the subset of JSON Schema 2020-12 that plugins describe their settings with.
///
/// A map with `properties` takes no other keys unless `additionalProperties` says so: a mistyped setting must not go unseen.
/// Keywords it does not know are passed over.
enum SchemaReader {
    static func read(_ tree: SettingsTree, depth: Int = 0) -> Schema {
        guard depth < YAMLReader.deepest else { return Schema(.any) }
        var schema = Schema(shape(tree, depth: depth))
        schema.defaultValue = tree["default"]
        if let values = tree["enum"]?.listValue { schema.values = values }
        if let value = tree["const"] { schema.values = [value] }
        schema.isSecret = tree["x-secret"]?.boolValue ?? false
        schema.unit = tree["x-unit"]?.textValue
        if let deprecation = tree["x-deprecated"] {
            if let reason = deprecation.textValue { schema.deprecation = reason }
            if deprecation.boolValue == true { schema.deprecation = "" }
        }
        if let former = tree["x-renamed-from"] {
            schema.formerNames =
                former.listValue?.compactMap(\.textValue) ?? former.textValue.map { [$0] } ?? []
        }
        return schema
    }

    private static func shape(_ tree: SettingsTree, depth: Int) -> Schema.Shape {
        if let alternatives = (tree["oneOf"] ?? tree["anyOf"])?.listValue {
            return .choice(alternatives.map { read($0, depth: depth + 1) })
        }
        if let types = tree["type"]?.listValue?.compactMap(\.textValue) {
            return .choice(types.map { Schema(shape(type: $0, tree, depth: depth)) })
        }
        if let type = tree["type"]?.textValue { return shape(type: type, tree, depth: depth) }
        if tree["properties"] != nil || tree["additionalProperties"] != nil {
            return shape(type: "object", tree, depth: depth)
        }
        if tree["items"] != nil { return shape(type: "array", tree, depth: depth) }
        if tree["format"] != nil || tree["pattern"] != nil {
            return shape(type: "string", tree, depth: depth)
        }
        return .any
    }

    private static func shape(type: String, _ tree: SettingsTree, depth: Int) -> Schema.Shape {
        switch type {
        case "boolean": return .bool
        case "integer": return .integer(range(tree))
        case "number": return .number(range(tree))
        case "null": return .null
        case "string":
            return .text(
                Schema.TextRule(
                    format: tree["format"]?.textValue.flatMap(Schema.Format.init),
                    minimumLength: tree["minLength"]?.integerValue.map(Int.init),
                    maximumLength: tree["maxLength"]?.integerValue.map(Int.init),
                    pattern: tree["pattern"]?.textValue))
        case "array":
            return .list(
                Schema.ListRule(
                    items: tree["items"].map { read($0, depth: depth + 1) } ?? Schema(.any),
                    minimumCount: tree["minItems"]?.integerValue.map { Int(max($0, 0)) } ?? 0,
                    maximumCount: tree["maxItems"]?.integerValue.map { Int(max($0, 0)) } ?? .max,
                    isUnique: tree["uniqueItems"]?.boolValue ?? false))
        case "object": return .map(mapRule(tree, depth: depth))
        default: return .any
        }
    }

    private static func mapRule(_ tree: SettingsTree, depth: Int) -> Schema.MapRule {
        var rule = Schema.MapRule()
        rule.properties = (tree["properties"]?.mapValue ?? []).map {
            Schema.Property(key: $0.0, schema: read($0.1, depth: depth + 1))
        }
        rule.required = tree["required"]?.listValue?.compactMap(\.textValue) ?? []
        rule.minimumCount = tree["minProperties"]?.integerValue.map { Int(max($0, 0)) } ?? 0
        switch tree["additionalProperties"] {
        case .bool(let isAllowed): rule.additional = isAllowed ? Schema(.any) : nil
        case .map(let entries): rule.additional = read(.map(entries), depth: depth + 1)
        default: rule.additional = tree["properties"] == nil ? Schema(.any) : nil
        }
        if tree["propertyNames"]?["format"]?.textValue == "symbol" { rule.keys = .symbol }
        return rule
    }

    private static func range(_ tree: SettingsTree) -> Schema.Range {
        Schema.Range(
            minimum: tree["minimum"]?.numberValue, maximum: tree["maximum"]?.numberValue,
            exclusiveMinimum: tree["exclusiveMinimum"]?.numberValue,
            exclusiveMaximum: tree["exclusiveMaximum"]?.numberValue)
    }
}
