import Testing

@testable import TACore

struct FormulaTests {
    @Test("running sums do not drift: 300,000 bars later, sma and bbands are exact to 12 digits")
    func noDrift() throws {
        var random = Seeded(42)
        let period = 20
        for (price, step) in [(100.0, 0.01), (1e-5, 1e-9), (7e6, 0.01)] {
            let average = Timeline<SimpleAverage>(.init(period: period))
            let bands = Timeline<BollingerBands>(.init(period: period, deviations: 2))
            defer {
                average.deallocate()
                bands.deallocate()
            }
            var window: [Double] = []
            var close = price
            var worst = 0.0
            for index in 0..<300_000 {
                close += Double(Int.random(in: -50...50, using: &random)) * step
                if close < price / 2 { close = price }
                let bar = BarInput(
                    time: Int64(index), cause: 1, revision: 0, high: close, low: close, close: close,
                    volume: 0,
                    notional: .nan)
                let a = try one(average, bar)
                let b = try one(bands, bar)
                window.append(close)
                if window.count > period { window.removeFirst() }
                guard index % 997 == 0 && index > period else { continue }
                let mean = exactSum(window) / Double(period)
                let deviation = (exactSum(window.map { ($0 - mean) * ($0 - mean) }) / Double(period))
                    .squareRoot()
                worst = max(worst, abs(a.first - mean) / mean, abs(b.second - mean) / mean)
                worst = max(worst, abs((b.first - b.third) / 4 - deviation) / mean)
            }
            #expect(worst < 1e-12, "price \(price): relative error \(worst)")
        }
    }

    @Test("an absurd price leaves no trace once it is out of the window")
    func absurdPrice() throws {
        var random = Seeded(1)
        let clean = walk(300, using: &random)
        var dirty = clean
        dirty[100].close = 1e200
        for (definition, period) in [("sma(20)", 20), ("bbands(20,2)", 20)] {
            let expected = try run(definition, clean)
            let found = try run(definition, dirty)
            #expect(found[110].computed.first > 1e100)
            for index in (100 + 2 * period)..<300 {
                let difference = abs(found[index].computed.first - expected[index].computed.first)
                #expect(
                    difference < 1e-12 * expected[index].computed.first, "\(definition) at bar \(index)")
            }
        }
    }

    @Test("a flat market: bands of no width, rsi by preset, atr of the bars' own range")
    func flat() throws {
        let bars = (0..<60).map {
            BarInput(
                time: Int64($0), cause: 1, revision: 0, high: 10.5, low: 9.5, close: 0.1 + 0.2, volume: 0,
                notional: 0)
        }
        let bands = try run("bbands(20,2)", bars)[59].computed
        #expect(
            bands.first == bands.second && bands.second == bands.third && abs(bands.second - 0.3) < 1e-15)
        #expect(try run("rsi(14)", bars)[59].computed.first == 0)
        #expect(try run("rsi(14)", preset: .tradingview, bars)[59].computed.first == 100)
        #expect(abs(try run("macd(12,26,9)", bars)[59].computed.first) < 1e-15)
        #expect(try run("vwap", bars).allSatisfy { !$0.computed.isReady && $0.computed.first.isNaN })
    }

    @Test("presets differ in how averages start, and forget it")
    func presets() throws {
        var random = Seeded(8)
        let bars = walk(2000, using: &random)
        let closes = bars.map(\.close)
        // Pine Script reference: sum := na(sum[1]) ? src : alpha * src + (1 - alpha) * nz(sum[1]).
        var average = closes[0]
        let ema = try run("ema(10)", preset: .tradingview, bars)
        for index in 1..<bars.count {
            average = 2.0 / 11 * closes[index] + (1 - 2.0 / 11) * average
            if index >= 9 { #expect(abs(ema[index].computed.first - average) < 1e-9) }
        }
        // Wilder and TradingView: the first true range is high − low, so the average is ready a bar earlier.
        let ranges = bars.indices.map { index in
            let bar = bars[index]
            guard index > 0 else { return bar.high - bar.low }
            let previous = closes[index - 1]
            return max(bar.high - bar.low, abs(bar.high - previous), abs(bar.low - previous))
        }
        var range = ranges[..<14].reduce(0, +) / 14
        for preset in [Preset.tradingview, .wilder] {
            let atr = try run("atr(14)", preset: preset, bars)
            #expect(!atr[12].computed.isReady && atr[13].computed.isReady)
            #expect(abs(atr[13].computed.first - range) < 1e-12)
            #expect(try Definition(parsing: "atr(14)").warmUp(preset) == 14)
        }
        range = (range * 13 + ranges[14]) / 14
        #expect(abs(try run("atr(14)", preset: .wilder, bars)[14].computed.first - range) < 1e-12)
        for definition in ["ema(12)", "rsi(14)", "macd(12,26,9)", "atr(14)"] {
            let one = try run(definition, preset: .talib, bars)
            let other = try run(definition, preset: .tradingview, bars)
            #expect(
                definition.hasPrefix("rsi") || one[40].computed.first != other[40].computed.first,
                "\(definition)")
            let stable = try #require(one.firstIndex { $0.computed.isStable })
            #expect(stable > 40 && stable < 500)
            let distance = abs(one[stable].computed.first - other[stable].computed.first)
            #expect(distance < 2e-5, "\(definition): \(distance) apart when stable")
        }
    }

    @Test(
        "a value is stable only when another start of history would show in it by less than a millionth"
    )
    func stable() throws {
        var random = Seeded(21)
        let bars = walk(1500, using: &random)
        for definition in ["ema(12)", "ema(50)", "rsi(14)", "atr(14)", "macd(12,26,9)"] {
            let whole = try run(definition, bars)
            let cut = try run(definition, Array(bars[300...]))
            let stable = try #require(cut.firstIndex { $0.computed.isStable })
            let difference = abs(cut[stable].computed.first - whole[stable + 300].computed.first)
            // Differences of averages of a walk with steps of half a unit; rsi runs to 100.
            #expect(
                difference < (definition.hasPrefix("rsi") ? 1e-4 : 2e-5), "\(definition): \(difference)")
        }
        for definition in ["sma(20)", "bbands(20,2)"] {
            let first = try #require(try run(definition, bars).first { $0.computed.isReady })
            #expect(first.computed.isStable && first.time == 19 * minute)
        }
    }

    @Test(
        "vwap begins anew with each day, takes the notional where there is one, and is stable from the second day"
    )
    func vwapDays() throws {
        func bar(_ hours: Double, _ price: Double, volume: Double, notional: Double) -> BarInput {
            BarInput(
                time: Int64(hours * 3600e9), cause: 1, revision: 0, high: price + 1, low: price - 1,
                close: price,
                volume: volume, notional: notional)
        }
        let bars = [
            bar(-2, 10, volume: 1, notional: 10), bar(-1, 20, volume: 3, notional: .nan),
            bar(0, 30, volume: 0, notional: 0),
            bar(1, 40, volume: 2, notional: 82), bar(9, 50, volume: 2, notional: 100),
        ]
        let utc = try run("vwap", bars).map(\.computed)
        #expect(utc.map(\.isReady) == [true, true, false, true, true])
        #expect(
            utc[0].first == 10 && utc[1].first == 17.5 && utc[2].first.isNaN && utc[3].first == 41
                && utc[4].first == 45.5)
        #expect(utc.map(\.isStable) == [false, false, false, true, true])
        let typical = try run("vwap", preset: .tradingview, bars).map(\.computed)
        #expect(typical[3].first == 40)
        let later = try run("vwap", dayStart: 8 * 3_600_000_000_000, bars).map(\.computed)
        #expect(
            later[2].first == 17.5 && later[4].first == 50 && later[4].isStable && !later[3].isStable)
    }

    private func one<F: Recurrence>(_ timeline: Timeline<F>, _ bar: BarInput) throws -> Computed {
        try withUnsafeTemporaryAllocation(of: SeriesValue.self, capacity: 16) { values in
            _ = try timeline.update(bar, into: values.baseAddress!)
            return values[0].computed
        }
    }

    /// Kahan's and Neumaier's sum, independent of the code under test.
    private func exactSum(_ numbers: [Double]) -> Double {
        var sum = 0.0
        var lost = 0.0
        for x in numbers {
            let t = sum + x
            lost += abs(sum) >= abs(x) ? (sum - t) + x : (x - t) + sum
            sum = t
        }
        return sum + lost
    }
}
