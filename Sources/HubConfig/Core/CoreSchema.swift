/// The core's own keys: the reference of `hub.yaml`, as far as this version has them. Keys that are known and come later are
/// `.later`.
enum CoreSchema {
    static let sections: KeyValuePairs<String, Schema> = [
        "include": .later,
        "env_file": .list(.format(.path)),
        "hub": hub.orEmpty,
        "plugins": plugins.orEmpty,
        "providers": .maps(.name, to: .map([:])),
        "indicators": .maps(.name, to: .map([:])),
        "sinks": .maps(.name, to: .map([:])),
        "groups": .maps(.name, to: .map([:])),
        "pipelines": .maps(.name, to: .map([:])),
        "calendars": calendars.orEmpty,
        "schedules": schedules,
        "alerts": .later,
        "tests": .later,
    ]

    static let hub: Schema = .map([
        "listen": .list(.format(.address), atLeast: 1).or("127.0.0.1:8080"),
        "public_url": .format(.uri),
        "data": .format(.path).or("./data"),
        "clock": .words("real", "virtual").or("real"),
        "durability": .words("process", "fsync").or("process"),
        "allow_simulated": .bool.or(true),
        "heartbeat": .format(.duration, atLeast: "100ms").or("5s"),
        "shutdown": .format(.duration).or("10s"),
        "page": .bool.or(true),
        "retention": retention.orEmpty,
        "cache": cache.orEmpty,
        "query": query.orEmpty,
        "tls": .later,
        "auth": auth.orEmpty,
        "cors": .map(["origins": .list(.format(.origin)).or([])]).orEmpty,
        "limits": limits.orEmpty,
        "log": log.orEmpty,
        "metrics": .map(["listen": .later, "per_instrument": .bool.or(false)]).orEmpty,
    ])

    private static let retention: Schema = .map([
        "journal": .format(.duration).or("24h"),
        "journal_size": .format(.size).or("8GiB"),
        "ticks": .format(.duration).or("90d"),
        "books": .format(.duration).or("7d"),
        "bars": .format(.duration).or("forever"),
        "max_size": .format(.size).or("none"),
        "min_free": .format(.size).or("1GiB"),
    ])

    private static let auth: Schema = .map([
        "mode": .words("none", later: ["required"]),
        "because": .text,
        "api_keys": .later,
        "jwt": .later,
        "ticket": .later,
        "public": .later,
    ])

    private static let limits: Schema = .map([
        "connections": .integer(1, 1_000_000).or(10_000),
        "per_key": .later,
        "symbols": .integer(1, 10_000_000).or(10_000),
        "ops_per_second": .integer(1, 1_000_000).or(50),
        "message_size": .format(.size, atLeast: "1KiB").or("64KiB"),
        "url_size": .format(.size, atLeast: "1KiB").or("64KiB"),
        "header_size": .format(.size, atLeast: "1KiB").or("32KiB"),
        "body_size": .format(.size).or("1MiB"),
        "request_time": .format(.duration, atLeast: "100ms").or("30s"),
        "requests": .later,
    ])

    private static let level: Schema = .words("trace", "debug", "info", "warning", "error")

    private static let log: Schema = .map([
        "level": level.or("info"),
        "levels": Schema.maps(.any, to: level).orEmpty,
        "format": .words("auto", "text", "json").or("auto"),
        "file": .later,
        "slow_request": .format(.duration).or("500ms"),
    ])

    static let plugins: Schema = .map([
        "path": .list(.format(.path)).or(["./plugins"]),
        "pins": Schema.maps(.any, to: .format(.digest)).orEmpty,
        "only_pinned": .later,
        "isolation": .later,
        "scan_timeout": .format(.duration, atLeast: "100ms").or("5s"),
    ])

    // `settings` is not here: it is checked by the plugin's own schema.

    static let provider: Schema = component([
        "symbols": .maps(.symbol, to: .text),
        "venues": .list(venue, atLeast: 1),
        "stale_after": .format(.duration),
        "late_after": .format(.duration, atLeast: "1ms"),
        "finalize_after": .format(.duration),
        "connect_timeout": .format(.duration, atLeast: "100ms").or("10s"),
        "request_timeout": .format(.duration, atLeast: "100ms").or("10s"),
        "backoff": backoff,
        "breaker": .map([
            "failures": .integer(1, 1_000_000).or(5), "open": .format(.duration, atLeast: "100ms").or("30s"),
        ])
        .orEmpty,
        "rates": Schema.maps(.any, to: .format(.rate)).orEmpty,
        "proxy": .text,
        "ca_file": .format(.path),
        "record": record,
        "store_login": .bool.or(true),
    ])

    /// What came from the vendor, as files in the data folder.
    private static let record: Schema = .choice(
        .bool,
        .map([
            "keep": .format(.duration, atLeast: "1s").or("2h"), "max_size": .format(.size, atLeast: "1MiB").or("1GiB"),
        ]))

    /// Between tries, doubling, full jitter.
    private static let backoff: Schema = .map([
        "min": .format(.duration, atLeast: "10ms").or("1s"), "max": .format(.duration, atLeast: "10ms").or("60s"),
    ])
    .orEmpty

    static let indicator: Schema = component([:])

    static let sink: Schema = component([
        "kinds": .list(.format(.selector), atLeast: 1),
        "symbols": .list(.format(.symbols), atLeast: 1),
        "simulated": .bool.or(true),
        "start": .words("live", "earliest").or("live"),
        "batch": .map(["events": .integer(1, 1_000_000).or(1000), "every": .format(.duration).or("1s")])
            .orEmpty,
        "hold": .format(.duration).or("7d"),
        "backoff": backoff,
    ])

    private static func component(_ own: KeyValuePairs<String, Schema>) -> Schema {
        let common: KeyValuePairs<String, Schema> = [
            "plugin": .text, "enabled": .bool.or(true), "required": .bool.or(true), "isolation": .later,
        ]
        let properties = (Array(common) + Array(own)).map {
            Schema.Property(key: $0.key, schema: $0.value)
        }
        return Schema(.map(Schema.MapRule(properties: properties, required: ["plugin"])))
    }

    static let group: Schema = .choice(
        .list(.format(.symbols)),
        .map([
            "file": .format(.path), "column": .text, "prefix": .text, "venue": .later, "type": .later,
            "underlying": .later, "query": .later, "limit": .later,
        ]))

    private static let streamKinds: Schema = .list(
        .words("trade", "tick", "quote", "book", "greeks", "status"), atLeast: 1)

    private static let quality: Schema = .map([
        "spike_percent": Schema.number(0, 1_000_000).or(20),
        "crossed": flagOrIgnore, "backwards": flagOrIgnore, "volume_falls": flagOrIgnore,
        "duplicates": flagOrIgnore,
    ])

    private static let flagOrIgnore: Schema = .words("flag", "ignore").or("flag")

    static let pipeline: Schema = .map(
        [
            "enabled": .bool.or(true),
            "from": .list(
                .choice(
                    .format(.name),
                    .map(["provider": .format(.name), "kinds": streamKinds], required: ["provider"])),
                atLeast: 1),
            "instruments": .list(.format(.symbols)),
            "exclude": .list(.format(.symbols)),
            "on_demand": .list(.format(.symbols)),
            "linger": .format(.duration).or("5m"),
            "kinds": streamKinds,
            "bars": .choice(
                .list(.format(.interval)),
                .map(
                    [
                        "intervals": .list(.format(.interval), atLeast: 1), "session": .words("all", "regular"),
                        "price": .words("last", "mid", "bid", "ask"),
                    ], required: ["intervals"])),
            "indicators": .list(.format(.name)),
            "to": .list(.format(.name)),
            "failover": .map([
                "after": .format(.duration).or("15s"), "back_after": .format(.duration).or("60s"),
                "standby": .words("cold", "warm").or("cold"),
                "per_instrument": .bool.or(true),
            ]).orEmpty,
            "poll": .later,
            "backfill": backfill,
            "quality": quality.orEmpty,
            "retention": .map([
                "ticks": .format(.duration), "books": .format(.duration), "bars": .format(.duration),
            ]),
        ], required: ["from"])

    private static let calendars: Schema = .maps(
        .venue,
        to: .map(["file": .format(.path), "like": .words("us-equities", "nse", "mcx", "cds", "fx", "always")]))
}
