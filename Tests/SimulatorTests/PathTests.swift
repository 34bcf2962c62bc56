import PluginABI
import PluginKit
import Testing

@testable import SimulatorCore

#if canImport(Glibc)
    import Glibc
#endif

private let year = 365.25 * 86400.0
private let begin: Int64 = 1_736_174_100_000_000_000

private func moments(_ values: [Double]) -> (mean: Double, deviation: Double, kurtosis: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    let second = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    let fourth = values.reduce(0) { $0 + pow($1 - mean, 4) } / Double(values.count)
    return (mean, second.squareRoot(), fourth / (second * second))
}

/// A price model with its common path, freed with it.
private final class Path {
    var model: PriceModel
    private let common: UnsafeMutablePointer<BrownianPath>

    init(
        _ settings: InstrumentSettings, symbol: String = "SIM:A", seed: UInt64 = 1, correlation: Double = 0,
        leaf: Int = 26, begin start: Int64 = begin
    ) {
        common = .allocate(capacity: 1)
        common.initialize(to: BrownianPath(seed: seed, name: "", leafLevel: leaf))
        model = PriceModel(
            settings, symbol: symbol, seed: seed, correlation: correlation, anchor: begin, begin: start,
            leafLevel: leaf, common: common)
    }

    deinit {
        model.deallocate()
        common.pointee.deallocate()
        common.deallocate()
    }

    func returns(every step: Int64, count: Int) -> [Double] {
        var last = model.logPrice(at: begin)
        return (1...count).map { index in
            let next = model.logPrice(at: begin + Int64(index) * step)
            defer { last = next }
            return next - last
        }
    }
}

@Suite("price paths")
struct PathTests {
    @Test("the normal quantile is exact to 14 digits at known points")
    func quantile() {
        // Values of the standard normal quantile from R's qnorm.
        let known = [
            (0.5, 0.0), (0.975, 1.959963984540054), (0.25, -0.6744897501960817), (1e-10, -6.361340902404056),
            (0.999, 3.090232306167813), (1e-300, -37.0471),
        ]
        for (probability, value) in known {
            let tolerance = probability < 1e-100 ? 1e-5 : 1e-14
            let found = CounterRandom.inverseNormal(probability)
            #expect(abs(found - value) <= tolerance * max(1, abs(value)), "\(probability): \(found)")
        }
    }

    @Test("deviates are standard normal and streams are independent")
    func deviates() {
        let one = CounterRandom(seed: 1, name: "A", purpose: "test")
        let two = CounterRandom(seed: 2, name: "A", purpose: "test")
        let a = (0..<200_000).map { one.normal(UInt64($0)) }
        let b = (0..<200_000).map { two.normal(UInt64($0)) }
        let (mean, deviation, kurtosis) = moments(a)
        #expect(abs(mean) < 0.01 && abs(deviation - 1) < 0.01 && abs(kurtosis - 3) < 0.06)
        #expect(abs(zip(a, b).map { $0 * $1 }.reduce(0, +) / 200_000) < 0.01)
        #expect(abs(zip(a, a.dropFirst()).map { $0 * $1 }.reduce(0, +) / 200_000) < 0.01)
    }

    @Test("W is the same read forwards, backwards, at random and at any leaf level")
    func anyOrder() {
        var forwards = BrownianPath(seed: 3, name: "X", leafLevel: 20)
        var other = BrownianPath(seed: 3, name: "X", leafLevel: 20)
        var coarse = BrownianPath(seed: 3, name: "X", leafLevel: 26)
        defer {
            forwards.deallocate()
            other.deallocate()
            coarse.deallocate()
        }
        let start = (begin >> 26) << 26
        let times = (0..<5000).map { start + Int64($0) << 26 }
        let values = times.map { forwards.value(at: $0) }
        #expect(times.map { coarse.value(at: $0) } == values)
        #expect(times.reversed().map { other.value(at: $0) } == values.reversed())
        let shuffler = CounterRandom(seed: 9, name: "", purpose: "shuffle")
        for n in 0..<5000 {
            let index = Int(shuffler.bits(UInt64(n)) % 5000)
            #expect(other.value(at: times[index]) == values[index])
        }
    }

    @Test("increments of W over any step have the variance of the step and no memory")
    func increments() {
        var path = BrownianPath(seed: 4, name: "X", leafLevel: 10)
        defer { path.deallocate() }
        for step in [1 << 10, 1_000_000, 1_000_000_000, 3_600_000_000_000] as [Int64] {
            var last = path.value(at: begin)
            let scale = (Double(step) * 1e-9).squareRoot()
            let values = (1...50_000).map { n in
                let next = path.value(at: begin + Int64(n) * step)
                defer { last = next }
                return (next - last) / scale
            }
            let (mean, deviation, kurtosis) = moments(values)
            #expect(abs(mean) < 0.02 && abs(deviation - 1) < 0.02 && abs(kurtosis - 3) < 0.12, "step \(step)")
            let memory = zip(values, values.dropFirst()).map { $0 * $1 }.reduce(0, +) / 50_000
            #expect(abs(memory) < 0.02, "step \(step)")
        }
    }

    @Test("gbm has the volatility and the drift of its settings")
    func volatility() {
        var settings = InstrumentSettings()
        settings.volatility = 0.3
        settings.drift = 0.4
        var growth: [Double] = []
        for seed in 1...400 as ClosedRange<UInt64> {
            let path = Path(settings, seed: seed, leaf: 31)
            let days = path.returns(every: 86_400_000_000_000, count: 365)
            if seed <= 20 {
                let annual = moments(days).deviation * 365.25.squareRoot()
                #expect(abs(annual - 0.3) < 0.3 * 0.15, "seed \(seed): \(annual)")
            }
            growth.append(exp(days.reduce(0, +)))
        }
        let mean = growth.reduce(0, +) / Double(growth.count)
        // e^0.4 = 1.49; the mean of 400 has a standard error of 0.023.
        #expect(abs(mean - exp(0.4 * 365 / 365.25)) < 0.09, "mean growth \(mean)")
    }

    @Test("the price at the start is the one of the settings, whatever the leaf and the history")
    func anchored() {
        var settings = InstrumentSettings()
        settings.price = 1250
        for model in ModelKind.allCases {
            settings.model = model
            for leaf in [10, 20, 31] {
                let path = Path(settings, leaf: leaf, begin: begin - 5 * 86_400_000_000_000)
                #expect(abs(exp(path.model.logPrice(at: begin)) - 1250) < 0.5, "\(model), leaf \(leaf)")
            }
            let coarse = Path(settings, leaf: 31, begin: begin - 5 * 86_400_000_000_000)
            let fine = Path(settings, leaf: 12, begin: begin - 5 * 86_400_000_000_000)
            let aligned = ((begin + 7_200_000_000_000) >> 31) << 31
            #expect(abs(coarse.model.logPrice(at: aligned) - fine.model.logPrice(at: aligned)) < 1e-9)
        }
    }

    @Test("jumps come as often and as large as the settings say")
    func jumps() {
        var path = JumpPath(seed: 5, name: "J", leafLevel: 31, perYear: 50_000, mean: 0.01, deviation: 0.02)
        defer { path.deallocate() }
        var sizes: [Double] = []
        var last = path.value(at: begin)
        let step: Int64 = 1 << 31
        for n in 1...300_000 {
            let next = path.value(at: begin + Int64(n) * step)
            // Sums along different ways down the tree may differ in the last digits.
            if abs(next - last) > 1e-9 { sizes.append(next - last) }
            last = next
        }
        let expected = 50_000 * Double(step) * 300_000 * 1e-9 / year
        #expect(abs(Double(sizes.count) - expected) < 4 * expected.squareRoot(), "\(sizes.count) of \(expected)")
        let (mean, deviation, _) = moments(sizes)
        #expect(abs(mean - 0.01) < 0.003 && abs(deviation - 0.02) < 0.002, "\(mean) \(deviation)")
        var again = JumpPath(seed: 5, name: "J", leafLevel: 31, perYear: 50_000, mean: 0.01, deviation: 0.02)
        defer { again.deallocate() }
        #expect(abs(again.value(at: begin + 300_000 * step) - last) < 1e-9)
    }

    @Test("the jump model grows as its drift says, jumps included")
    func compensated() {
        var settings = InstrumentSettings()
        settings.model = .jump
        settings.volatility = 0.1
        settings.drift = 0.1
        settings.jump = .init(perYear: 50, mean: 0.02, deviation: 0.03)
        let growth = (1...1500 as ClosedRange<UInt64>).map { seed in
            let path = Path(settings, seed: seed, leaf: 31)
            return exp(path.model.logPrice(at: begin + Int64(year * 1e9)) - path.model.logPrice(at: begin))
        }
        let (mean, deviation, _) = moments(growth)
        #expect(abs(mean - exp(0.1)) < 4 * deviation / 1500.squareRoot(), "\(mean), expected \(exp(0.1))")
    }

    @Test("garch has the long-run volatility, fat tails and clustering")
    func garch() {
        var settings = InstrumentSettings()
        settings.model = .garch
        settings.volatility = 0.5
        settings.garch = .init(alpha: 0.2, beta: 0.75)
        let step = Int64(1) << 36
        let returns = Path(settings, seed: 6, leaf: 31).returns(every: step, count: 200_000)
        let (_, deviation, kurtosis) = moments(returns)
        let annual = deviation * (year / (Double(step) * 1e-9)).squareRoot()
        #expect(abs(annual - 0.5) < 0.05, "volatility \(annual)")
        // 3 (1 - (a + b)^2) / (1 - (a + b)^2 - 2 a^2) = 16.7 here; a sample of heavy tails lies around it.
        #expect(kurtosis > 5, "kurtosis \(kurtosis)")
        let squares = returns.map { $0 * $0 }
        let mean = squares.reduce(0, +) / Double(squares.count)
        let covariance = zip(squares, squares.dropFirst()).map { ($0 - mean) * ($1 - mean) }.reduce(0, +)
        let variance = squares.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
        #expect(covariance / variance > 0.15, "clustering \(covariance / variance)")
        let flat = moments(Path(InstrumentSettings(), seed: 6, leaf: 31).returns(every: step, count: 200_000))
        #expect(abs(flat.kurtosis - 3) < 0.1)
    }

    @Test("any two instruments have the correlation of the settings")
    func correlation() {
        for wanted in [0.0, 0.4, 0.9] {
            let a = Path(InstrumentSettings(), symbol: "SIM:A", correlation: wanted, leaf: 31)
            let b = Path(InstrumentSettings(), symbol: "SIM:B", correlation: wanted, leaf: 31)
            let x = a.returns(every: 60_000_000_000, count: 50_000)
            let y = b.returns(every: 60_000_000_000, count: 50_000)
            let (mx, dx, _) = moments(x)
            let (my, dy, _) = moments(y)
            let found = zip(x, y).map { ($0 - mx) * ($1 - my) }.reduce(0, +) / 50_000 / (dx * dy)
            #expect(abs(found - wanted) < 0.02, "\(found), wanted \(wanted)")
            #expect(abs(dx * (year / 60).squareRoot() - 0.2) < 0.004)
        }
    }
}
