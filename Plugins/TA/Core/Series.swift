/// The timeline of one series, whatever its indicator: the one place where the kinds of indicator are told apart while
/// bars flow. A plain value that shares its memory with its copies; `deallocate()` ends it.
enum Series: BitwiseCopyable {
    case simpleAverage(Timeline<SimpleAverage>)
    case exponentialAverage(Timeline<ExponentialAverage>)
    case relativeStrength(Timeline<RelativeStrength>)
    case convergenceDivergence(Timeline<ConvergenceDivergence>)
    case bollingerBands(Timeline<BollingerBands>)
    case averageTrueRange(Timeline<AverageTrueRange>)
    case volumeWeightedPrice(Timeline<VolumeWeightedPrice>)

    /// Most values one bar can lead to.
    static var maximumValues: Int { Timeline<SimpleAverage>.maximumValues }

    init(_ definition: Definition, _ conventions: Conventions) {
        let preset = conventions.preset
        func integer(_ index: Int) -> Int { Int(definition.arguments[index]) }
        switch definition.formula {
        case .sma:
            self = .simpleAverage(Timeline(.init(period: integer(0))))
        case .ema:
            self = .exponentialAverage(Timeline(.init(period: integer(0), preset: preset)))
        case .rsi:
            self = .relativeStrength(Timeline(.init(period: integer(0), preset: preset)))
        case .macd:
            self = .convergenceDivergence(
                Timeline(.init(fast: integer(0), slow: integer(1), signal: integer(2), preset: preset)))
        case .bbands:
            self = .bollingerBands(
                Timeline(.init(period: integer(0), deviations: definition.arguments[1])))
        case .atr:
            self = .averageTrueRange(Timeline(.init(period: integer(0), preset: preset)))
        case .vwap:
            self = .volumeWeightedPrice(
                Timeline(
                    .init(
                        dayStartNanoseconds: conventions.dayStartNanoseconds,
                        usesNotional: preset != .tradingview)))
        }
    }

    /// See `Timeline.update`.
    @inline(__always)
    func update(_ bar: BarInput, into values: UnsafeMutablePointer<SeriesValue>) throws(TimelineError)
        -> Int
    {
        switch self {
        case .simpleAverage(let timeline): try timeline.update(bar, into: values)
        case .exponentialAverage(let timeline): try timeline.update(bar, into: values)
        case .relativeStrength(let timeline): try timeline.update(bar, into: values)
        case .convergenceDivergence(let timeline): try timeline.update(bar, into: values)
        case .bollingerBands(let timeline): try timeline.update(bar, into: values)
        case .averageTrueRange(let timeline): try timeline.update(bar, into: values)
        case .volumeWeightedPrice(let timeline): try timeline.update(bar, into: values)
        }
    }

    /// See `Timeline.peek`.
    func peek(_ bar: BarInput) -> SeriesValue? {
        switch self {
        case .simpleAverage(let timeline): timeline.peek(bar)
        case .exponentialAverage(let timeline): timeline.peek(bar)
        case .relativeStrength(let timeline): timeline.peek(bar)
        case .convergenceDivergence(let timeline): timeline.peek(bar)
        case .bollingerBands(let timeline): timeline.peek(bar)
        case .averageTrueRange(let timeline): timeline.peek(bar)
        case .volumeWeightedPrice(let timeline): timeline.peek(bar)
        }
    }

    /// See `Timeline.save`.
    func save(to bytes: inout [UInt8]) {
        switch self {
        case .simpleAverage(let timeline): timeline.save(to: &bytes)
        case .exponentialAverage(let timeline): timeline.save(to: &bytes)
        case .relativeStrength(let timeline): timeline.save(to: &bytes)
        case .convergenceDivergence(let timeline): timeline.save(to: &bytes)
        case .bollingerBands(let timeline): timeline.save(to: &bytes)
        case .averageTrueRange(let timeline): timeline.save(to: &bytes)
        case .volumeWeightedPrice(let timeline): timeline.save(to: &bytes)
        }
    }

    /// See `Timeline.load`.
    func load(_ bytes: UnsafeRawBufferPointer) throws(TimelineError) {
        switch self {
        case .simpleAverage(let timeline): try timeline.load(bytes)
        case .exponentialAverage(let timeline): try timeline.load(bytes)
        case .relativeStrength(let timeline): try timeline.load(bytes)
        case .convergenceDivergence(let timeline): try timeline.load(bytes)
        case .bollingerBands(let timeline): try timeline.load(bytes)
        case .averageTrueRange(let timeline): try timeline.load(bytes)
        case .volumeWeightedPrice(let timeline): try timeline.load(bytes)
        }
    }

    func deallocate() {
        switch self {
        case .simpleAverage(let timeline): timeline.deallocate()
        case .exponentialAverage(let timeline): timeline.deallocate()
        case .relativeStrength(let timeline): timeline.deallocate()
        case .convergenceDivergence(let timeline): timeline.deallocate()
        case .bollingerBands(let timeline): timeline.deallocate()
        case .averageTrueRange(let timeline): timeline.deallocate()
        case .volumeWeightedPrice(let timeline): timeline.deallocate()
        }
    }
}
