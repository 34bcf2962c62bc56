import PluginKit

/// Settings of one instrument, each with its default.
struct InstrumentSettings: Equatable, Sendable {
    struct Jump: Equatable, Sendable {
        /// Jumps a year, on average.
        var perYear = 20.0
        /// Mean and standard deviation of a jump of the logarithm of price.
        var mean = 0.0
        var deviation = 0.03
    }
    struct Garch: Equatable, Sendable {
        var alpha = 0.08
        var beta = 0.9
    }

    var price = 100.0
    /// A year.
    var drift = 0.05
    /// A year; 0.2 is 20 %.
    var volatility = 0.2
    var tickSize = 0.01
    var lot = 1.0
    /// Between bid and ask, in the currency; at least one tick.
    var spread = 0.02
    var currency = "USD"
    var type = InstrumentType.simulated
    var model = ModelKind.gbm
    var jump = Jump()
    var garch = Garch()
}

/// Settings of the plugin, read and checked. Section 5 of the reference of `hub.yaml` lists them.
struct SimulatorSettings: Equatable, Sendable {
    static let fastest = 10_000_000.0
    static let slowest = 0.001
    static let maximumLevels = 50
    static let maximumHistoryNanoseconds: Int64 = 366 * 86400 * 1_000_000_000

    var seed: UInt64 = 1
    /// Events a second in all.
    var rate = 10.0
    /// `rate: max`: as fast as the host takes them.
    var isUnpaced = false
    var kinds: KindSet = [.trade, .quote]
    var levels = 5
    var historyNanoseconds: Int64 = 5 * 86400 * 1_000_000_000
    var correlation = 0.0
    var calendar = SessionCalendar.always
    /// Of instruments the map does not name.
    var defaults = InstrumentSettings()
    var instruments: [String: InstrumentSettings] = [:]

    init() {}

    /// Reads settings and adds what is wrong with them.
    init(_ settings: Settings, problems: inout SettingsProblems) {
        if let value = settings.integer("/seed") {
            seed = UInt64(bitPattern: value)
        } else if settings.number("/seed") != nil || settings.text("/seed") != nil {
            problems.add("/seed", "a seed is a whole number")
        }
        readRate(settings, &problems)
        if let model = settings.text("/model") {
            defaults.model = readModel(model, "/model", &problems)
        }
        readKinds(settings, &problems)
        levels = readInteger(settings, "/levels", levels, 1...Self.maximumLevels, &problems)
        if let value = settings.integer("/history") {
            historyNanoseconds = value
            if value < 0 || value > Self.maximumHistoryNanoseconds {
                problems.add("/history", "history is a duration from 0 to 366d")
                historyNanoseconds = 0
            }
        } else if let text = settings.text("/history") {
            problems.add("/history", "history is a duration such as 5d, or 0 for none; found '\(text)'")
        }
        correlation = readNumber(settings, "/correlation", correlation, 0...1, &problems)
        if let word = settings.text("/calendar") {
            if let known = SessionCalendar(rawValue: word) {
                calendar = known
            } else {
                let known = SessionCalendar.allCases.map(\.rawValue).joined(separator: ", ")
                problems.add("/calendar", "unknown calendar '\(word)'; known are \(known)")
            }
        }
        for symbol in settings.keys("/instruments") ?? [] {
            instruments[symbol] = readInstrument(settings, Settings.path("instruments", symbol), &problems)
        }
    }

    /// Settings of an instrument, its own or the defaults.
    func instrument(_ symbol: String) -> InstrumentSettings { instruments[symbol] ?? defaults }

    private mutating func readRate(_ settings: Settings, _ problems: inout SettingsProblems) {
        if let value = settings.number("/rate") {
            rate = value
            if !(value >= Self.slowest && value <= Self.fastest) {
                problems.add("/rate", "a rate is 0.001 to 10000000 events a second, or max; found \(value)")
                rate = 10
            }
        } else if let word = settings.text("/rate") {
            if word == "max" {
                isUnpaced = true
                rate = Self.fastest
            } else {
                problems.add("/rate", "a rate is a number of events a second, or max; found '\(word)'")
            }
        }
    }

    private mutating func readKinds(_ settings: Settings, _ problems: inout SettingsProblems) {
        let words: [String]
        if let single = settings.text("/kinds") {
            words = [single]
        } else if let list = settings.texts("/kinds") {
            words = list
        } else {
            if settings.count("/kinds") != nil { problems.add("/kinds", "kinds is a list of trade, quote, book") }
            return
        }
        kinds = []
        for (index, word) in words.enumerated() {
            switch word {
            case "trade": kinds.insert(.trade)
            case "quote": kinds.insert(.quote)
            case "book": kinds.insert(.book)
            default: problems.add("/kinds/\(index)", "the simulator makes trade, quote and book; found '\(word)'")
            }
        }
        if words.isEmpty { problems.add("/kinds", "name at least one of trade, quote, book") }
    }

    private func readInstrument(_ settings: Settings, _ path: String, _ problems: inout SettingsProblems)
        -> InstrumentSettings
    {
        var result = defaults
        let tiny = Double.leastNonzeroMagnitude
        result.price = readNumber(settings, path + "/price", result.price, 1e-9...1e12, &problems)
        result.drift = readNumber(settings, path + "/drift", result.drift, -10...10, &problems)
        result.volatility = readNumber(settings, path + "/volatility", result.volatility, 0...10, &problems)
        result.tickSize = readNumber(settings, path + "/tick_size", result.tickSize, tiny...1e9, &problems)
        result.lot = readNumber(settings, path + "/lot", result.lot, tiny...1e9, &problems)
        result.spread = readNumber(settings, path + "/spread", result.spread, 0...1e9, &problems)
        if DecimalGrid(step: result.tickSize) == nil {
            problems.add(path + "/tick_size", "a tick size has at most 9 decimals; found \(result.tickSize)")
        } else if result.price < result.tickSize {
            problems.add(path + "/price", "the price \(result.price) is below one tick of \(result.tickSize)")
        }
        if DecimalGrid(step: result.lot) == nil {
            problems.add(path + "/lot", "a lot has at most 9 decimals; found \(result.lot)")
        }
        if let currency = settings.text(path + "/currency") { result.currency = currency }
        if let word = settings.text(path + "/type") {
            if let type = InstrumentType(word: word) {
                result.type = type
            } else {
                let known = InstrumentType.allCases.map(\.word).filter { !$0.isEmpty }.joined(separator: ", ")
                problems.add(path + "/type", "unknown type '\(word)'; known are \(known)")
            }
        }
        if let model = settings.text(path + "/model") { result.model = readModel(model, path + "/model", &problems) }
        result.jump.perYear = readNumber(settings, path + "/jump/per_year", result.jump.perYear, 0...1e6, &problems)
        result.jump.mean = readNumber(settings, path + "/jump/mean", result.jump.mean, -1...1, &problems)
        result.jump.deviation = readNumber(
            settings, path + "/jump/deviation", result.jump.deviation, 0...1, &problems)
        result.garch.alpha = readNumber(settings, path + "/garch/alpha", result.garch.alpha, 0...1, &problems)
        result.garch.beta = readNumber(settings, path + "/garch/beta", result.garch.beta, 0...1, &problems)
        if result.garch.alpha + result.garch.beta >= 1 {
            problems.add(
                path + "/garch",
                "alpha + beta must be below 1, or the variance has no mean; found "
                    + "\(result.garch.alpha) + \(result.garch.beta)")
        }
        return result
    }

    private func readModel(_ word: String, _ path: String, _ problems: inout SettingsProblems) -> ModelKind {
        if let model = ModelKind(rawValue: word) { return model }
        let known = ModelKind.allCases.map(\.rawValue).joined(separator: ", ")
        problems.add(path, "unknown model '\(word)'; known are \(known)")
        return .gbm
    }

    private func readNumber(
        _ settings: Settings, _ path: String, _ fallback: Double, _ range: ClosedRange<Double>,
        _ problems: inout SettingsProblems
    ) -> Double {
        guard let value = settings.number(path) else {
            if let text = settings.text(path) { problems.add(path, "a number is expected; found '\(text)'") }
            return fallback
        }
        guard range.contains(value) else {
            let low = range.lowerBound == .leastNonzeroMagnitude ? "above 0" : "from \(range.lowerBound)"
            problems.add(path, "a number \(low) to \(range.upperBound) is expected; found \(value)")
            return fallback
        }
        return value
    }

    private func readInteger(
        _ settings: Settings, _ path: String, _ fallback: Int, _ range: ClosedRange<Int>,
        _ problems: inout SettingsProblems
    ) -> Int {
        guard let value = settings.integer(path) else {
            if settings.number(path) != nil || settings.text(path) != nil {
                problems.add(path, "a whole number is expected")
            }
            return fallback
        }
        guard let small = Int(exactly: value), range.contains(small) else {
            problems.add(
                path, "a whole number from \(range.lowerBound) to \(range.upperBound) is expected; found \(value)")
            return fallback
        }
        return small
    }
}
