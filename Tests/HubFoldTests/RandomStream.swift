import EventFormat
import HubFold
import HubModel
import PluginABI

/// Random numbers from a seed (SplitMix64, Steele, Lea and Flood 2014), the same on every machine.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// Everything that can reach a fold, at random but from a seed: two pipelines, three sources, trades that are late,
/// corrected or wrong, ticks, quotes, bars of providers, failovers, gaps, clocks, ends, definitions on the way.
struct RandomStream {
    static let plan = FoldPlan(
        pipelines: [
            PipelinePlan(
                name: "us", sources: ["live", "tape"], kindsBySource: [0, 1 << UInt32(HUB_TRADE)],
                instruments: [symbol("ARCA:SPY"), symbol("NASDAQ:AAPL")],
                bars: [.s1, .s15, .m1, .m5, .h1, .d1], quality: QualityPlan(spikePercent: 0.5)),
            PipelinePlan(
                name: "rest", sources: ["live", "sim"], instruments: [], patterns: [pattern("*")],
                bars: [.m5, .m1, .h4], price: .mid, quality: QualityPlan()),
            PipelinePlan(
                name: "india", sources: ["sim"], instruments: [symbol("NSE:TCS")], bars: [.m1, .m3, .m15, .h2, .d1],
                quality: QualityPlan()),
        ],
        sources: [
            SourcePlan(name: "live"), SourcePlan(name: "tape", recorded: true),
            SourcePlan(name: "sim", simulated: true, finalizeAfterNanoseconds: 500_000_000),
        ])

    static let symbols = ["ARCA:SPY", "NASDAQ:AAPL", "FX:EURUSD", "NSE:TCS", "SIM:A"]
    static let sourceNames = ["live", "tape", "sim"]

    private static func symbol(_ text: String) -> Symbol {
        do { return try Symbol(text) } catch { preconditionFailure("\(error)") }
    }

    private static func pattern(_ text: String) -> SymbolPattern {
        do { return try SymbolPattern(text) } catch { preconditionFailure("\(error)") }
    }

    private var random: SeededNumbers
    private var streams: [UInt32: (symbol: String, source: String)] = [:]
    private var nextStream: UInt32 = 1
    private var time: Int64
    private var tradeID: UInt64 = 0
    private var fetched: Int64 = 1_741_300_000_000_000_000
    private var volumes = [Double](repeating: 1000, count: 64)

    init(seed: UInt64) {
        random = SeededNumbers(seed: seed)
        // A Friday evening before a change of clocks in New York.
        time = 1_741_380_000_000_000_000
    }

    /// The next record as a source or the hub would give it.
    mutating func next() -> [UInt8] {
        if nextStream <= 3 { return defineSource() }
        if nextStream <= 7 || random.chance(1), nextStream < 24 { return defineInstrument() }
        time += Int64.random(in: 0..<3_000_000_000, using: &random) * (random.chance(2) ? 300 : 1)
        let stream = UInt32.random(in: 4..<nextStream, using: &random)
        let source = UInt32.random(in: 1...3, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<50: return trade(stream)
        case 50..<62:
            volumes[Int(stream)] += Double(Int.random(in: -2...50, using: &random))
            return Make.tick(
                stream, late(), last: price(), volume: random.chance(80) ? volumes[Int(stream)] : .nan,
                openInterest: random.chance(30) ? 12 : .nan, received: time)
        case 62..<76: return Make.quote(stream, late(), random.chance(90) ? price() : .nan, price(), received: time)
        case 76..<86: return Make.clock(time)
        case 86..<92: return bar(stream)
        case 92..<95:
            let to = random.chance(10) ? "" : RandomStream.sourceNames[Int(source) - 1]
            let pipeline = ["us", "rest", "india", "none"][Int.random(in: 0..<4, using: &random)]
            return Make.failover(
                random.chance(30) ? stream : source, time, pipeline: pipeline, from: "x", to: to,
                skipped: UInt32.random(in: 0..<3, using: &random))
        case 95:
            var end = Make.control(HUB_CONTROL_END, stream: source, time)
            if random.chance(70) { end[3] |= UInt8(HUB_FLAG_FETCHED >> 8) }
            return end
        case 96:
            return Make.gap(
                source, time, state: random.chance(50) ? HUB_GAP_OPEN : HUB_GAP_CLOSED, from: time - 60_000_000_000,
                to: time, symbols: [["*"], ["ARCA:*", "SIM:?"]][Int.random(in: 0..<2, using: &random)])
        case 97: return Make.position(source, time, (0..<24).map { _ in UInt8.random(in: 0...255, using: &random) })
        case 98:
            return Make.control(
                HUB_CONTROL_SOURCE, stream: source, time, state: HUB_STATE_OK, previous: HUB_STATE_STALE,
                texts: ["", "", "", "because"])
        default:
            time += 7_200_000_000_000
            return Make.clock(time)
        }
    }

    private mutating func price() -> Double { Double(Int.random(in: 9900...10100, using: &random)) / 100 }

    private mutating func late() -> Int64 {
        if random.chance(80) { return time - Int64.random(in: 0..<50_000_000, using: &random) }
        if random.chance(5) { return 0 }
        if random.chance(10) { return time + 60_000_000_000 }
        if random.chance(10) { return time - Int64.random(in: 0..<400_000_000_000_000, using: &random) }
        return time - Int64.random(in: 0..<600_000_000_000, using: &random)
    }

    private mutating func trade(_ stream: UInt32) -> [UInt8] {
        var flags = 0
        var id: UInt64 = 0
        var size = Double(Int.random(in: 1...1000, using: &random)) / 10
        if random.chance(40) {
            tradeID += 1
            id = tradeID
            if random.chance(15) {
                flags = HUB_FLAG_CORRECTION
                id = tradeID - min(tradeID - 1, UInt64.random(in: 0..<40, using: &random))
                if random.chance(30) { size = 0 }
            }
        }
        if random.chance(8) {
            // Fetched: of any age, some of it in runs that one bar gets several parts of.
            flags |= HUB_FLAG_FETCHED
            if random.chance(30) { fetched = time - Int64.random(in: 0..<400_000_000_000_000, using: &random) }
            fetched += Int64.random(in: 0..<20_000_000_000, using: &random)
            return Make.trade(stream, min(fetched, time), price(), size, received: time, flags: flags, id: id)
        }
        return Make.trade(stream, late(), price(), size, received: time, flags: flags, id: id)
    }

    private mutating func bar(_ stream: UInt32) -> [UInt8] {
        let interval: UInt32 = random.chance(80) ? 60 : (random.chance(50) ? 300 : 86_400)
        let length = Int64(interval) * 1_000_000_000
        let back = Int64.random(in: 0..<200, using: &random) * 60_000_000_000
        let at = time - back
        let prices = (0..<4).map { _ in price() }.sorted()
        return Make.bar(
            stream, at - at % length, interval: interval, open: prices[1], high: prices[3], low: prices[0],
            close: prices[2], volume: 100, count: 3, notional: random.chance(50) ? 10_000 : .nan, received: time,
            flags: random.chance(60) ? HUB_FLAG_BACKFILLED : random.chance(50) ? HUB_FLAG_FETCHED : 0)
    }

    private mutating func defineSource() -> [UInt8] {
        let definition = StreamDefinition(
            id: nextStream, symbol: "", source: RandomStream.sourceNames[Int(nextStream) - 1])
        nextStream += 1
        return Make.define(definition)
    }

    private mutating func defineInstrument() -> [UInt8] {
        let number = Int(nextStream) - 4
        let symbol = RandomStream.symbols[number % 5]
        let source = RandomStream.sourceNames[(number / 5) % 3]
        let definition = StreamDefinition(
            id: nextStream, symbol: symbol, source: source, marketCentre: number >= 15 ? "ARCX" : "")
        nextStream += 1
        return Make.define(definition)
    }
}
