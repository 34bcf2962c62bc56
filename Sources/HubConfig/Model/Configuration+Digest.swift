internal import HubModel

extension Configuration {
    /// What the fold depends on, as bytes that are the same for configurations that mean the same: pipelines with their
    /// sources, instruments, kinds, bars and indicators; the settings of providers and indicators; calendars. No addresses,
    /// folders, sinks, logs or secrets; of paths in settings only the file's name. To be hashed into the configuration digest.
    public var foldDigestInput: [UInt8] {
        let used = Set(pipelines.flatMap { $0.sources.map(\.provider) })
        let usedIndicators = Set(pipelines.flatMap(\.indicators))
        return SettingsTree.map([
            ("format", .integer(1)),
            ("pipelines", .list(pipelines.map(Configuration.digestTree))),
            (
                "providers",
                .list(
                    providers.filter { used.contains($0.name) }.map { provider in
                        .map(
                            Configuration.componentTree(provider, baseNamesOnly: true) + [
                                ("stale_after", .integer(provider.staleAfterNanoseconds)),
                                ("finalize_after", .integer(provider.finalizeAfterNanoseconds)),
                                ("traits", .integer(Int64(provider.plugin.traits.rawValue))),
                            ]
                                + (provider.lateAfterNanoseconds == 0
                                    ? [] : [("late_after", .integer(provider.lateAfterNanoseconds))]))
                    })
            ),
            (
                "indicators",
                .list(
                    indicators.filter { usedIndicators.contains($0.name) }
                        .map { .map(Configuration.componentTree($0, baseNamesOnly: true)) })
            ),
            ("calendars", .map(calendars.map { ($0.venue, $0.digestTree) })),
        ]).canonicalBytes
    }

    private static func componentTree(
        _ component: any ComponentConfiguration, baseNamesOnly: Bool
    ) -> [(String, SettingsTree)] {
        let settings = component.settings
        return [
            ("name", .text(component.name)), ("plugin", .text(component.plugin.id)),
            ("settings", settings.digestTree("", settings.tree, baseNamesOnly: baseNamesOnly) ?? .null),
        ]
    }

    private static func digestTree(_ pipeline: PipelineConfiguration) -> SettingsTree {
        let texts = { (items: [String]) in SettingsTree.list(items.map { .text($0) }) }
        return .map([
            ("name", .text(pipeline.name)),
            (
                "sources",
                .list(
                    pipeline.sources.map {
                        .map([("provider", .text($0.provider)), ("kinds", .integer(Int64($0.kinds)))])
                    })
            ),
            ("instruments", texts(pipeline.instruments.map(\.text))),
            ("globs", texts(pipeline.globs.map(\.text))),
            ("exclude", texts(pipeline.exclude.map(\.text))),
            ("bars", texts(pipeline.bars.map(\.text))),
            ("price", pipeline.price.map { .text($0.rawValue) } ?? .null),
            ("indicators", texts(pipeline.indicators)),
            ("quality", pipeline.quality.digestTree),
            ("failover_after", .integer(pipeline.failoverAfterNanoseconds)),
            ("failover_back_after", .integer(pipeline.failoverBackAfterNanoseconds)),
        ])
    }
}

extension ProviderConfiguration {
    /// What resuming this source is bound to, as canonical bytes: its plugin and settings, secrets left out. With other
    /// settings it starts anew.
    public var settingsDigestInput: [UInt8] {
        SettingsTree.map([
            ("plugin", .text(plugin.id)),
            ("settings", settings.digestTree("", settings.tree, baseNamesOnly: false) ?? .null),
        ]).canonicalBytes
    }
}

extension CalendarConfiguration {
    /// As the fold and whoever watches its sources see it: the days, not the file they stand in.
    fileprivate var digestTree: SettingsTree {
        let name: SettingsTree = like.map { .text($0) } ?? .null
        if days.isEmpty { return name }
        return .map([
            ("like", name),
            (
                "days",
                .list(
                    days.map { day in
                        .list([
                            .integer(Int64(day.number)), .text(day.name),
                            .integer(Int64(day.open?.lowerBound ?? -1)), .integer(Int64(day.open?.upperBound ?? -1)),
                        ])
                    })
            ),
        ])
    }
}
