internal import EventFormat
internal import HubModel

/// A name of a provider, indicator or sink.
struct NamedComponent {
    var kind: PluginDescription.Kind
    var span: SourceSpan
    /// Why it is not in the configuration though the file has it; `nil` if it is, or if it is wrong.
    var leftOut: String?
    /// It is in the configuration.
    var isPresent = false
    /// Where its setting `intervals` says so: the intervals it works on.
    var intervals: [(interval: Interval, span: SourceSpan)]?
}

extension Assembly {
    func component(_ entry: YAMLEntry, _ kind: PluginDescription.Kind) {
        let path = PathText.key(kind.section, entry.key)
        guard claim(entry, kind, path) else { return }
        guard case .map(let entries) = entry.value.content else {
            if case .invalid = entry.value.content { return }
            var node = entry.value
            if node.isNull { node.span = entry.keySpan }
            checker.mismatch(node, expected: "a map with 'plugin' and 'settings'", wantsMap: true, path)
            return
        }
        let schema =
            switch kind {
            case .provider: CoreSchema.provider
            case .indicator: CoreSchema.indicator
            case .sink: CoreSchema.sink
            }
        let settings = entries.first { $0.key == "settings" }
        let common = YAMLNode(
            content: .map(entries.filter { $0.key != "settings" }), span: entry.value.span)

        guard isEnabled(entries, path) else {
            names[entry.key]?.leftOut = "it is disabled"
            checker.expansion = .off
            _ = checker.check(common, schema, path, key: entry.keySpan)
            checker.expansion = .strict
            return
        }
        let isRequired = flag("required", entries, path) ?? true
        checker.expansion = isRequired ? .strict : .lenient
        checker.absences = []
        defer {
            checker.expansion = .strict
            checker.absences = []
            checker.misplaced = nil
        }
        let meant = entries.first { $0.key == "plugin" }?.value.scalar.flatMap { catalogue.descriptor($0.text) }
        checker.misplaced = (
            path, { key in meant?.schema["properties"]?[key] == nil ? nil : "it is a setting: put it under 'settings'" }
        )
        let value = checker.check(common, schema, path, key: entry.keySpan)
        let before = problems.errorCount
        let plugin = self.plugin(value, kind, entry, path, isRequired: isRequired)
        var checkedSettings: PluginSettings?
        if let plugin {
            checkedSettings = self.settings(settings, plugin, entry, path)
            reportForeign(plugin, value, path)
        }
        if let absence = checker.absences.first {
            leaveOut(entry, absence.summary, absence.span, absence.path)
            return
        }
        guard let plugin, let checkedSettings, problems.errorCount == before else { return }
        names[entry.key]?.isPresent = true
        add(entry.key, kind, plugin, checkedSettings, value, isRequired: isRequired)
    }

    /// One name space for all three; `hub` is the hub's own source.
    private func claim(_ entry: YAMLEntry, _ kind: PluginDescription.Kind, _ path: String) -> Bool {
        if let complaint = Names.complaint(entry.key) {
            problems.report(entry.keySpan, path, complaint)
            return false
        }
        if entry.key == "hub" {
            problems.report(
                entry.keySpan, path,
                "the name 'hub' is taken: events the hub makes itself have it as their source")
            return false
        }
        if let other = names[entry.key] {
            problems.report(
                entry.keySpan, path,
                "the name '\(entry.key)' is taken by \(other.kind.inWords); providers, indicators and sinks share one name space",
                related: [(other.span, "it is taken here")])
            return false
        }
        names[entry.key] = NamedComponent(kind: kind, span: entry.keySpan)
        return true
    }

    func isEnabled(_ entries: [YAMLEntry], _ path: String) -> Bool {
        flag("enabled", entries, path) ?? true
    }

    /// A boolean that decides how the rest is read. What is wrong with it is reported when the rest is checked.
    private func flag(_ key: String, _ entries: [YAMLEntry], _ path: String) -> Bool? {
        guard let entry = entries.first(where: { $0.key == key }) else { return nil }
        let mark = problems.mark
        let value = checker.check(entry.value, .bool, PathText.key(path, key), key: entry.keySpan)
        problems.takeBack(to: mark)
        return value.bool
    }

    private func leaveOut(_ entry: YAMLEntry, _ reason: String, _ span: SourceSpan, _ path: String) {
        names[entry.key]?.leftOut = reason
        problems.report(span, path, "'\(entry.key)' is left out (required: false): \(reason)", .warning)
    }

    private func plugin(
        _ value: CheckedValue, _ kind: PluginDescription.Kind, _ entry: YAMLEntry, _ path: String,
        isRequired: Bool
    ) -> PluginDescription? {
        guard let id = value["plugin"], let text = id.text else { return nil }
        let path = PathText.key(path, "plugin")
        guard let plugin = catalogue.descriptor(text) else {
            let reason =
                catalogue.refusal(text)
                .map { "the plugin \(id.shown) cannot be used: \($0)" } ?? "there is no plugin \(id.shown)"
            guard isRequired else {
                leaveOut(entry, reason, id.span, path)
                return nil
            }
            let ids = catalogue.ids.sorted()
            let fitting = ids.filter { catalogue.descriptor($0)?.kind == kind }
            var cure = catalogue.refusal(text) == nil ? Suggestion.sentence(text, among: ids) : ""
            if cure.isEmpty, catalogue.refusal(text) == nil {
                cure =
                    fitting.isEmpty
                    ? "; no \(kind.rawValue) is installed" : "; installed: \(fitting.joined(separator: ", "))"
            }
            problems.report(id.span, path, reason + cure)
            return nil
        }
        guard plugin.kind == kind else {
            problems.report(
                id.span, path,
                "\(id.shown) is \(plugin.kind.inWords) and belongs under '\(plugin.kind.section)', not '\(kind.section)'"
            )
            return nil
        }
        return plugin
    }

    private func reportForeign(_ plugin: PluginDescription, _ value: CheckedValue, _ path: String) {
        guard !plugin.isBundled, let id = value["plugin"] else { return }
        problems.report(
            id.span, PathText.key(path, "plugin"),
            "\(id.shown) did not come with the hub and runs inside its process: if it crashes, so does the hub",
            .note)
    }

    private func settings(
        _ entry: YAMLEntry?, _ plugin: PluginDescription, _ component: YAMLEntry, _ path: String
    ) -> PluginSettings? {
        let path = PathText.key(path, "settings")
        var schema = SchemaReader.read(plugin.schema)
        if case .map = schema.shape {
        } else {
            schema.shape = .map(Schema.MapRule(additional: Schema(.any)))
        }
        let node = entry?.value ?? YAMLNode(content: .map([]), span: component.keySpan)
        checker.noun = "setting"
        checker.misplaced = (
            path, { key in Assembly.commonKeys.contains(key) ? "it belongs beside 'settings', not in it" : nil }
        )
        defer {
            checker.noun = "key"
            checker.misplaced = nil
        }
        let value = checker.check(node, schema, path, key: entry?.keySpan ?? component.keySpan)
        guard value.isMap else { return nil }
        names[component.key]?.intervals = value["intervals"].map { list in
            list.list.compactMap { item in
                item.text.flatMap { Interval($0) }.map { ($0, item.span) }
            }
        }
        var builder = SettingsBuilder()
        let tree = builder.build(value)
        return PluginSettings(
            tree: tree, integers: builder.integers, secrets: builder.secrets,
            writtenPaths: builder.writtenPaths,
            spans: builder.spans, span: entry?.keySpan ?? component.keySpan, path: path,
            hidden: builder.hidden)
    }

    private func add(
        _ name: String, _ kind: PluginDescription.Kind, _ plugin: PluginDescription,
        _ settings: PluginSettings,
        _ value: CheckedValue, isRequired: Bool
    ) {
        switch kind {
        case .provider:
            providers.append(
                ProviderConfiguration(
                    name: name, plugin: plugin, settings: settings, isRequired: isRequired,
                    staleAfterNanoseconds: value["stale_after"]?.integer ?? plugin.staleAfterNanoseconds,
                    finalizeAfterNanoseconds: value["finalize_after"]?.integer
                        ?? plugin.finalizeAfterNanoseconds,
                    lateAfterNanoseconds: value["late_after"]?.integer ?? 0,
                    network: NetworkSettings(value),
                    venues: value["venues"]?.list.compactMap(\.text) ?? [],
                    symbols: value["symbols"]?.entries.compactMap { entry in
                        entry.value.text.map { (entry.key, $0) }
                    } ?? []))
            checkBackoff(value, PathText.key("providers", name))
        case .indicator:
            let intervals = names[name]?.intervals?.map(\.interval)
            indicators.append(
                IndicatorConfiguration(
                    name: name, plugin: plugin, settings: settings, isRequired: isRequired,
                    intervals: intervals))
        case .sink:
            sinks.append(sink(name, plugin, settings, value, isRequired: isRequired))
        }
    }

    private func sink(
        _ name: String, _ plugin: PluginDescription, _ settings: PluginSettings, _ value: CheckedValue,
        isRequired: Bool
    ) -> SinkConfiguration {
        let kinds = value["kinds"]?.list.compactMap(\.text)
        if let symbols = value["symbols"] { sinkSymbols.append((name, symbols)) }
        checkBackoff(value, PathText.key("sinks", name))
        return SinkConfiguration(
            name: name, plugin: plugin, settings: settings, isRequired: isRequired,
            kinds: kinds.flatMap { try? EventSelector($0) } ?? .events, symbols: nil,
            takesSimulated: value["simulated"]?.bool ?? true, start: word(value["start"], .live),
            batchEvents: Int(value["batch"]?["events"]?.integer ?? 1000),
            batchEveryNanoseconds: value["batch"]?["every"]?.integer ?? 1_000_000_000,
            holdNanoseconds: value["hold"]?.integer ?? 0,
            backoffMinimumNanoseconds: value["backoff"]?["min"]?.integer ?? 0,
            backoffMaximumNanoseconds: value["backoff"]?["max"]?.integer ?? 0)
    }

    private func checkBackoff(_ value: CheckedValue, _ path: String) {
        guard let backoff = value["backoff"], let least = backoff["min"]?.integer, let most = backoff["max"],
            !most.isUnknown, least > most.integer ?? .max
        else { return }
        let shorter = backoff["min"].map { $0.isDefault ? most : $0 } ?? most
        problems.report(
            shorter.span, "\(path).backoff", "'min' is longer than 'max' (not given, they are 1s and 60s)")
    }

    private static let commonKeys: Set<String> = [
        "plugin", "enabled", "required", "venues", "stale_after", "finalize_after", "kinds", "symbols", "simulated",
        "start", "batch", "hold", "backoff", "connect_timeout", "request_timeout", "breaker", "rates", "proxy",
        "ca_file",
        "record", "store_login",
    ]

    /// Groups are not known yet when sinks are read.
    func resolveSinkSymbols() {
        for (name, value) in sinkSymbols {
            let path = PathText.key(PathText.key("sinks", name), "symbols")
            let selected = symbols(value, path)
            guard let at = sinks.firstIndex(where: { $0.name == name }) else { continue }
            sinks[at].symbols = selected.map(\.pattern)
        }
    }

    /// What nobody uses was probably meant to be used.
    func reportUnused() {
        for (name, component) in names.sorted(by: { $0.key < $1.key })
        where component.isPresent && !usedNames.contains(name) {
            let list =
                switch component.kind {
                case .provider: "from"
                case .indicator: "indicators"
                case .sink: "to"
                }
            problems.report(
                component.span, PathText.key(component.kind.section, name),
                "is not used: no pipeline has it in '\(list)'", .warning)
        }
    }
}
