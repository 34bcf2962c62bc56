#if canImport(Glibc)
    import Glibc
#endif

/// A stream of random numbers in which the n-th is computed directly from n.
///
/// SplitMix64 read as a counter-based generator: its n-th output is a bijective mix of `start + n * gamma`, so nothing
/// has to be generated before it (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014;
/// the idea of counters in place of state: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). The
/// result is mixed once more with a second key word, so that streams whose start words differ by a multiple of gamma
/// are not shifts of each other.
struct CounterRandom {
    private let start: UInt64
    private let twist: UInt64

    private static let gamma: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The stream of a seed and a name, such as a symbol and what the numbers are for.
    init(seed: UInt64, name: String, purpose: StaticString) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
        func take(_ byte: UInt8) {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        for byte in name.utf8 { take(byte) }
        take(0)
        purpose.withUTF8Buffer { for byte in $0 { take(byte) } }
        start = Self.mix(seed &+ Self.gamma) ^ Self.mix(hash)
        twist = Self.mix(start ^ hash &* Self.gamma)
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 64 random bits.
    @inline(__always)
    func bits(_ n: UInt64) -> UInt64 {
        Self.mix(Self.mix(start &+ n &* Self.gamma) ^ twist)
    }

    /// The k-th of further words that belong to `n`.
    @inline(__always)
    func bits(_ n: UInt64, _ k: UInt64) -> UInt64 {
        Self.mix(bits(n) &+ (k &+ 1) &* Self.gamma)
    }

    /// A standard normal deviate.
    @inline(__always)
    func normal(_ n: UInt64) -> Double { Self.normal(of: bits(n)) }

    /// A standard normal deviate made of the given bits.
    @inline(__always)
    static func normal(of bits: UInt64) -> Double {
        inverseNormal((Double(bits >> 11) + 0.5) * 0x1p-53)
    }

    /// The standard normal quantile of a probability strictly between 0 and 1, to about 16 digits.
    ///
    /// Algorithm AS 241, PPND16: Wichura, "The percentage points of the normal distribution", Applied Statistics 37
    /// (1988), 477-484. One uniform number gives one deviate, so numbers can be counted; in the middle 85 % it takes
    /// nothing but a rational function.
    static func inverseNormal(_ probability: Double) -> Double {
        let q = probability - 0.5
        if abs(q) <= 0.425 {
            let r = 0.180625 - q * q
            let numerator =
                ((((((r * 2.5090809287301226727e+3 + 3.3430575583588128105e+4) * r + 6.7265770927008700853e+4) * r
                    + 4.5921953931549871457e+4) * r + 1.3731693765509461125e+4) * r + 1.9715909503065514427e+3) * r
                    + 1.3314166789178437745e+2) * r + 3.3871328727963666080e0
            let denominator =
                ((((((r * 5.2264952788528545610e+3 + 2.8729085735721942674e+4) * r + 3.9307895800092710610e+4) * r
                    + 2.1213794301586595867e+4) * r + 5.3941960214247511077e+3) * r + 6.8718700749205790830e+2) * r
                    + 4.2313330701600911252e+1) * r + 1
            return q * numerator / denominator
        }
        return inverseNormalTail(q < 0 ? probability : 1 - probability, negative: q < 0)
    }

    @inline(never)
    private static func inverseNormalTail(_ tail: Double, negative: Bool) -> Double {
        var r = (-log(tail)).squareRoot()
        let value: Double
        if r <= 5 {
            r -= 1.6
            let numerator =
                ((((((r * 7.74545014278341407640e-4 + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r
                    + 1.27045825245236838258e0) * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0) * r
                    + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
            let denominator =
                ((((((r * 1.05075007164441684324e-9 + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r
                    + 1.48103976427480074590e-1) * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0) * r
                    + 2.05319162663775882187e0) * r + 1
            value = numerator / denominator
        } else {
            r -= 5
            let numerator =
                ((((((r * 2.01033439929228813265e-7 + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) * r
                    + 2.65321895265761230930e-2) * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0) * r
                    + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
            let denominator =
                ((((((r * 2.04426310338993978564e-15 + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5) * r
                    + 7.86869131145613259100e-4) * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r
                    + 5.99832206555887937690e-1) * r + 1
            value = numerator / denominator
        }
        return negative ? -value : value
    }
}
