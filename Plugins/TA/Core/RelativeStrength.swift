/// `rsi(period)`: 100 × gain / (gain + loss), the averages of the rises and falls from close to close.
///
/// Both start with the mean of the first `period` changes and go on with Wilder's smoothing, α = 1 / period. Ready with
/// bar `period` + 1; stable when the start weighs less than a millionth, about 13.8 × `period` bars later. In a market
/// that never moved, 0 (TA-Lib) or 100 (TradingView, and Wilder's formula without a loss).
/// Source: J. Welles Wilder, New Concepts in Technical Trading Systems, 1978, section VI.
struct RelativeStrength: Recurrence {
    struct Parameters: BitwiseCopyable, Sendable {
        let period: Int
        let withoutMovement: Double
        let stableIndex: Int

        init(period: Int, preset: Preset) {
            self.period = period
            withoutMovement = preset == .talib ? 0 : 100
            stableIndex = period + updatesUntilStartIsForgotten(smoothing: 1 / Double(period))
        }
    }

    private var previousClose = 0.0
    /// While the means are being formed, their sums.
    private var gain = 0.0
    private var loss = 0.0

    @inline(__always)
    mutating func step(_ bar: BarInput, index: Int, leaving: Double, _ parameters: Parameters)
        -> Computed
    {
        let change = bar.close - previousClose
        previousClose = bar.close
        guard index > 0 else { return .notReady }
        let period = Double(parameters.period)
        let rise = max(change, 0)
        let fall = max(-change, 0)
        if index <= parameters.period {
            gain += rise
            loss += fall
            guard index == parameters.period else { return .notReady }
            gain /= period
            loss /= period
        } else {
            gain = (gain * (period - 1) + rise) / period
            loss = (loss * (period - 1) + fall) / period
        }
        let movement = gain + loss
        let strength = movement == 0 ? parameters.withoutMovement : 100 * (gain / movement)
        return Computed(strength, isStable: index >= parameters.stableIndex)
    }
}
