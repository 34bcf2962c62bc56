/// `sma(period)`: the mean of the last `period` closes. Ready and stable with bar `period`.
///
/// The running sum is precise to 32 digits, and is replaced every `period` bars by one that only ever had the closes
/// of the window added to it. So rounding does not accumulate, and even a wrong price of any size leaves no trace
/// later than `period` bars after it left the window, at constant cost per bar.
struct SimpleAverage: Recurrence {
    struct Parameters: BitwiseCopyable, Sendable {
        let period: Int
    }

    private var sum = PreciseSum()
    /// Of the closes since the last replacement, `freshCount` of them.
    private var fresh = PreciseSum()
    private var freshCount = 0

    static func lookback(_ parameters: Parameters) -> Int { parameters.period }

    @inline(__always)
    mutating func step(_ bar: BarInput, index: Int, leaving: Double, _ parameters: Parameters)
        -> Computed
    {
        let period = parameters.period
        sum.add(bar.close)
        fresh.add(bar.close)
        freshCount += 1
        if freshCount == period {
            sum = fresh
            fresh = PreciseSum()
            freshCount = 0
        } else if index >= period {
            sum.subtract(leaving)
        }
        guard index + 1 >= period else { return .notReady }
        return Computed(sum.value / Double(period), isStable: true)
    }
}
