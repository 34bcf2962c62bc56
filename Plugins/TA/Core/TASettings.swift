import PluginKit

/// The settings of one instance, read and checked.
struct TASettings: Sendable {
    var definitions: [Definition] = []
    /// In seconds, as listed; nil = all of the pipeline.
    var intervals: [UInt32]?
    var conventions = Conventions()

    /// The intervals bars come in, by their names in `hub.yaml`; a record carries the seconds.
    static let intervalNames: [(name: String, seconds: UInt32)] = [
        ("1s", 1), ("5s", 5), ("15s", 15), ("30s", 30), ("1m", 60), ("3m", 180), ("5m", 300),
        ("15m", 900),
        ("30m", 1800), ("1h", 3600), ("2h", 7200), ("4h", 14_400), ("1d", 86_400), ("1w", 604_800),
        ("1M", 2_592_000),
    ]

    /// JSON Schema of the settings.
    static let schema: String = {
        let intervals = intervalNames.map { "\"\($0.name)\"" }.joined(separator: ",")
        let presets = Preset.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ",")
        return """
            {"type":"object","additionalProperties":false,"required":["outputs"],"properties":{\
            "outputs":{"type":"array","minItems":1,"items":{"type":"string"},"x-reload":"restart",\
            "description":"what to compute: \\"rsi(14)\\", \\"macd(12,26,9)\\""},\
            "intervals":{"type":"array","minItems":1,"items":{"type":"string","enum":[\(intervals)]},\
            "x-reload":"restart","description":"on bars of these intervals; all of the pipeline if not given"},\
            "preset":{"type":"string","enum":[\(presets)],"default":"talib","x-reload":"restart",\
            "description":"whose conventions are followed where averages start"},\
            "day_start":{"type":"string","pattern":"^([01][0-9]|2[0-3]):[0-5][0-9]$","default":"00:00",\
            "x-reload":"restart","description":"time of day, UTC, at which the day of vwap begins"}}}
            """
    }()

    /// Reads all settings, and adds what is wrong with them to `problems`, each with its JSON pointer.
    init(_ settings: Settings, problems: inout SettingsProblems) {
        readDefinitions(settings, &problems)
        readIntervals(settings, &problems)
        if let text = settings.text("/preset") {
            if let preset = Preset(rawValue: text) {
                conventions.preset = preset
            } else {
                problems.add(
                    "/preset", unknownWord(text, what: "preset", known: Preset.allCases.map(\.rawValue)))
            }
        }
        if let text = settings.text("/day_start") {
            if let minutes = Self.minutes(text) {
                conventions.dayStartNanoseconds = minutes * 60_000_000_000
            } else {
                problems.add(
                    "/day_start", "expected a time of day, UTC, such as \"08:00\", found '\(text)'")
            }
        }
    }

    private mutating func readDefinitions(_ settings: Settings, _ problems: inout SettingsProblems) {
        guard let texts = Self.list(settings, "/outputs"), !texts.isEmpty else {
            problems.add(
                "/outputs",
                "expected a list of indicators such as [\"rsi(14)\", \"macd(12,26,9)\"], found none")
            return
        }
        for (index, text) in texts.enumerated() {
            let pointer = "/outputs/\(index)"
            do throws(DefinitionError) {
                let definition = try Definition(parsing: text)
                if let earlier = definitions.firstIndex(of: definition) {
                    problems.add(
                        pointer,
                        "\(definition.name) is listed twice, first as number \(earlier + 1); remove one")
                } else {
                    definitions.append(definition)
                }
            } catch {
                problems.add(pointer, error.description)
            }
        }
    }

    private mutating func readIntervals(_ settings: Settings, _ problems: inout SettingsProblems) {
        guard let texts = Self.list(settings, "/intervals") else { return }
        var seconds: [UInt32] = []
        for (index, text) in texts.enumerated() {
            guard let interval = Self.intervalNames.first(where: { $0.name == text }) else {
                let known = Self.intervalNames.map(\.name)
                problems.add("/intervals/\(index)", unknownWord(text, what: "interval", known: known))
                continue
            }
            if !seconds.contains(interval.seconds) { seconds.append(interval.seconds) }
        }
        intervals = seconds
    }

    /// A list of texts; a single text stands for a list of one.
    private static func list(_ settings: Settings, _ path: String) -> [String]? {
        settings.texts(path) ?? settings.text(path).map { [$0] }
    }

    private static func minutes(_ text: String) -> Int64? {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard text.utf8.count == 5, parts.count == 2, parts[0].count == 2,
            text.utf8.allSatisfy({
                $0 == UInt8(ascii: ":") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }),
            let hours = Int64(Substring(parts[0])), let minutes = Int64(Substring(parts[1])), hours < 24,
            minutes < 60
        else { return nil }
        return hours * 60 + minutes
    }
}
