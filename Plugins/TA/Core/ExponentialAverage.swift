/// `ema(period)`: average ← average + α (close − average), α = 2 / (period + 1).
///
/// Starts with the mean of the first `period` closes (TA-Lib), or with the first close (TradingView). Ready with bar
/// `period`; stable when the start weighs less than a millionth, (1 − α)ᵏ < 10⁻⁶ with k bars since it was ready: about
/// 6.9 × (period + 1) bars.
struct ExponentialAverage: Recurrence {
    struct Parameters: BitwiseCopyable, Sendable {
        let period: Int
        let smoothing: Double
        let startsWithMean: Bool
        let stableIndex: Int

        init(period: Int, preset: Preset) {
            self.period = period
            smoothing = 2 / Double(period + 1)
            startsWithMean = preset != .tradingview
            stableIndex = period - 1 + updatesUntilStartIsForgotten(smoothing: smoothing)
        }
    }

    /// While the mean is being formed, the sum.
    private var average = 0.0

    @inline(__always)
    mutating func step(_ bar: BarInput, index: Int, leaving: Double, _ parameters: Parameters)
        -> Computed
    {
        if parameters.startsWithMean && index < parameters.period {
            average += bar.close
            guard index + 1 == parameters.period else { return .notReady }
            average /= Double(parameters.period)
        } else if index == 0 {
            average = bar.close
        } else {
            average += (bar.close - average) * parameters.smoothing
        }
        guard index + 1 >= parameters.period else { return .notReady }
        return Computed(average, isStable: index >= parameters.stableIndex)
    }
}
