/// Credits of the vendor's minute: a window of the wall clock, not a sliding one.
struct CreditBudget {
    /// Credits a minute; learnt from answers where the operator does not say it.
    private(set) var limit: Int
    private let spare: Int
    private let isFixed: Bool
    private var minute: Int64 = .min
    private var used = 0
    /// Nothing goes out before, since the vendor said so.
    private var blockedUntil: Int64 = 0

    static let minuteNanoseconds: Int64 = 60_000_000_000

    init(plan: String?, spare: Int) {
        let known = plan.flatMap { Self.plans[$0] }
        limit = known ?? 8
        isFixed = known != nil
        self.spare = spare
    }

    /// Credits a minute of each plan; they change, and steps between them exist, which answers tell.
    static let plans = ["basic": 8, "grow": 377, "pro": 1597, "ultra": 10_946]

    /// What may be spent in a minute.
    var spendable: Int { max(1, limit - spare) }

    /// Takes credits; else the wall time at which to try again.
    mutating func take(_ cost: Int, nowNanoseconds: Int64) -> Int64? {
        if nowNanoseconds < blockedUntil { return blockedUntil }
        let current = nowNanoseconds / Self.minuteNanoseconds
        if current != minute { (minute, used) = (current, 0) }
        // What costs more than a minute has goes out first in one, or never would.
        guard used == 0 || used + cost <= spendable else { return (current + 1) * Self.minuteNanoseconds }
        used += cost
        return nil
    }

    /// What the vendor counts itself, from the headers of an answer.
    mutating func told(used told: Int?, left: Int?, nowNanoseconds: Int64) {
        guard let told, let left, told >= 0, left >= 0, told + left > 0 else { return }
        if !isFixed || told + left < limit { limit = told + left }
        if nowNanoseconds / Self.minuteNanoseconds == minute { used = max(used, told) }
    }

    /// Holds everything back until a wall time.
    mutating func block(untilNanoseconds: Int64) { blockedUntil = max(blockedUntil, untilNanoseconds) }
}
