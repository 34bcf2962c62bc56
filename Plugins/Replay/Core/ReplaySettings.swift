import PluginKit

/// Settings of the plugin, read and checked. Section 5 of the reference of `hub.yaml` lists them.
struct ReplaySettings: Sendable {
    struct File: Sendable, Equatable {
        var path: String
        var symbol: String
        var kind: ReplayFileKind

        /// The part of the symbol before the colon.
        var venue: String { String(symbol.prefix { $0 != ":" }) }
    }

    var files: [File] = []
    /// How many times faster than it happened; nil = as fast as the host takes it.
    var speed: Double? = 1
    var loops = false

    /// Reads settings and adds what is wrong with them.
    init(_ settings: Settings, problems: inout SettingsProblems) {
        readFiles(settings, &problems)
        if let factor = settings.number("/speed") {
            speed = factor
            if !(factor >= 1e-6 && factor <= 1e9) {
                problems.add("/speed", "a speed is max, or a factor from 0.000001 to 1000000000; found \(factor)")
                speed = 1
            }
        } else if let word = settings.text("/speed") {
            if word == "max" {
                speed = nil
            } else {
                problems.add("/speed", "a speed is max or a factor such as 1 or 60; found '\(word)'")
            }
        }
        if let value = settings.boolean("/loop") {
            loops = value
        } else if settings.text("/loop") != nil || settings.number("/loop") != nil {
            problems.add("/loop", "true or false is expected")
        }
    }

    private mutating func readFiles(_ settings: Settings, _ problems: inout SettingsProblems) {
        // A single map is accepted where a list is expected.
        let isSingle = settings.text("/files/path") != nil
        let count = isSingle ? 1 : settings.keys("/files") == nil ? settings.count("/files") ?? 0 : 0
        if count == 0 {
            problems.add("/files", "name at least one file: {path: …, symbol: \"VENUE:NAME\", kind: trade}")
        }
        for index in 0..<count {
            let place = isSingle ? "/files" : "/files/\(index)"
            let path = settings.text(place + "/path") ?? ""
            let symbol = settings.text(place + "/symbol") ?? ""
            if path.isEmpty { problems.add(place + "/path", "the path of a CSV file is needed") }
            if !symbol.contains(":") || symbol.hasPrefix(":") || symbol.hasSuffix(":") {
                problems.add(place + "/symbol", "a symbol such as NASDAQ:AAPL is needed; found '\(symbol)'")
            }
            guard let word = settings.text(place + "/kind") else {
                problems.add(place + "/kind", "a kind is needed: trade, quote, or bar with its interval, as bar:1m")
                continue
            }
            guard let kind = ReplayFileKind(word: word) else {
                problems.add(place + "/kind", "unknown kind '\(word)'; known are trade, quote, and bar:1s to bar:1M")
                continue
            }
            files.append(File(path: path, symbol: symbol, kind: kind))
            guard !path.isEmpty else { continue }
            do {
                try RowReader(path: path, kind: kind).close()
            } catch {
                problems.add(place + "/path", (error as? PluginError)?.text ?? "cannot read \(path)")
            }
        }
    }
}
