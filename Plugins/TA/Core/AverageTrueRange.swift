/// `atr(period)`: the average of the true range, the largest of high − low, |high − previous close|, |low − previous
/// close|.
///
/// Starts with the mean of the first `period` true ranges and goes on with Wilder's smoothing, α = 1 / period. In
/// TA-Lib the first bar has no true range, since no close stands before it: ready with bar `period` + 1. With Wilder
/// and in TradingView it is its high − low: ready with bar `period`. Stable when the start weighs less than a
/// millionth. Source: J. Welles Wilder, New Concepts in Technical Trading Systems, 1978, section III.
struct AverageTrueRange: Recurrence {
    struct Parameters: BitwiseCopyable, Sendable {
        let period: Int
        /// Index of the first bar that has a true range.
        let firstIndex: Int
        let stableIndex: Int

        var readyIndex: Int { firstIndex + period - 1 }

        init(period: Int, preset: Preset) {
            self.period = period
            firstIndex = preset == .talib ? 1 : 0
            stableIndex =
                firstIndex + period - 1 + updatesUntilStartIsForgotten(smoothing: 1 / Double(period))
        }
    }

    private var previousClose = 0.0
    /// While the mean is being formed, the sum.
    private var average = 0.0

    @inline(__always)
    mutating func step(_ bar: BarInput, index: Int, leaving: Double, _ parameters: Parameters)
        -> Computed
    {
        var range = bar.high - bar.low
        if index > 0 {
            range = max(range, abs(bar.high - previousClose), abs(bar.low - previousClose))
        }
        previousClose = bar.close
        guard index >= parameters.firstIndex else { return .notReady }
        let period = Double(parameters.period)
        if index <= parameters.readyIndex {
            average += range
            guard index == parameters.readyIndex else { return .notReady }
            average /= period
        } else {
            average = (average * (period - 1) + range) / period
        }
        return Computed(average, isStable: index >= parameters.stableIndex)
    }
}
