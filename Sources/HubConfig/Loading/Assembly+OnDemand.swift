internal import HubModel

/// What is asked for on demand.
extension Assembly {
    func cacheSettings(_ value: CheckedValue?) -> CacheSettings {
        var cache = CacheSettings()
        guard let value else { return cache }
        cache.maximumEntries = Int(clamping: value["max_entries"]?.integer ?? Int64(cache.maximumEntries))
        cache.maximumBytes = value["max_size"]?.integer ?? cache.maximumBytes
        for entry in value["ttl"]?.entries ?? [] {
            cache.timeToLiveNanoseconds[entry.key] = entry.value.integer
        }
        cache.staleNanoseconds = value["stale"]?.integer ?? cache.staleNanoseconds
        cache.negativeNanoseconds = value["negative"]?.integer ?? cache.negativeNanoseconds
        return cache
    }

    func querySettings(_ value: CheckedValue?) -> QuerySettings {
        var query = QuerySettings()
        guard let value else { return query }
        query.timeoutNanoseconds = value["timeout"]?.integer ?? query.timeoutNanoseconds
        query.retries = Int(clamping: value["retries"]?.integer ?? Int64(query.retries))
        query.parallel = Int(clamping: value["parallel"]?.integer ?? Int64(query.parallel))
        return query
    }

    /// The patterns of `on_demand`; those of two pipelines must not meet, or nobody could say whose an instrument is.
    func onDemand(
        _ value: CheckedValue, _ path: String, of pipeline: String, isEnabled: Bool
    ) -> [SymbolPattern] {
        let path = PathText.key(path, "on_demand")
        let selected = symbols(value["on_demand"], path)
        let exclude = (value["exclude"]?.list ?? []).compactMap { $0.text.flatMap { try? SymbolPattern($0) } }
        guard isEnabled else { return [] }
        for item in selected {
            let clash = onDemandPatterns.first { other in
                other.pipeline != pipeline && other.item.pattern.meets(item.pattern)
                    && !other.exclude.contains { $0.matches(item.pattern.text) }
                    && !exclude.contains { $0.matches(other.item.pattern.text) }
            }
            if let clash {
                problems.report(
                    item.span, path,
                    "'\(item.pattern)' meets '\(clash.item.pattern)' of the pipeline '\(clash.pipeline)': an instrument "
                        + "that both match would have two pipelines; exclude it in one of them",
                    related: [(clash.item.span, "it is asked for there")])
            }
        }
        onDemandPatterns += selected.map { (pipeline, $0, exclude) }
        return selected.map(\.pattern)
    }
}
