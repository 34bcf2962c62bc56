internal import EventFormat
internal import HubModel

extension SchemaChecker {
    /// A scalar where the schema wants one.
    func scalar(_ node: YAMLNode, _ scalar: YAMLScalar, _ schema: Schema, _ path: String)
        -> CheckedValue
    {
        guard let (text, isExpanded) = expandedText(node, scalar, path) else {
            return CheckedValue(content: .unknown, span: node.span)
        }
        var value = CheckedValue(content: .unknown, span: node.span)
        value.isShowable =
            !isExpanded && !schema.isSecret
            && !SecretMask.namesSecret(path.split(separator: ".").last ?? "")
        let isShowable = value.isShowable
        let complain: (String?) -> Void = { reason in
            self.problems.report(
                node.span, path,
                SchemaChecker.complaint(
                    schema.expectation, found: isShowable ? text : nil, isSecret: schema.isSecret, reason))
        }
        // An expansion's type is the schema's; a quoted text in the file is a text.
        let isQuoted = scalar.style != .plain && !isExpanded
        switch schema.shape {
        case .null:
            guard scalar.isNull else {
                complain(nil)
                return value
            }
            value.content = .null
        case .bool:
            guard !isQuoted, case .bool(let bool) = CoreScalar(text) else {
                complain(SchemaChecker.boolReason(text, isQuoted: isQuoted))
                return value
            }
            value.content = .bool(bool)
        case .integer(let range):
            guard !isQuoted, let integer = SchemaChecker.wholeNumber(text) else {
                complain(
                    isQuoted && SchemaChecker.wholeNumber(text) != nil
                        ? "it is a text; take the quotes off" : nil)
                return value
            }
            guard range.contains(Double(integer)) else {
                complain(nil)
                return value
            }
            value.content = .integer(integer)
        case .number(let range):
            let number = CoreScalar.integer(text).map(Double.init) ?? CoreScalar.number(text)
            guard !isQuoted, let number else {
                complain(isQuoted && number != nil ? "it is a text; take the quotes off" : nil)
                return value
            }
            guard range.contains(number) else {
                complain(nil)
                return value
            }
            value.content = CoreScalar.integer(text).map { .integer($0) } ?? .number(number)
        case .text(let rule):
            value.content = .text(text)
            guard schema.values == nil else { break }
            if let reason = lengthReason(text, rule) {
                complain(reason)
                value.content = .unknown
            } else if let format = rule.format {
                apply(format, text, node, to: &value, complain)
                if let minimum = rule.minimumAmount, let amount = value.amount, amount < minimum.value {
                    complain("it must be at least \(minimum.text)")
                    value.content = .unknown
                }
            }
        default: break
        }
        if let values = schema.values,
            !values.contains(where: { SchemaChecker.isSame($0, value.content) })
        {
            if schema.laterValues.contains(text), value.isShowable {
                problems.report(
                    node.span, path,
                    "'\(text)' comes with a later version of the hub; now it must be \(schema.expectation)")
            } else {
                let words = values.map(Schema.word)
                complain(
                    value.isShowable
                        ? Suggestion.closest(to: text, among: words).map { "did you mean '\($0)'?" } : nil)
            }
            value.content = .unknown
        }
        return value
    }

    private static func complaint(
        _ expected: String, found: String?, isSecret: Bool, _ reason: String?
    ) -> String {
        var message = "expected \(expected)"
        if let found {
            let shown = SecretMask.masked(Array(found.unicodeScalars), hidden: [])
            message += ", found '\(PathText.shortened(shown))'"
        } else if !isSecret {
            message += ", found something else once its reference was filled in"
        } else if reason == nil {
            message += ", found something else"
        }
        guard let reason else { return message }
        return message + (reason.hasPrefix("did you mean") ? "; " : ": ") + reason
    }

    private static func boolReason(_ text: String, isQuoted: Bool) -> String? {
        switch text.lowercased() {
        case "yes", "on", "y": "write true"
        case "no", "off", "n": "write false"
        case "true" where isQuoted, "false" where isQuoted: "it is a text; take the quotes off"
        default: nil
        }
    }

    /// Also `1e6` and `5.0`, which are whole.
    private static func wholeNumber(_ text: String) -> Int64? {
        CoreScalar.integer(text) ?? CoreScalar.number(text).flatMap { Int64(exactly: $0) }
    }

    private static func isSame(_ value: SettingsTree, _ content: CheckedValue.Content) -> Bool {
        switch (value, content) {
        case (.text(let a), .text(let b)): a == b
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.integer, .number(let b)), (.number, .number(let b)): value.numberValue == b
        case (.number(let a), .integer(let b)): a == Double(b)
        case (.null, .null): true
        default: false
        }
    }

    private func lengthReason(_ text: String, _ rule: Schema.TextRule) -> String? {
        let length = text.unicodeScalars.count
        if let minimum = rule.minimumLength, length < minimum {
            return minimum == 1 ? "it is empty" : "it has \(length) characters and needs \(minimum)"
        }
        if let maximum = rule.maximumLength, length > maximum {
            return "it has \(length) characters; \(maximum) are allowed"
        }
        if let pattern = rule.pattern, !isFillingIn, let expression = try? Regex(pattern),
            (try? expression.firstMatch(in: text)) == nil
        {
            return "it does not match the pattern \(pattern)"
        }
        return nil
    }

    // MARK: - Formats

    private func apply(
        _ format: Schema.Format, _ text: String, _ node: YAMLNode, to value: inout CheckedValue,
        _ complain: (String?) -> Void
    ) {
        do throws(ValueTextError) {
            switch format {
            case .duration: value.amount = try ConfiguredDuration(text).nanosecondsOrMaximum
            case .size: value.amount = try ConfiguredSize(text).byteCount ?? .max
            default:
                guard let reason = try check(format, text, node, &value) else { return }
                complain(reason.isEmpty ? nil : reason)
                value.content = .unknown
            }
        } catch {
            complain(error.reason)
            value.content = .unknown
        }
    }

    /// Why a text is not of this format; empty where there is no more to say; `nil` if it is.
    private func check(
        _ format: Schema.Format, _ text: String, _ node: YAMLNode, _ value: inout CheckedValue
    ) throws(ValueTextError) -> String? {
        switch format {
        case .duration, .size: return nil
        case .interval:
            guard let interval = Interval(text) else {
                let meant = Interval.allCases.map(\.text).first { $0.lowercased() == text.lowercased() }
                return meant.map { "did you mean '\($0)'?" } ?? ""
            }
            value.amount = Int64(interval.rawValue)
        case .rate: return FormatText.isRate(text) ? nil : ""
        case .clock:
            return FormatText.isClock(text) ? nil : "hours 00 to 23 and minutes 00 to 59, in quotes"
        case .symbol: return FormatText.symbolReason(text)
        case .symbols:
            if text.hasPrefix("group:") {
                return Names.complaint(String(text.dropFirst(6))) == nil ? nil : ""
            }
            return FormatText.patternReason(text)
        case .path:
            guard !text.isEmpty, !text.utf8.contains(0) else { return "it is empty" }
            value.writtenPath = text
            value.content = .text(
                FileBytes.absolute(text, in: value.isDefault ? mainFolder : node.span.source.folder))
        case .uri:
            return FormatText.isAddressOfAnything(text) ? nil : "a scheme such as https: is missing"
        case .address:
            return FormatText.listenAddress(text, folder: node.span.source.folder) == nil ? "" : nil
        case .name:
            return Names.complaint(text) == nil ? nil : "a-z 0-9 _ -, beginning with a letter, at most 32"
        case .selector:
            var selector = EventSelector()
            let isKind = text != "*" && text != "summary"
            guard isKind, (try? selector.add(text)) != nil else {
                let words = EventKind.allCases.map(\.name)
                return Suggestion.closest(to: text, among: words).map { "did you mean '\($0)'?" } ?? ""
            }
        case .digest: return FormatText.isDigest(text) ? nil : ""
        case .origin: return FormatText.isOrigin(text) ? nil : "scheme://host, nothing behind it"
        }
        return nil
    }
}
