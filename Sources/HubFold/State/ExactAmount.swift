/// Sums of sizes and of price × size that do not depend on the order or grouping of their parts.
///
/// A price or size counts in whole units of 1e-9, rounded half away from zero; a product of the two is exact in units
/// of 1e-18. Sums are 128-bit integers and become a double once, when a bar is written. So bars of any interval made
/// of the same trades agree to the last bit, however they were rolled up.
enum ExactAmount {
    /// Below this a number of units fits 64 bits.
    private static let fastLimit = 9.0e9

    /// 1e-9 units of a number that was a decimal: of the decimals that read as this double, the one of fewest digits.
    ///
    /// So a sum that was written as a double and is read again goes on as it was, up to 15 digits.
    static func units(ofDecimal value: Double) -> Int128 {
        var scale = 1.0
        var unit: Int128 = 1_000_000_000
        while unit >= 1, value.magnitude * scale < 9.0e15 {
            let digits = (value * scale).rounded()
            if digits / scale == value { return Int128(digits) * unit }
            scale *= 10
            unit /= 10
        }
        return units(value)
    }

    /// 1e-9 units of a number; what is no number counts as nothing, and magnitudes end at 1e20.
    @inline(__always)
    static func units(_ value: Double) -> Int128 {
        if value.magnitude < fastLimit { return Int128(fastUnits(value)) }
        return slowUnits(value)
    }

    /// 1e-18 units of `price` × `size`.
    @inline(__always)
    static func product(_ price: Double, _ size: Double) -> Int128 {
        if price.magnitude < fastLimit, size.magnitude < fastLimit {
            // Two numbers of 64 bits: their product cannot leave 128.
            return Int128(fastUnits(price)) &* Int128(fastUnits(size))
        }
        return slowUnits(price * size) &* 1_000_000_000
    }

    /// 1e-18 units of `price` × a size in 1e-9 units.
    static func product(_ price: Double, units size: Int128) -> Int128 {
        if price.magnitude < fastLimit, size.magnitude < 1 << 63 { return Int128(fastUnits(price)) &* size }
        return product(price, double(units: size))
    }

    /// The middle of two prices, without the binary dust of adding them as doubles.
    static func middle(_ one: Double, _ other: Double) -> Double {
        guard one.isFinite, other.isFinite else { return .nan }
        return double(product: sum(units(one), units(other)) &* 500_000_000)
    }

    @inline(__always)
    private static func fastUnits(_ value: Double) -> Int64 {
        let whole = Int64(value)
        let rest = (value - Double(whole)) * 1e9
        return whole &* 1_000_000_000 &+ Int64(rest + (rest < 0 ? -0.5 : 0.5))
    }

    @inline(never)
    private static func slowUnits(_ value: Double) -> Int128 {
        guard !value.isNaN else { return 0 }
        let bounded = min(max(value, -1e19), 1e19)
        let whole = Int128(bounded)
        let rest = (bounded - Double(whole)) * 1e9
        return whole * 1_000_000_000 + Int128((rest + (rest < 0 ? -0.5 : 0.5)).rounded(.towardZero))
    }

    /// The sum; one that leaves 128 bits stays at the limit.
    @inline(__always)
    static func sum(_ left: Int128, _ right: Int128) -> Int128 {
        let (result, overflow) = left.addingReportingOverflow(right)
        return overflow ? (right > 0 ? .max : .min) : result
    }

    /// The number for an amount in 1e-9 units.
    static func double(units: Int128) -> Double { double(units, per: 1_000_000_000, scale: 1e9) }

    /// The number for an amount in 1e-18 units.
    static func double(product: Int128) -> Double { double(product, per: 1_000_000_000_000_000_000, scale: 1e18) }

    /// The double nearest to the amount, so that decimals come out as they would be read: zeros at the end go until
    /// amount and power of ten are both exact, and then there is one rounding. An amount of more digits than a double
    /// holds is divided whole and fraction apart.
    private static func double(_ amount: Int128, per one: Int128, scale: Double) -> Double {
        let exact: Int128 = 1 << 53
        var digits = amount
        var scale = scale
        for (step, factor) in [(Int128(1_000_000_000), 1e9), (100_000, 1e5), (100, 1e2), (10, 1e1), (10, 1e1)]
        where digits.magnitude > exact.magnitude && scale >= factor {
            let (quotient, rest) = digits.quotientAndRemainder(dividingBy: step)
            guard rest == 0 else { continue }
            digits = quotient
            scale /= factor
        }
        if digits.magnitude <= exact.magnitude { return Double(Int64(digits)) / scale }
        let (whole, rest) = amount.quotientAndRemainder(dividingBy: one)
        return Double(whole) + Double(rest) / (one == 1_000_000_000 ? 1e9 : 1e18)
    }
}
