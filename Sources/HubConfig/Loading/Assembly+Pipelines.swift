internal import EventFormat
internal import HubModel

/// A pipeline with the places of what may clash with others.
private struct PlacedPipeline {
    var configuration: PipelineConfiguration
    var selected: [SelectedSymbol]
    var exclude: [SymbolPattern]
}

extension Assembly {
    private var allStreamKinds: UInt32 {
        [EventKind.trade, .tick, .quote, .book, .greeks, .status].reduce(0) { $0 | $1.bit }
    }

    func pipelines(_ section: YAMLEntry?, root: SourceSpan) -> [PipelineConfiguration] {
        let entries = components(section)
        if entries.isEmpty {
            if case .invalid? = section?.value.content { return [] }
            let span = section?.keySpan ?? root
            problems.report(
                span, "pipelines",
                "at least one pipeline is needed: what flows from which provider to where")
        }
        var placed: [PlacedPipeline] = []
        for entry in entries {
            if let made = pipeline(entry) { placed.append(made) }
        }
        reportClashes(placed)
        return placed.map(\.configuration)
    }

    private func pipeline(_ entry: YAMLEntry) -> PlacedPipeline? {
        let path = PathText.key("pipelines", entry.key)
        if let complaint = Names.complaint(entry.key) {
            problems.report(entry.keySpan, path, complaint)
        }
        guard case .map(let entries) = entry.value.content else {
            if case .invalid = entry.value.content { return nil }
            var node = entry.value
            if node.isNull { node.span = entry.keySpan }
            checker.mismatch(
                node, expected: "a map with 'from', 'instruments' and so on", wantsMap: true, path)
            return nil
        }
        let isEnabled = isEnabled(entries, path)
        checker.expansion = isEnabled ? .strict : .off
        defer { checker.expansion = .strict }
        let value = checker.check(entry.value, CoreSchema.pipeline, path, key: entry.keySpan)
        guard value.isMap else { return nil }
        var pipeline = PipelineConfiguration(
            name: entry.key, sources: [], stoppedBecause: nil, instruments: [], globs: [], exclude: [],
            kinds: 0, bars: [],
            price: nil, indicators: [], sinks: [],
            failoverAfterNanoseconds: value["failover"]?["after"]?.integer ?? 0,
            failoverBackAfterNanoseconds: value["failover"]?["back_after"]?.integer ?? 0)
        pipeline.standby =
            value["failover"]?["standby"]?.text.flatMap(PipelineConfiguration.Standby.init) ?? .cold
        pipeline.failsOverPerInstrument = value["failover"]?["per_instrument"]?.bool ?? true
        pipeline.lingerNanoseconds = value["linger"]?.integer ?? pipeline.lingerNanoseconds
        pipeline.retention = PipelineConfiguration.Retention(
            ticksNanoseconds: value["retention"]?["ticks"]?.integer,
            booksNanoseconds: value["retention"]?["books"]?.integer,
            barsNanoseconds: value["retention"]?["bars"]?.integer)
        pipeline.quality = QualityConfiguration(value["quality"])
        pipeline.kinds = kinds(value["kinds"]) ?? allStreamKinds & ~EventKind.book.bit
        from(value["from"], path, &pipeline, isEnabled: isEnabled)
        if pipeline.standby == .warm, let list = value["from"]?.list, list.count == 1,
            let standby = value["failover"]?["standby"]
        {
            problems.report(
                standby.span, PathText.key(PathText.key(path, "failover"), "standby"),
                "nobody stands by: 'from' has one provider", .warning)
        }
        bars(value["bars"], path, &pipeline)
        pipeline.indicators = used(value["indicators"], .indicator, PathText.key(path, "indicators")) {
            self.checkIntervals($0, of: $1, $2, pipeline.bars)
        }
        pipeline.sinks = used(value["to"], .sink, PathText.key(path, "to"))
        pipeline.backfill = backfill(value["backfill"], path, of: pipeline)
        pipeline.onDemand = onDemand(value, path, of: entry.key, isEnabled: isEnabled)
        let placed = instruments(value, path, entry, pipeline, isEnabled: isEnabled)
        return isEnabled ? placed : nil
    }

    private func kinds(_ value: CheckedValue?) -> UInt32? {
        guard let value, !value.isUnknown else { return nil }
        return value.list.reduce(0) { $0 | ($1.text.flatMap { EventKind(name: $0) }?.bit ?? 0) }
    }

    // MARK: - Providers

    private func from(
        _ value: CheckedValue?, _ path: String, _ pipeline: inout PipelineConfiguration, isEnabled: Bool
    ) {
        let path = PathText.key(path, "from")
        // Some provider is wrong, which was said: what is left of the list says nothing.
        var isBroken = false
        var leftOut: [String] = []
        var hasReal = false
        var seen: Set<String> = []
        for (index, item) in (value?.list ?? []).enumerated() {
            let name = item.isMap ? item["provider"] : item
            let itemPath = PathText.index(path, index) + (item.isMap ? ".provider" : "")
            guard let name, let text = name.text, let component = known(name, .provider, itemPath, &seen)
            else {
                isBroken = true
                continue
            }
            if let reason = component.leftOut { leftOut.append("\(text) (\(reason))") }
            if component.leftOut == nil, !component.isPresent { isBroken = true }
            guard let provider = providers.first(where: { $0.name == text }) else { continue }
            reportSimulated(provider, name, itemPath, afterReal: hasReal)
            if !provider.plugin.traits.contains(.simulated) { hasReal = true }
            let offered = provider.plugin.kinds == 0 ? allStreamKinds : provider.plugin.kinds
            let wanted = pipeline.kinds & (kinds(item["kinds"]) ?? .max)
            if wanted & offered & allStreamKinds == 0, offered & EventKind.bar.bit == 0 {
                problems.report(
                    name.span, itemPath,
                    "\(name.shown) has none of the kinds of events that are wanted of it", .warning)
            }
            // A provider's own bars, and what it says about gaps, are no matter of choice.
            let always = EventKind.bar.bit | EventKind.gap.bit
            pipeline.sources.append(
                PipelineConfiguration.Source(
                    provider: text, kinds: wanted & (offered & allStreamKinds) | always))
        }
        guard isEnabled, pipeline.sources.isEmpty, !isBroken, !leftOut.isEmpty, let value else {
            return
        }
        let reason = "no provider is left: \(leftOut.joined(separator: ", "))"
        pipeline.stoppedBecause = reason
        problems.report(value.span, path, "\(reason); '\(pipeline.name)' will be stopped", .warning)
    }

    private func reportSimulated(
        _ provider: ProviderConfiguration, _ name: CheckedValue, _ path: String, afterReal: Bool
    ) {
        guard provider.plugin.traits.contains(.simulated) else { return }
        if !allowsSimulated {
            problems.report(
                name.span, path,
                "\(name.shown) is simulated, and hub.allow_simulated is false; take it out of the list")
        } else if afterReal {
            problems.report(
                name.span, path,
                "\(name.shown) is simulated and stands in when the providers before it fail; what it makes is marked so "
                    + "(hub.allow_simulated: false forbids it)", .note)
        }
    }

    /// A component that a pipeline names, if there is one of that kind; complains if not.
    private func known(
        _ name: CheckedValue, _ kind: PluginDescription.Kind, _ path: String, _ seen: inout Set<String>
    ) -> NamedComponent? {
        guard let text = name.text else { return nil }
        usedNames.insert(text)
        guard let component = names[text] else {
            let candidates = names.filter { $0.value.kind == kind }.map(\.key).sorted()
            var cure = Suggestion.sentence(text, among: candidates)
            if cure.isEmpty, !candidates.isEmpty, candidates.count <= 8 {
                cure = "; there are \(candidates.joined(separator: ", "))"
            }
            problems.report(name.span, path, "there is no \(kind.rawValue) \(name.shown)\(cure)")
            return nil
        }
        guard component.kind == kind else {
            problems.report(
                name.span, path, "\(name.shown) is \(component.kind.inWords), not \(kind.inWords)",
                related: [(component.span, "it is defined here")])
            return nil
        }
        guard seen.insert(text).inserted else {
            problems.report(name.span, path, "\(name.shown) is listed twice")
            return nil
        }
        return component
    }

    // MARK: - Bars, indicators, sinks

    private func bars(_ value: CheckedValue?, _ path: String, _ pipeline: inout PipelineConfiguration) {
        guard let value else { return }
        let path = PathText.key(path, "bars")
        let list = value.isMap ? value["intervals"] : value
        let listPath = value.isMap ? PathText.key(path, "intervals") : path
        for (index, item) in (list?.list ?? []).enumerated() {
            guard let amount = item.amount,
                let interval = UInt32(exactly: amount).flatMap(Interval.init(rawValue:))
            else {
                continue
            }
            if pipeline.bars.contains(interval) {
                problems.report(
                    item.span, PathText.index(listPath, index), "\(item.shown) is listed twice", .warning)
            } else {
                pipeline.bars.append(interval)
            }
        }
        pipeline.bars.sort()
        pipeline.price = value["price"]?.text.flatMap(PipelineConfiguration.Price.init)
        pipeline.session = value["session"]?.text.flatMap(PipelineConfiguration.Session.init) ?? .all
    }

    /// The names of a list that are in the configuration.
    func used(
        _ value: CheckedValue?, _ kind: PluginDescription.Kind, _ path: String,
        check: (_ component: NamedComponent, _ item: CheckedValue, _ path: String) -> Void = {
            _, _, _ in
        }
    ) -> [String] {
        var result: [String] = []
        var seen: Set<String> = []
        for (index, item) in (value?.list ?? []).enumerated() {
            let itemPath = PathText.index(path, index)
            guard let component = known(item, kind, itemPath, &seen), let text = item.text else {
                continue
            }
            if component.leftOut == nil { check(component, item, itemPath) }
            if component.isPresent { result.append(text) }
        }
        return result
    }

    /// An indicator works on bars that the pipeline makes.
    private func checkIntervals(
        _ component: NamedComponent, of item: CheckedValue, _ path: String, _ bars: [Interval]
    ) {
        guard component.isPresent else { return }
        if bars.isEmpty {
            problems.report(
                item.span, path, "\(item.shown) works on bars, and this pipeline has none; give it 'bars'")
            return
        }
        let missing = (component.intervals ?? []).filter { !bars.contains($0.interval) }
        guard let first = missing.first else { return }
        let texts = missing.map(\.interval.text)
        problems.report(
            item.span, path,
            "\(item.shown) works on \(texts.joined(separator: ", ")), which \(texts.count == 1 ? "is" : "are") not in "
                + "this pipeline's bars (\(bars.map(\.text).joined(separator: ", "))); add \(texts.count == 1 ? "it" : "them")",
            related: [(first.span, "asked for here")])
    }

    // MARK: - Instruments

    private func instruments(
        _ value: CheckedValue, _ path: String, _ entry: YAMLEntry, _ pipeline: PipelineConfiguration,
        isEnabled: Bool
    ) -> PlacedPipeline {
        var pipeline = pipeline
        let exclude = symbols(value["exclude"], PathText.key(path, "exclude")).map(\.pattern)
        let listPath = PathText.key(path, "instruments")
        var seen: Set<SymbolPattern> = []
        let selected = symbols(value["instruments"], listPath).filter { item in
            seen.insert(item.pattern).inserted
                && !(item.pattern.symbol.map { symbol in exclude.contains { $0.matches(symbol) } } ?? false)
        }
        pipeline.exclude = exclude
        pipeline.instruments = selected.compactMap(\.pattern.symbol)
        pipeline.globs = selected.map(\.pattern).filter { !$0.isExact }
        let isEmpty =
            value["instruments"].map { !$0.isUnknown && !$0.list.contains { $0.isUnknown } } ?? true
        if isEnabled, selected.isEmpty, isEmpty, pipeline.onDemand.isEmpty, value["instruments"]?.list.isEmpty ?? true {
            problems.report(
                value.entry("instruments")?.keySpan ?? entry.keySpan, path,
                "has no instruments: nothing will flow", .warning)
        }
        // Plugins that make up or bring their instruments say which there are; of others that is not known yet.
        let definesItself = pipeline.sources.contains { source in
            providers.first { $0.name == source.provider }?.plugin.traits.isDisjoint(with: [
                .recorded, .simulated,
            ]) == false
        }
        if !pipeline.sources.isEmpty, !definesItself {
            for item in selected where !item.pattern.isExact {
                problems.report(
                    item.span, listPath,
                    "a glob needs a provider that brings its own instruments (recorded or simulated); write the symbols out"
                )
            }
        }
        return PlacedPipeline(configuration: pipeline, selected: selected, exclude: exclude)
    }

    /// An instrument belongs to one pipeline.
    private func reportClashes(_ pipelines: [PlacedPipeline]) {
        var owners: [Symbol: (pipeline: String, span: SourceSpan)] = [:]
        var globs: [(pipeline: PlacedPipeline, item: SelectedSymbol)] = []
        for pipeline in pipelines {
            let name = pipeline.configuration.name
            let path = PathText.key(PathText.key("pipelines", name), "instruments")
            for item in pipeline.selected {
                guard let symbol = item.pattern.symbol else { continue }
                if let owner = owners[symbol] {
                    problems.report(
                        item.span, path,
                        "\(symbol) is in the pipeline '\(owner.pipeline)' already; a symbol may be in one only",
                        related: [(owner.span, "it is in '\(owner.pipeline)' here")])
                } else {
                    owners[symbol] = (name, item.span)
                }
            }
        }
        for pipeline in pipelines {
            for item in pipeline.selected where !item.pattern.isExact { globs.append((pipeline, item)) }
        }
        guard !globs.isEmpty else { return }
        let placed = owners.sorted { $0.key < $1.key }
        for (index, glob) in globs.enumerated() {
            let name = glob.pipeline.configuration.name
            let path = PathText.key(PathText.key("pipelines", name), "instruments")
            let clash = placed.first { symbol, owner in
                owner.pipeline != name && glob.item.pattern.matches(symbol)
                    && !glob.pipeline.exclude.contains { $0.matches(symbol) }
            }
            if let (symbol, owner) = clash {
                problems.report(
                    glob.item.span, path,
                    "'\(glob.item.pattern)' matches \(symbol), which is in the pipeline '\(owner.pipeline)'; exclude it here",
                    related: [(owner.span, "it is in '\(owner.pipeline)' here")])
            }
            for other in globs[..<index] where other.pipeline.configuration.name != name {
                guard glob.item.pattern.meets(other.item.pattern),
                    !glob.pipeline.exclude.contains(where: { $0.matches(other.item.pattern.text) }),
                    !other.pipeline.exclude.contains(where: { $0.matches(glob.item.pattern.text) })
                else { continue }
                problems.report(
                    glob.item.span, path,
                    "'\(glob.item.pattern)' and '\(other.item.pattern)' of the pipeline "
                        + "'\(other.pipeline.configuration.name)' match the same symbols; a symbol may be in one pipeline only",
                    related: [(other.item.span, "the other one is here")])
            }
        }
    }
}

extension SymbolPattern {
    /// Whether some text matches both.
    func meets(_ other: SymbolPattern) -> Bool {
        let a = Array(text.utf8)
        let b = Array(other.text.utf8)
        let star = UInt8(ascii: "*")
        let any = UInt8(ascii: "?")
        // reach[j]: the first i bytes of a and the first j of b can stand for the same text.
        var reach = [Bool](repeating: false, count: b.count + 1)
        reach[0] = true
        for j in 0..<b.count where b[j] == star { reach[j + 1] = reach[j] }
        for byte in a {
            var next = [Bool](repeating: false, count: b.count + 1)
            next[0] = byte == star && reach[0]
            for j in 0..<b.count {
                if byte == star || b[j] == star {
                    // A star takes nothing, or what the other side has here.
                    next[j + 1] = reach[j + 1] && (byte == star || b[j] == star) || next[j] || reach[j]
                } else {
                    next[j + 1] = reach[j] && (byte == b[j] || byte == any || b[j] == any)
                }
            }
            reach = next
        }
        return reach[b.count]
    }
}
