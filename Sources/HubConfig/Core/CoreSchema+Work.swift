/// What the hub does by itself: history that is fetched, and work at set times.
extension CoreSchema {
    static let backfill: Schema = .map([
        "history": .maps(.interval, to: .format(.duration, atLeast: "1s")),
        "gaps": .bool.or(true),
        "from": .list(.format(.name), atLeast: 1),
    ]).orEmpty

    static let schedules: Schema = .maps(
        .name,
        to: .map(
            [
                "do": .words("backfill", "refresh_instruments", "warm", later: ["backup", "train"]),
                "at": .format(.clock),
                "every": .format(.duration, atLeast: "1s"),
                "zone": .text,
                "venue": venue,
                "days": .words("daily", "trading", "mon-fri").or("daily"),
                "when": .words("always", "open").or("always"),
                "with": .map([
                    "pipeline": .format(.name),
                    "symbols": .list(.format(.symbols), atLeast: 1),
                    "intervals": .list(.format(.interval), atLeast: 1),
                    "kinds": .list(.words("quote", "bar"), atLeast: 1),
                ]).orEmpty,
            ], required: ["do"]))
}
