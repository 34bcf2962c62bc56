internal import HubModel

/// Puts a configuration together from its file. One for a load, one thread.
final class Assembly {
    let source: SourceText
    let problems: Problems
    let expander: Expander
    let checker: SchemaChecker
    private let scan: (PluginsSettings) -> any PluginCatalogue
    private(set) var catalogue: any PluginCatalogue = NoPlugins()

    /// Every name in `providers`, `indicators` and `sinks`, left out or not.
    var names: [String: NamedComponent] = [:]
    var groups: [String: Group] = [:]
    /// Named by a pipeline, also by one that is disabled.
    var usedNames: Set<String> = []
    /// What pipelines may be asked for on demand, so far.
    var onDemandPatterns: [(pipeline: String, item: SelectedSymbol, exclude: [SymbolPattern])] = []
    /// Lists of symbols of sinks, until groups are known.
    var sinkSymbols: [(sink: String, symbols: CheckedValue)] = []
    /// Venue → name of the calendar that the operator gave it.
    var calendarNames: [String: String] = [:]
    var resolvedGroups: [String: [SymbolPattern]] = [:]

    var allowsSimulated = true
    var providers: [ProviderConfiguration] = []
    var indicators: [IndicatorConfiguration] = []
    var sinks: [SinkConfiguration] = []

    private struct NoPlugins: PluginCatalogue {
        func descriptor(_ id: String) -> PluginDescription? { nil }
        var ids: [String] { [] }
    }

    init(
        _ source: SourceText, _ expander: Expander, _ problems: Problems,
        scan: @escaping (PluginsSettings) -> any PluginCatalogue
    ) {
        self.source = source
        self.expander = expander
        self.problems = problems
        self.scan = scan
        checker = SchemaChecker(problems: problems, expander: expander, mainFolder: source.folder)
    }

    /// What came of the file; whether it may be used, the problems say.
    func read(overrides: [String]) -> Configuration? {
        guard SourceScan.check(source, problems) else { return nil }
        var reader = YAMLReader(source, problems: problems)
        let mark = problems.mark
        let start = SourceSpan(source, line: 1, column: 1)
        let document = reader.read()
        if document == nil, problems.mark != mark { return nil }
        var root = document ?? YAMLNode(content: .map([]), span: start)
        if root.isNull { root.content = .map([]) }
        if case .invalid = root.content { return nil }
        if case .map = root.content {
        } else {
            problems.report(
                root.span, "",
                "expected a map of hub, providers, pipelines and so on, found \(root.kindInWords)")
            return nil
        }
        for (index, argument) in overrides.enumerated() {
            Override.apply(argument, number: index + 1, folder: source.folder, to: &root, problems)
        }
        guard case .map(let entries) = root.content else { return nil }
        return assemble(Sections(entries, root: start))
    }

    /// The entries of the root by key.
    private struct Sections {
        var entries: [YAMLEntry]
        var root: SourceSpan

        init(_ entries: [YAMLEntry], root: SourceSpan) {
            self.entries = entries.filter { !$0.key.hasPrefix("x-") }
            self.root = root
        }

        func entry(_ key: String) -> YAMLEntry? { entries.first { $0.key == key } }
    }

    private static let ownSections: Set<String> = [
        "providers", "indicators", "sinks", "groups", "pipelines",
    ]

    private func assemble(_ sections: Sections) -> Configuration {
        readEnvironmentFiles(sections)
        let own = sections.entries.filter { Assembly.ownSections.contains($0.key) }
        // Whatever is left is checked in one go; what has a section of its own is only known by name here.
        let rest = YAMLNode(
            content: .map(
                sections.entries.filter { !Assembly.ownSections.contains($0.key) && $0.key != "env_file" }),
            span: sections.root)
        let checked = checker.check(rest, .map(CoreSchema.sections), "", key: sections.root)
        let hub = checked["hub"].map { hubSettings($0) }
        let plugins = checked["plugins"].map { pluginsSettings($0) }
        allowsSimulated = hub?.allowsSimulated ?? true
        catalogue = scan(
            plugins ?? PluginsSettings(path: [], pins: [], scanTimeoutNanoseconds: 5_000_000_000))

        for kind in [PluginDescription.Kind.provider, .indicator, .sink] {
            let section = own.first { $0.key == kind.section }
            for entry in components(section) { component(entry, kind) }
        }
        for entry in components(own.first { $0.key == "groups" }) { group(entry) }
        resolveGroups()
        resolveSinkSymbols()
        let section = own.first { $0.key == "pipelines" }
        let pipelines = self.pipelines(section, root: sections.root)
        let calendars = calendars(checked["calendars"])
        calendarNames = Dictionary(calendars.map { ($0.venue, $0.like) }, uniquingKeysWith: { first, _ in first })
        let schedules = schedules(checked["schedules"], pipelines, all: components(section).map(\.key))
        reportUnused()
        return Configuration(
            path: source.name, folder: source.folder, hub: hub ?? HubSettings.fallback,
            plugins: plugins
                ?? PluginsSettings(path: [], pins: [], scanTimeoutNanoseconds: 5_000_000_000),
            providers: providers, indicators: indicators, sinks: sinks, pipelines: pipelines,
            calendars: calendars, schedules: schedules)
    }

    /// The entries of a section that maps names to maps.
    func components(_ section: YAMLEntry?) -> [YAMLEntry] {
        guard let section else { return [] }
        switch section.value.content {
        case .map(let entries): return entries
        case .invalid: return []
        default:
            if !section.value.isNull {
                problems.report(
                    section.value.span, section.key,
                    "expected a map from names, found \(section.value.kindInWords)")
            }
            return []
        }
    }

    private func readEnvironmentFiles(_ sections: Sections) {
        guard let entry = sections.entry("env_file") else { return }
        let files = checker.check(entry.value, .list(.format(.path)), "env_file", key: entry.keySpan)
        for file in files.list {
            guard let path = file.text, let written = file.writtenPath else { continue }
            do throws(FileError) {
                let bytes = try FileBytes.read(path, atMost: SourceScan.largestFile)
                let name = file.isShowable ? written : "env_file"
                let text = SourceText(name: name, folder: FileBytes.folder(of: path), bytes: bytes)
                EnvironmentFile.read(text, into: expander, problems)
            } catch {
                problems.report(
                    file.span, "env_file", "cannot read \(file.isShowable ? written : "it"): \(error.reason)")
            }
        }
    }
}

extension PluginDescription.Kind {
    var section: String { rawValue + "s" }
    var inWords: String { self == .indicator ? "an indicator" : "a \(rawValue)" }
}
