internal import HubModel

extension HubSettings {
    /// Stands in where the section could not be read; such a configuration is never handed out.
    static let fallback = HubSettings(
        listen: [], data: "", clock: .real, durability: .process, allowsSimulated: true,
        heartbeatNanoseconds: 0,
        shutdownNanoseconds: 0,
        retention: Retention(
            journalNanoseconds: 0, journalBytes: 0, ticksNanoseconds: 0, booksNanoseconds: 0, barsNanoseconds: 0,
            mostBytes: .max, minimumFreeBytes: 0),
        authenticationBecause: "", corsOrigins: [],
        limits: Limits(
            connections: 0, symbols: 0, operationsPerSecond: 0, messageBytes: 0, urlBytes: 0,
            headerBytes: 0,
            bodyBytes: 0, requestNanoseconds: 0),
        log: Log(level: .info, levels: [], format: .auto), metricsPerInstrument: false, servesPage: true)
}

extension Assembly {
    /// A word of a fixed list.
    func word<Word: RawRepresentable<String>>(_ value: CheckedValue?, _ otherwise: Word) -> Word {
        value?.text.flatMap(Word.init) ?? otherwise
    }

    func hubSettings(_ value: CheckedValue) -> HubSettings {
        var hub = HubSettings.fallback
        hub.listen = listenAddresses(value)
        hub.data = value["data"]?.text ?? ""
        hub.clock = word(value["clock"], .real)
        hub.durability = word(value["durability"], .process)
        hub.allowsSimulated = value["allow_simulated"]?.bool ?? true
        hub.heartbeatNanoseconds = value["heartbeat"]?.integer ?? 0
        hub.shutdownNanoseconds = value["shutdown"]?.integer ?? 0
        if let retention = value["retention"] {
            hub.retention = HubSettings.Retention(
                journalNanoseconds: retention["journal"]?.integer ?? 0,
                journalBytes: retention["journal_size"]?.integer ?? 0,
                ticksNanoseconds: retention["ticks"]?.integer ?? 0,
                booksNanoseconds: retention["books"]?.integer ?? 0,
                barsNanoseconds: retention["bars"]?.integer ?? 0,
                mostBytes: retention["max_size"]?.integer ?? .max,
                // `none` asks for nothing to be kept free.
                minimumFreeBytes: retention["min_free"]?.integer.map { $0 == .max ? 0 : $0 } ?? 0)
        }
        hub.authenticationBecause = value["auth"]?["because"]?.text ?? ""
        hub.corsOrigins = value["cors"]?["origins"]?.list.compactMap(\.text) ?? []
        if let limits = value["limits"] {
            let number = { (key: String) in Int(clamping: limits[key]?.integer ?? 0) }
            hub.limits = HubSettings.Limits(
                connections: number("connections"), symbols: number("symbols"),
                operationsPerSecond: number("ops_per_second"), messageBytes: number("message_size"),
                urlBytes: number("url_size"), headerBytes: number("header_size"),
                bodyBytes: number("body_size"),
                requestNanoseconds: limits["request_time"]?.integer ?? 0)
        }
        if let log = value["log"] {
            hub.log.level = word(log["level"], .info)
            hub.log.format = word(log["format"], .auto)
            hub.log.slowRequestNanoseconds = log["slow_request"]?.integer ?? 500_000_000
            hub.log.levels = log["levels"]?.entries.map { ($0.key, word($0.value, .info)) } ?? []
        }
        hub.metricsPerInstrument = value["metrics"]?["per_instrument"]?.bool ?? false
        hub.cache = cacheSettings(value["cache"])
        hub.query = querySettings(value["query"])
        hub.servesPage = value["page"]?.bool ?? true
        return hub
    }

    /// Addresses that others can reach must be meant.
    private func listenAddresses(_ value: CheckedValue) -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        let mode = value["auth"]?["mode"]
        let because = value["auth"]?["because"]
        let isSaid =
            mode.map { $0.isUnknown || because.map { $0.isUnknown || $0.text != "" } ?? false } ?? false
        for (index, item) in (value["listen"]?.list ?? []).enumerated() {
            guard let text = item.text,
                let address = FormatText.listenAddress(text, folder: item.span.source.folder)
            else { continue }
            if addresses.contains(address), case .host(_, let port) = address, port != 0 {
                problems.report(
                    item.span, PathText.index("hub.listen", index), "\(item.shown) is listed twice")
            }
            addresses.append(address)
            if !address.isLoopback, !isSaid {
                let missing = mode == nil ? "hub.auth.mode: none and hub.auth.because" : "hub.auth.because"
                problems.report(
                    item.span, "hub.listen",
                    "others can reach this address, and nobody has to log in yet: give the reason why that is right "
                        + "(\(missing)), or listen on 127.0.0.1")
            }
        }
        return addresses
    }

    func pluginsSettings(_ value: CheckedValue) -> PluginsSettings {
        PluginsSettings(
            path: value["path"]?.list.compactMap(\.text) ?? [],
            pins: value["pins"]?.entries.compactMap { entry in
                entry.value.text.map { (entry.key, $0.dropFirst(7).lowercased()) }
            } ?? [],
            scanTimeoutNanoseconds: value["scan_timeout"]?.integer ?? 5_000_000_000)
    }
}
