/// `vwap`: traded notional divided by traded volume since the first bar of the day that the bar opens in.
///
/// A day is 24 hours from `dayStart` (a time of day, UTC; 00:00 unless the settings say otherwise), so a bar of `1d`
/// or longer is a day of its own. A bar that carries its notional contributes that, exactly; otherwise, and always
/// under the preset `tradingview`, (high + low + close) / 3 × volume. Ready once the day has volume, so never where
/// the source has no sizes; stable from the second day of the series on, since the first may have begun before its
/// first bar.
struct VolumeWeightedPrice: Recurrence {
    struct Parameters: BitwiseCopyable, Sendable {
        let dayStartNanoseconds: Int64
        let usesNotional: Bool
    }

    private static let dayNanoseconds: Int64 = 86_400_000_000_000

    private var notional = PreciseSum()
    private var volume = PreciseSum()
    private var day: Int64 = .min
    private var daysBefore: Int64 = -1

    @inline(__always)
    mutating func step(_ bar: BarInput, index: Int, leaving: Double, _ parameters: Parameters)
        -> Computed
    {
        let day = floorDivide(bar.time &- parameters.dayStartNanoseconds, Self.dayNanoseconds)
        if day != self.day {
            self.day = day
            daysBefore += 1
            (notional, volume) = (PreciseSum(), PreciseSum())
        }
        // Not only "is positive": a bar without sizes may also say NaN.
        if bar.volume > 0 {
            volume.add(bar.volume)
            let exact = parameters.usesNotional && bar.notional.isFinite
            notional.add(exact ? bar.notional : (bar.high + bar.low + bar.close) / 3 * bar.volume)
        }
        let total = volume.value
        guard total > 0 else { return .notReady }
        return Computed(notional.value / total, isStable: daysBefore > 0)
    }
}

@inline(__always)
private func floorDivide(_ a: Int64, _ b: Int64) -> Int64 {
    let quotient = a / b
    return a % b < 0 ? quotient - 1 : quotient
}
