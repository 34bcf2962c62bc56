#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A sum kept as an unevaluated pair of doubles, about 32 decimal digits, so that adding what enters a window and
/// subtracting what leaves it does not drift.
///
/// Error of one step: at most 2⁻¹⁰⁴ of the largest magnitude the sum has had. Two-sum is Knuth's, the product is split
/// by a fused multiply-add (T. J. Dekker, A floating-point technique for extending the available precision, 1971).
struct PreciseSum: BitwiseCopyable, Sendable {
    private(set) var high = 0.0
    private(set) var low = 0.0

    var value: Double { high + low }

    @inline(__always)
    mutating func add(_ x: Double) {
        let (sum, error) = twoSum(high, x)
        (high, low) = quickTwoSum(sum, error + low)
    }

    @inline(__always)
    mutating func subtract(_ x: Double) {
        add(-x)
    }

    @inline(__always)
    mutating func addSquare(of x: Double) {
        add(product: x * x, error: x.squareError)
    }

    @inline(__always)
    mutating func subtractSquare(of x: Double) {
        add(product: -(x * x), error: -x.squareError)
    }

    @inline(__always)
    private mutating func add(product: Double, error: Double) {
        let (sum, remainder) = twoSum(high, product)
        (high, low) = quickTwoSum(sum, remainder + (low + error))
    }

    /// `count × squares − sum²`, where the operands agree in nearly all their digits when prices are large and move
    /// little.
    @inline(__always)
    static func spread(count: Double, sum: PreciseSum, squares: PreciseSum) -> Double {
        let scaled = count * squares.high
        let scaledError = (-scaled).addingProduct(count, squares.high) + count * squares.low
        let square = sum.high * sum.high
        let squareError = sum.high.squareError + 2 * sum.high * sum.low
        let (difference, error) = twoSum(scaled, -square)
        return difference + (error + (scaledError - squareError))
    }
}

extension Double {
    /// What `x * x` loses by rounding.
    @inline(__always)
    fileprivate var squareError: Double { (-(self * self)).addingProduct(self, self) }
}

@inline(__always)
private func twoSum(_ a: Double, _ b: Double) -> (sum: Double, error: Double) {
    let sum = a + b
    let part = sum - a
    return (sum, (a - (sum - part)) + (b - part))
}

/// As `twoSum`; needs |a| ≥ |b|.
@inline(__always)
private func quickTwoSum(_ a: Double, _ b: Double) -> (Double, Double) {
    let sum = a + b
    return (sum, b - (sum - a))
}

/// Updates after which what an exponential average started from weighs less than one millionth: the smallest k with
/// (1 − α)ᵏ < 10⁻⁶.
func updatesUntilStartIsForgotten(smoothing alpha: Double) -> Int {
    alpha >= 1 ? 0 : Int((log(1e-6) / log(1 - alpha)).rounded(.up))
}
