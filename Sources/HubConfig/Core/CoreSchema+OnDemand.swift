/// What is asked for on demand: the cache of answers, and how providers are asked.
extension CoreSchema {
    static let cache: Schema = .map([
        "max_entries": .integer(1, 10_000_000).or(10_000),
        "max_size": .format(.size, atLeast: "64KiB").or("64MiB"),
        "ttl": .map([
            "quotes": .format(.duration).or("60s"),
            "bars": .format(.duration).or("5m"),
            "profiles": .format(.duration).or("24h"),
            "news": .format(.duration).or("5m"),
            "sentiment": .format(.duration).or("15m"),
            "search": .format(.duration).or("1h"),
            "calendar": .format(.duration).or("12h"),
            "default": .format(.duration).or("1h"),
        ]).orEmpty,
        "stale": .format(.duration).or("10m"),
        "negative": .format(.duration).or("30s"),
    ])

    static let query: Schema = .map([
        "timeout": .format(.duration, atLeast: "10ms").or("8s"),
        "retries": .integer(0, 10).or(1),
        "parallel": .integer(1, 1000).or(20),
    ])

    static let venue: Schema = Schema(.text(Schema.TextRule(pattern: "^[A-Z][A-Z0-9]{0,11}$")))
}
