import PluginABI

@testable import TACore

/// A generator with a seed that failing tests print (SplitMix64: G. L. Steele and others, 2014).
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

let minute: Int64 = 60_000_000_000

/// A random walk with ticks of 0.01 over minutes that follow each other.
func walk(_ count: Int, from price: Double = 100, start: Int64 = 0, using random: inout Seeded)
    -> [BarInput]
{
    var close = price
    return (0..<count).map { index in
        let open = close
        close = ((open + Double.random(in: -0.5...0.5, using: &random)) * 100).rounded() / 100
        let volume = Double.random(in: 1...1000, using: &random)
        return BarInput(
            time: start + Int64(index) * minute, cause: UInt64(index + 1), revision: 0,
            high: max(open, close) + 0.02, low: min(open, close) - 0.03, close: close, volume: volume,
            notional: volume * (open + close) / 2)
    }
}

/// All values that `bars` lead to under a definition, one after the other.
func run(_ text: String, preset: Preset = .talib, dayStart: Int64 = 0, _ bars: [BarInput]) throws
    -> [SeriesValue]
{
    let series = Series(
        try Definition(parsing: text), Conventions(preset: preset, dayStartNanoseconds: dayStart))
    defer { series.deallocate() }
    return try bars.flatMap { try series.feed($0) }
}

extension Series {
    func feed(_ bar: BarInput) throws -> [SeriesValue] {
        try withUnsafeTemporaryAllocation(of: SeriesValue.self, capacity: Series.maximumValues) {
            values in
            let count = try update(bar, into: values.baseAddress!)
            return Array(values[..<count])
        }
    }
}

extension SeriesValue {
    /// Everything but the cause, with NaN equal to itself.
    var content: [UInt64] {
        [
            UInt64(bitPattern: time), UInt64(revision), computed.first.bitPattern,
            computed.second.bitPattern,
            computed.third.bitPattern, computed.isReady ? 1 : 0, computed.isStable ? 1 : 0,
        ]
    }
}

let everyDefinition = [
    "sma(1)", "sma(5)", "sma(50)", "ema(1)", "ema(12)", "rsi(2)", "rsi(14)", "macd(12,26,9)",
    "macd(1,2,1)",
    "bbands(20,2)", "bbands(5,1.5)", "atr(1)", "atr(14)", "vwap",
]
