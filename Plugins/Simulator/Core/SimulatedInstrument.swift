import PluginABI
import PluginKit

#if canImport(Glibc)
    import Glibc
#endif

/// One instrument that is being fed: its price, and the records made from it.
///
/// What a record says is a function of its event number and of the price's leaf, nothing else, so the same event comes
/// out the same whatever was made before it.
struct SimulatedInstrument {
    let handle: UInt32
    let symbol: String
    let settings: InstrumentSettings
    let kinds: KindSet
    private var model: PriceModel
    private let random: CounterRandom
    private let prices: DecimalGrid
    private let sizes: DecimalGrid
    private let spreadTicks: Int64
    private var leaf: Int64 = .min
    private var bidTicks: Int64 = 1

    init(
        handle: UInt32, symbol: String, kinds: KindSet, settings: InstrumentSettings, seed: UInt64, model: PriceModel
    ) {
        self.handle = handle
        self.symbol = symbol
        self.kinds = kinds
        self.settings = settings
        self.model = model
        random = CounterRandom(seed: seed, name: symbol, purpose: "events")
        // Both steps were checked with the settings; a cent and one unit stand for what cannot happen.
        prices = DecimalGrid(step: settings.tickSize) ?? DecimalGrid(step: 0.01).unsafelyUnwrapped
        sizes = DecimalGrid(step: settings.lot) ?? DecimalGrid(step: 1).unsafelyUnwrapped
        spreadTicks = max(1, Int64((settings.spread * prices.stepsPerUnit).rounded()))
    }

    func deallocate() { model.deallocate() }

    /// Bid of the leaf that holds a time, in ticks; the ask is the spread above it.
    @inline(__always)
    private mutating func refresh(_ time: Int64) {
        let wanted = time >> Int64(model.leafLevel)
        guard wanted != leaf else { return }
        leaf = wanted
        bidTicks = bid(at: time)
    }

    private mutating func bid(at time: Int64) -> Int64 {
        let middle = exp(model.logPrice(at: time)) * prices.stepsPerUnit
        let bid = (middle - Double(spreadTicks) * 0.5).rounded()
        // 2^52 ticks keep every price of a book exact.
        return Int64(min(max(bid, 1), 4e15))
    }

    /// A size in lots, one of many small and few large: 2^g - 1 or fewer above one, g geometric.
    @inline(__always)
    private static func lots(_ bits: UInt64) -> Int64 {
        let magnitude = UInt64(min(bits.trailingZeroBitCount, largestMagnitude)) + 1
        return Int64(1 + ((bits >> 16) & ((1 << magnitude) - 1)))
    }
    private static let largestMagnitude = 9

    /// Mean and standard deviation of ``lots(_:)``.
    private static let lotsMoments: (mean: Double, deviation: Double) = {
        var mean = 0.0
        var square = 0.0
        for magnitude in 1...(largestMagnitude + 1) {
            let probability =
                magnitude <= largestMagnitude ? 1 / Double(1 << magnitude) : 1 / Double(1 << largestMagnitude)
            let count = Double(1 << magnitude)
            mean += probability * (count + 1) / 2
            square += probability * (count + 1) * (2 * count + 1) / 6
        }
        return (mean, (square - mean * mean).squareRoot())
    }()

    // MARK: Live

    /// A trade at the bid (sold) or at the ask (bought). False: no room.
    @inline(__always)
    mutating func trade(_ event: UInt64, _ time: Int64, _ output: Output) -> Bool {
        refresh(time)
        let bits = random.bits(event)
        let bought = bits >> 63 == 1
        return output.trade(
            handle, timeNanoseconds: time, price: prices.value(bought ? bidTicks + spreadTicks : bidTicks),
            size: sizes.value(Self.lots(bits)), side: bought ? .buy : .sell, identifier: event + 1)
    }

    /// Best bid and ask. False: no room.
    mutating func quote(_ event: UInt64, _ time: Int64, _ output: Output) -> Bool {
        refresh(time)
        return output.quote(
            handle, timeNanoseconds: time, bid: prices.value(bidTicks),
            bidSize: sizes.value(Self.lots(random.bits(event, 0))), ask: prices.value(bidTicks + spreadTicks),
            askSize: sizes.value(Self.lots(random.bits(event, 1))))
    }

    /// A book whose first level is that of quote `event`, as it stood at `snapshot`. False: no room.
    mutating func book(_ event: UInt64, snapshot: Int64, _ time: Int64, levels: Int, _ output: Output) -> Bool {
        refresh(snapshot)
        let bids = min(levels, Int(min(bidTicks, Int64(levels))))
        guard let level = output.book(handle, timeNanoseconds: time, bids: bids, asks: levels, flags: []) else {
            return false
        }
        for depth in 0..<(bids + levels) {
            let isBid = depth < bids
            let step = Int64(isBid ? depth : depth - bids)
            let bits = random.bits(event, UInt64(step * 2 + (isBid ? 0 : 1)))
            level[depth] = hub_level(
                price: prices.value(isBid ? bidTicks - step : bidTicks + spreadTicks + step),
                size: sizes.value(Self.lots(bits)), orders: UInt32(1 + (bits >> 40) & 15), reserved: 0)
        }
        return true
    }

    // MARK: History

    /// A 1-minute bar from prices sampled along the path; how much was traded is drawn. False: no room.
    mutating func bar(open time: Int64, minute: UInt64, tradesPerMinute: Double, _ output: Output) -> Bool {
        let leafNanoseconds = Int64(1) << Int64(model.leafLevel)
        let side = random.bits(minute, 2)
        var sampleTime = time
        var sample = 0
        var first: Int64 = 0
        var last: Int64 = 0
        var lowest = Int64.max
        var highest = Int64.min
        var sum = 0.0
        while sampleTime < time + 60_000_000_000 {
            let bid = bid(at: sampleTime)
            // Trades print at the bid or at the ask.
            last = (side >> UInt64(sample & 63)) & 1 == 1 ? bid + spreadTicks : bid
            if sample == 0 { first = last }
            lowest = min(lowest, last)
            highest = max(highest, last)
            sum += Double(last)
            sample += 1
            sampleTime += leafNanoseconds
        }
        let wanted = tradesPerMinute + tradesPerMinute.squareRoot() * CounterRandom.normal(of: random.bits(minute, 3))
        let count = max(1, wanted.rounded())
        let (mean, deviation) = Self.lotsMoments
        let drawn = count * mean + count.squareRoot() * deviation * CounterRandom.normal(of: random.bits(minute, 4))
        let volume = sizes.value(Int64(max(count, drawn.rounded())))
        let average = sum / Double(sample) / prices.stepsPerUnit
        return output.bar(
            handle, openNanoseconds: time, intervalSeconds: 60, open: prices.value(first),
            high: prices.value(highest), low: prices.value(lowest), close: prices.value(last), volume: volume,
            notional: volume * average, count: UInt64(count), flags: [.backfilled])
    }
}
