#if canImport(Glibc)
    import Glibc
#endif

/// How an instrument's price moves. Drift and volatility are a year's; the year has 365.25 days and never closes.
enum ModelKind: String, Sendable, CaseIterable {
    /// Geometric Brownian motion: d ln S = (mu - sigma^2 / 2) dt + sigma dW.
    /// Black and Scholes, "The pricing of options and corporate liabilities", J. Political Economy 81 (1973), 637-654.
    case gbm

    /// Merton's jump diffusion: d ln S = (mu - sigma^2 / 2 - lambda k) dt + sigma dW + dJ, where J is compound Poisson
    /// with lambda jumps a year, each normal(mean, deviation^2), and k = exp(mean + deviation^2 / 2) - 1 keeps the
    /// expected growth at mu. Merton, "Option pricing when underlying stock returns are discontinuous", J. Financial
    /// Economics 3 (1976), 125-144.
    case jump

    /// GARCH(1,1) volatility in steps of 2^36 ns (68.7 s): return e_k = sqrt(h_k) z_k and
    /// h_(k+1) = omega + alpha e_k^2 + beta h_k with omega = (1 - alpha - beta) sigma^2 dt, so sigma is the long-run
    /// volatility. Inside a step the path is Brownian with the step's variance. Bollerslev, "Generalized autoregressive
    /// conditional heteroskedasticity", J. Econometrics 31 (1986), 307-327.
    case garch
}

/// The logarithm of one instrument's price as a function of time.
///
/// `gbm` and `jump` are closed forms of the paths, so any time is reached directly. `garch` carries the variance from
/// step to step and is fast-forwarded from where it began, 68.7 s a step: a year takes a few milliseconds.
///
/// Correlation: every instrument's W is sqrt(rho) C + sqrt(1 - rho) Z with one common path C and one of its own, so any
/// two have the correlation rho (one-factor model: Vasicek, "The distribution of loan portfolio value", Risk 15 (2002)).
/// Jumps and the shocks' effect on variance are each instrument's own.
struct PriceModel {
    static let secondsPerYear = 365.25 * 86400
    /// Steps of the variance, and the coarsest leaf: 2^36 ns and 2^31 ns.
    static let stepLevel = 36
    static let coarsestLeaf = 31

    private let kind: ModelKind
    private let driftPerSecond: Double
    private let deviationPerRootSecond: Double
    private let commonWeight: Double
    private let ownWeight: Double
    let leafLevel: Int
    private var own: BrownianPath
    private let common: UnsafeMutablePointer<BrownianPath>
    private var jumps: JumpPath?
    private let anchor: Int64
    // ln S at time t is `offset` plus what has accumulated.
    private var offset: Double = 0

    // GARCH: the step the model stands in, its variance, and the logarithm at its start.
    private let firstStep: Int64
    private let omega: Double
    private let alpha: Double
    private let beta: Double
    private var step: Int64
    private var variance: Double
    private var stepStart: Double = 0

    /// `anchor`: when the price is the one of the settings. `begin`: the first time that will be asked for.
    init(
        _ settings: InstrumentSettings, symbol: String, seed: UInt64, correlation: Double, anchor: Int64, begin: Int64,
        leafLevel: Int, common: UnsafeMutablePointer<BrownianPath>
    ) {
        kind = settings.model
        self.leafLevel = leafLevel
        self.common = common
        commonWeight = correlation.squareRoot()
        ownWeight = (1 - correlation).squareRoot()
        own = BrownianPath(seed: seed, name: symbol, leafLevel: leafLevel)
        let sigma = settings.volatility
        var drift = settings.drift - sigma * sigma / 2
        if settings.model == .jump {
            let jump = settings.jump
            jumps = JumpPath(
                seed: seed, name: symbol, leafLevel: leafLevel, perYear: jump.perYear, mean: jump.mean,
                deviation: jump.deviation)
            drift -= jump.perYear * (exp(jump.mean + jump.deviation * jump.deviation / 2) - 1)
        }
        driftPerSecond = (settings.model == .garch ? settings.drift : drift) / Self.secondsPerYear
        deviationPerRootSecond = sigma / Self.secondsPerYear.squareRoot()
        // Aligned to the coarsest leaf, so that models with different leaves agree about the price at the anchor.
        self.anchor = (anchor >> Int64(Self.coarsestLeaf)) << Int64(Self.coarsestLeaf)
        alpha = settings.garch.alpha
        beta = settings.garch.beta
        let stepSeconds = Double(UInt64(1) << UInt64(Self.stepLevel)) * 1e-9
        let longRun = deviationPerRootSecond * deviationPerRootSecond * stepSeconds
        omega = (1 - alpha - beta) * longRun
        variance = longRun
        firstStep = min(begin, self.anchor) >> Int64(Self.stepLevel)
        step = firstStep
        offset = log(settings.price) - accumulated(at: self.anchor)
        if begin < self.anchor { rewind() }
    }

    func deallocate() {
        own.deallocate()
        jumps?.deallocate()
    }

    /// ln S at the start of the leaf that holds a time. Fast when times do not go back.
    mutating func logPrice(at time: Int64) -> Double { offset + accumulated(at: time) }

    private mutating func accumulated(at time: Int64) -> Double {
        if kind == .garch { return accumulatedWithSteps(at: time) }
        let seconds = Double(((time >> Int64(leafLevel)) << Int64(leafLevel)) - anchor) * 1e-9
        let motion = commonWeight * common.pointee.value(at: time) + ownWeight * own.value(at: time)
        return driftPerSecond * seconds + deviationPerRootSecond * motion + (jumps?.value(at: time) ?? 0)
    }

    private mutating func accumulatedWithSteps(at time: Int64) -> Double {
        let wanted = time >> Int64(Self.stepLevel)
        if wanted < step { rewind() }
        while step < wanted { advance() }
        let motion =
            commonWeight * (common.pointee.value(at: time) - common.pointee.cellStart(level: Self.stepLevel))
            + ownWeight * (own.value(at: time) - own.cellStart(level: Self.stepLevel))
        let start = step << Int64(Self.stepLevel)
        let seconds = Double(((time >> Int64(leafLevel)) << Int64(leafLevel)) - start) * 1e-9
        return stepStart + drift(seconds: seconds) + deviationPerRootSecondNow * motion
    }

    private mutating func advance() {
        let time = step << Int64(Self.stepLevel)
        _ = common.pointee.value(at: time)
        _ = own.value(at: time)
        let motion =
            commonWeight * common.pointee.increment(level: Self.stepLevel)
            + ownWeight * own.increment(level: Self.stepLevel)
        let shock = deviationPerRootSecondNow * motion
        stepStart += drift(seconds: Self.stepSeconds) + shock
        variance = omega + alpha * shock * shock + beta * variance
        step += 1
    }

    private mutating func rewind() {
        step = firstStep
        stepStart = 0
        variance = deviationPerRootSecond * deviationPerRootSecond * Self.stepSeconds
    }

    private static let stepSeconds = Double(UInt64(1) << UInt64(stepLevel)) * 1e-9

    @inline(__always)
    private var deviationPerRootSecondNow: Double { (variance / Self.stepSeconds).squareRoot() }

    /// mu dt - h / 2, of the current step's variance.
    @inline(__always)
    private func drift(seconds: Double) -> Double {
        driftPerSecond * seconds - variance * (seconds / Self.stepSeconds) / 2
    }
}
