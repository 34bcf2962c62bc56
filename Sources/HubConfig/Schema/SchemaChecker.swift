internal import HubModel

/// Checks a tree against a schema: types, expansion, unknown keys, defaults. Everything wrong is reported; what is right comes out.
final class SchemaChecker {
    /// What happens to `${…}`.
    enum Expansion {
        /// Filled in; what cannot be is an error.
        case strict
        /// Filled in; what is not there is remembered in `absences` and is no error.
        case lenient
        /// Left alone: the value is unknown.
        case off
    }

    /// A reference that could not be filled in, of a component that may be left out.
    struct Absence {
        var summary: String
        var message: String
        var path: String
        var span: SourceSpan
    }

    let problems: Problems
    let expander: Expander
    /// Where paths in defaults start.
    let mainFolder: String
    var expansion = Expansion.strict
    var absences: [Absence] = []
    /// What a key is called in messages: `key`, or `setting` of a plugin.
    var noun = "key"
    /// Where a key that is unknown in a map belongs, in words; asked for keys of the map with this path.
    var misplaced: (path: String, cure: (_ key: String) -> String?)?
    /// Defaults are being filled in: they are texts, and not written by anybody.
    private(set) var isFillingIn = false

    init(problems: Problems, expander: Expander, mainFolder: String) {
        self.problems = problems
        self.expander = expander
        self.mainFolder = mainFolder
    }

    private func complain(_ span: SourceSpan, _ path: String, _ message: String) {
        problems.report(span, path, message)
    }

    private func unknown(_ node: YAMLNode) -> CheckedValue {
        CheckedValue(content: .unknown, span: node.span)
    }

    /// - Parameter key: where the key of this value stands, for complaints about what is missing in it.
    func check(_ node: YAMLNode, _ schema: Schema, _ path: String, key: SourceSpan) -> CheckedValue {
        if case .invalid = node.content { return unknown(node) }
        if schema.isSecret { problems.hide(node.span) }
        var value = checkShape(node, schema, path, key: key)
        value.isDefault = isFillingIn
        if schema.isSecret {
            value.isSecret = true
            value.isShowable = false
        }
        return value
    }

    private func checkShape(_ node: YAMLNode, _ schema: Schema, _ path: String, key: SourceSpan)
        -> CheckedValue
    {
        switch (schema.shape, node.content) {
        case (.choice(let alternatives), _): return choose(node, alternatives, schema, path, key: key)
        case (.any, _): return free(node, path)
        case (.map(let rule), .map(let entries)): return map(node, entries, rule, path, key: key)
        case (.map(let rule), .scalar(let scalar)) where scalar.isNull:
            return map(node, [], rule, path, key: key)
        case (.map, _): return mismatch(node, schema, path)
        case (.list(let rule), .list(let items)): return list(node, items, rule, path)
        case (_, .scalar(let scalar)) where scalar.isNull && !isNullable(schema):
            complain(key, path, "is empty; expected \(schema.expectation)")
            return unknown(node)
        case (.list(let rule), _) where !fits(node, rule.items): return mismatch(node, schema, path)
        case (.list(let rule), _):
            // A single value is accepted where a list is expected.
            return CheckedValue(
                content: .list([check(node, rule.items, path, key: key)]), span: node.span)
        case (_, .scalar(let scalar)): return self.scalar(node, scalar, schema, path)
        default: return mismatch(node, schema, path)
        }
    }

    private func isNullable(_ schema: Schema) -> Bool {
        if case .null = schema.shape { true } else { false }
    }

    private func mismatch(_ node: YAMLNode, _ schema: Schema, _ path: String) -> CheckedValue {
        var wantsMap = false
        if case .map = schema.shape { wantsMap = true }
        return mismatch(node, expected: schema.expectation, wantsMap: wantsMap, path)
    }

    /// Complains about the wrong kind of value.
    @discardableResult
    func mismatch(_ node: YAMLNode, expected: String, wantsMap: Bool, _ path: String) -> CheckedValue {
        if wantsMap, let scalar = node.scalar, scalar.style == .plain,
            let colon = YAMLTrap.unspacedColon(Array(scalar.text.unicodeScalars), from: 0)
        {
            let name = YAMLTrap.string(scalar.text.unicodeScalars.prefix(colon))
            var span = node.span
            (span.endLine, span.endColumn) = (span.line, span.column + colon + 1)
            complain(span, path, "expected a map, found a text: a blank is missing after '\(name):'")
            return unknown(node)
        }
        complain(node.span, path, "expected \(expected), found \(node.kindInWords)")
        return unknown(node)
    }

    // MARK: - Maps

    private func map(
        _ node: YAMLNode, _ entries: [YAMLEntry], _ rule: Schema.MapRule, _ path: String,
        key: SourceSpan
    ) -> CheckedValue {
        var result: [CheckedEntry] = []
        var seen: Set<String> = []
        // Keys that were mistyped are not missing as well.
        var seenByMistake: Set<String> = []
        for entry in entries {
            var name = entry.key
            var schema = rule.property(name)
            if schema == nil,
                let renamed = rule.properties.first(where: { $0.schema.formerNames.contains(name) })
            {
                problems.report(
                    entry.keySpan, PathText.key(path, name), "is called '\(renamed.key)' now; rename it",
                    .warning)
                name = renamed.key
                schema = renamed.schema
            }
            let entryPath = PathText.key(path, name)
            guard let schema = schema ?? additional(rule, entry, entryPath) else {
                if let meant = unknownKey(entry, rule, path) { seenByMistake.insert(meant) }
                continue
            }
            if schema.isLater {
                complain(
                    entry.keySpan, entryPath, "unknown \(noun); it comes with a later version of the hub")
                continue
            }
            if let reason = schema.deprecation {
                problems.report(
                    entry.keySpan, entryPath,
                    "should not be used any more" + (reason.isEmpty ? "" : ": \(reason)"),
                    .warning)
            }
            guard seen.insert(name).inserted else {
                complain(
                    entry.keySpan, entryPath,
                    "the \(noun) stands here under its old name and its new one; keep one")
                continue
            }
            result.append(
                CheckedEntry(
                    key: name, keySpan: entry.keySpan,
                    value: check(entry.value, schema, entryPath, key: entry.keySpan)))
        }
        for required in rule.required
        where !seen.contains(required) && !seenByMistake.contains(required)
            && rule.property(required)?.defaultValue == nil
        {
            let wanted = rule.property(required)?.expectation ?? "a value"
            complain(key, path, "the \(noun) '\(required)' is missing; it must be \(wanted)")
        }
        if seen.count < rule.minimumCount {
            complain(
                key, path,
                "needs at least \(rule.minimumCount == 1 ? "one entry" : "\(rule.minimumCount) entries")")
        }
        for property in rule.properties where !seen.contains(property.key) {
            guard let value = property.schema.defaultValue else { continue }
            result.append(
                CheckedEntry(
                    key: property.key, keySpan: key,
                    value: fillIn(value, property.schema, PathText.key(path, property.key), at: node.span)))
        }
        return CheckedValue(content: .map(result), span: node.span)
    }

    private func fillIn(_ value: SettingsTree, _ schema: Schema, _ path: String, at span: SourceSpan)
        -> CheckedValue
    {
        let wasFillingIn = isFillingIn
        isFillingIn = true
        defer { isFillingIn = wasFillingIn }
        // A default that does not fit its own schema is the plugin's mistake, and is handed over as it is.
        let mark = problems.mark
        let node = YAMLNode(value, at: span)
        let checked = check(node, schema, path, key: span)
        guard problems.mark != mark else { return checked }
        problems.takeBack(to: mark)
        var unchecked = free(node, path)
        unchecked.isDefault = true
        return unchecked
    }

    private func additional(_ rule: Schema.MapRule, _ entry: YAMLEntry, _ path: String) -> Schema? {
        guard let schema = rule.additional else { return nil }
        guard let expected = rule.keys.complaint(entry.key) else { return schema }
        complain(entry.keySpan, path, expected)
        return schema
    }

    /// The key that was probably meant.
    private func unknownKey(_ entry: YAMLEntry, _ rule: Schema.MapRule, _ path: String) -> String? {
        let known = rule.properties.map(\.key)
        // Meant is first of all what may be written now.
        let present = rule.properties.filter { !$0.schema.isLater }.map(\.key)
        let meant =
            Suggestion.closest(to: entry.key, among: present)
            ?? Suggestion.closest(to: entry.key, among: known)
        if misplaced?.path == path, let cure = misplaced?.cure(entry.key) {
            complain(entry.keySpan, PathText.key(path, entry.key), "unknown \(noun); \(cure)")
            return meant
        }
        var cure = meant.map { "; did you mean '\($0)'?" } ?? ""
        if meant == nil, !present.isEmpty, present.count <= 12 {
            cure = "; there are \(present.joined(separator: ", "))"
        }
        complain(entry.keySpan, PathText.key(path, entry.key), "unknown \(noun)\(cure)")
        return meant
    }

    // MARK: - Lists

    private func list(
        _ node: YAMLNode, _ items: [YAMLNode], _ rule: Schema.ListRule, _ path: String
    ) -> CheckedValue {
        let values = items.enumerated().map { index, item in
            check(item, rule.items, PathText.index(path, index), key: item.span)
        }
        if values.count < rule.minimumCount {
            let wanted = rule.minimumCount == 1 ? "one value" : "\(rule.minimumCount) values"
            complain(node.span, path, "needs at least \(wanted)")
        }
        if values.count > rule.maximumCount {
            complain(node.span, path, "takes at most \(rule.maximumCount) values, found \(values.count)")
        }
        if rule.isUnique {
            var seen: Set<String> = []
            for (index, value) in values.enumerated() {
                if let text = value.text, !seen.insert(text).inserted {
                    complain(value.span, PathText.index(path, index), "\(value.shown) is listed twice")
                }
            }
        }
        return CheckedValue(content: .list(values), span: node.span)
    }

    // MARK: - Choices

    private func choose(
        _ node: YAMLNode, _ alternatives: [Schema], _ schema: Schema, _ path: String, key: SourceSpan
    ) -> CheckedValue {
        let fitting = alternatives.filter { fits(node, $0) }
        if fitting.count == 1,
            !(node.scalar != nil && alternatives.count > 1 && isScalarChoice(alternatives))
        {
            return check(node, fitting[0], path, key: key)
        }
        for alternative in fitting {
            let mark = problems.mark
            let absent = absences.count
            let value = check(node, alternative, path, key: key)
            if problems.errorCount == mark.errors { return value }
            problems.takeBack(to: mark)
            absences.removeSubrange(absent...)
        }
        // Had a reference failed, that is what is wrong.
        if let scalar = node.scalar {
            guard expandedText(node, scalar, path) != nil else { return unknown(node) }
        }
        complain(node.span, path, "expected \(schema.expectation), found \(found(node))")
        return unknown(node)
    }

    private func isScalarChoice(_ alternatives: [Schema]) -> Bool {
        alternatives.filter { alternative in
            switch alternative.shape {
            case .map, .list: false
            default: true
            }
        }.count > 1
    }

    /// By the kind of value alone.
    private func fits(_ node: YAMLNode, _ schema: Schema) -> Bool {
        switch (schema.shape, node.content) {
        case (.choice(let alternatives), _): alternatives.contains { fits(node, $0) }
        case (.any, _), (.map, .map), (.list, .list): true
        case (.map, _), (.list, .map), (_, .list), (_, .map): false
        default: true
        }
    }

    private func found(_ node: YAMLNode) -> String {
        guard let scalar = node.scalar, !scalar.isNull, !Expander.hasReference(scalar.text) else {
            return node.scalar.map { Expander.hasReference($0.text) ? "something else" : "nothing" }
                ?? node.kindInWords
        }
        return "'\(PathText.shortened(scalar.text))'"
    }

    // MARK: - Values without a schema

    private func free(_ node: YAMLNode, _ path: String) -> CheckedValue {
        switch node.content {
        case .invalid: return unknown(node)
        case .list(let items):
            let values = items.enumerated().map { free($0.element, PathText.index(path, $0.offset)) }
            return CheckedValue(content: .list(values), span: node.span)
        case .map(let entries):
            let values = entries.map {
                CheckedEntry(
                    key: $0.key, keySpan: $0.keySpan, value: free($0.value, PathText.key(path, $0.key)))
            }
            return CheckedValue(content: .map(values), span: node.span)
        case .scalar(let scalar):
            guard let text = expandedText(node, scalar, path) else { return unknown(node) }
            var value = CheckedValue(content: .text(text.text), span: node.span)
            value.isShowable = !text.isExpanded
            guard scalar.style == .plain, !text.isExpanded else { return value }
            switch CoreScalar(text.text) {
            case .null: value.content = .null
            case .bool(let bool): value.content = .bool(bool)
            case .integer(let integer): value.content = .integer(integer)
            case .number(let number): value.content = .number(number)
            case .text: break
            }
            return value
        }
    }

    /// A scalar's text with `${…}` filled in; `nil` if it is not to be had, which was reported.
    func expandedText(_ node: YAMLNode, _ scalar: YAMLScalar, _ path: String) -> (
        text: String, isExpanded: Bool
    )? {
        guard !isFillingIn, Expander.hasReference(scalar.text) else { return (scalar.text, false) }
        if expansion == .off { return nil }
        let result = expander.expand(scalar.text, folder: node.span.source.folder)
        for name in result.bareNames {
            problems.report(
                node.span, path,
                "'$\(name)' is taken as it stands; write ${\(name)} for the variable, or $$\(name) for a dollar",
                .warning)
        }
        for failure in result.failures {
            let span = node.span.reference(failure.reference)
            if failure.isAbsence, expansion == .lenient {
                absences.append(
                    Absence(summary: failure.summary, message: failure.message, path: path, span: span))
            } else {
                complain(span, path, failure.message)
            }
        }
        return result.failures.isEmpty ? (result.text, result.isExpanded) : nil
    }
}
