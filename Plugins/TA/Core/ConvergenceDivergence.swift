/// `macd(fast,slow,signal)`: `macd` = ema(fast) − ema(slow); `signal` = ema(signal) of that; `histogram` = their
/// difference.
///
/// As in TA-Lib, both averages start with bar `slow`, each with the mean of its last closes there (so the fast one
/// skips the first `slow` − `fast` bars), and the signal with the mean of its first values. As in TradingView, all
/// three start with the first bar. Ready with bar `slow` + `signal` − 1; stable when what the slow average and the
/// signal started from weighs less than a millionth each. Source: G. Appel, Technical Analysis: Power Tools for Active
/// Investors, 2005.
struct ConvergenceDivergence: Recurrence {
    struct Parameters: BitwiseCopyable, Sendable {
        let fast: Int
        let slow: Int
        let signal: Int
        let fastSmoothing: Double
        let slowSmoothing: Double
        let signalSmoothing: Double
        let startsWithMean: Bool
        let stableIndex: Int

        var readyIndex: Int { slow + signal - 2 }

        init(fast: Int, slow: Int, signal: Int, preset: Preset) {
            (self.fast, self.slow, self.signal) = (fast, slow, signal)
            fastSmoothing = 2 / Double(fast + 1)
            slowSmoothing = 2 / Double(slow + 1)
            signalSmoothing = 2 / Double(signal + 1)
            startsWithMean = preset != .tradingview
            stableIndex =
                slow + signal - 2 + updatesUntilStartIsForgotten(smoothing: slowSmoothing)
                + updatesUntilStartIsForgotten(smoothing: signalSmoothing)
        }
    }

    /// While a mean is being formed, its sum.
    private var fast = 0.0
    private var slow = 0.0
    private var signal = 0.0

    @inline(__always)
    mutating func step(_ bar: BarInput, index: Int, leaving: Double, _ parameters: Parameters)
        -> Computed
    {
        if !parameters.startsWithMean {
            return stepFromFirstBar(bar.close, index: index, parameters)
        }
        if index < parameters.slow {
            slow += bar.close
            if index >= parameters.slow - parameters.fast { fast += bar.close }
            guard index + 1 == parameters.slow else { return .notReady }
            slow /= Double(parameters.slow)
            fast /= Double(parameters.fast)
        } else {
            slow += (bar.close - slow) * parameters.slowSmoothing
            fast += (bar.close - fast) * parameters.fastSmoothing
        }
        let difference = fast - slow
        if index <= parameters.readyIndex {
            signal += difference
            guard index == parameters.readyIndex else { return .notReady }
            signal /= Double(parameters.signal)
        } else {
            signal += (difference - signal) * parameters.signalSmoothing
        }
        return result(index, parameters)
    }

    @inline(__always)
    private mutating func stepFromFirstBar(_ close: Double, index: Int, _ parameters: Parameters)
        -> Computed
    {
        if index == 0 {
            (fast, slow, signal) = (close, close, 0)
        } else {
            slow += (close - slow) * parameters.slowSmoothing
            fast += (close - fast) * parameters.fastSmoothing
            signal += (fast - slow - signal) * parameters.signalSmoothing
        }
        return index < parameters.readyIndex ? .notReady : result(index, parameters)
    }

    @inline(__always)
    private func result(_ index: Int, _ parameters: Parameters) -> Computed {
        let difference = fast - slow
        return Computed(
            first: difference, second: signal, third: difference - signal, isReady: true,
            isStable: index >= parameters.stableIndex)
    }
}
