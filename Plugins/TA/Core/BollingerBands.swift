/// `bbands(period,deviations)`: the mean of the last `period` closes, and that many standard deviations around it.
///
/// The deviation is that of the population (divisor `period`), as in TA-Lib and TradingView. Sum and sum of squares
/// are kept as in `SimpleAverage`; both are precise enough for prices that move by a millionth of themselves. Ready
/// and stable with bar `period`. Source: J. Bollinger, Bollinger on Bollinger Bands, 2001.
struct BollingerBands: Recurrence {
    struct Parameters: BitwiseCopyable, Sendable {
        let period: Int
        let deviations: Double
    }

    private var sum = PreciseSum()
    private var squares = PreciseSum()
    private var freshSum = PreciseSum()
    private var freshSquares = PreciseSum()
    private var freshCount = 0

    static func lookback(_ parameters: Parameters) -> Int { parameters.period }

    @inline(__always)
    mutating func step(_ bar: BarInput, index: Int, leaving: Double, _ parameters: Parameters)
        -> Computed
    {
        let period = parameters.period
        sum.add(bar.close)
        squares.addSquare(of: bar.close)
        freshSum.add(bar.close)
        freshSquares.addSquare(of: bar.close)
        freshCount += 1
        if freshCount == period {
            (sum, squares) = (freshSum, freshSquares)
            (freshSum, freshSquares) = (PreciseSum(), PreciseSum())
            freshCount = 0
        } else if index >= period {
            sum.subtract(leaving)
            squares.subtractSquare(of: leaving)
        }
        guard index + 1 >= period else { return .notReady }
        let count = Double(period)
        let middle = sum.value / count
        let spread = PreciseSum.spread(count: count, sum: sum, squares: squares)
        let width = parameters.deviations * (max(0, spread).squareRoot() / count)
        return Computed(
            first: middle + width, second: middle, third: middle - width, isReady: true, isStable: true)
    }
}
