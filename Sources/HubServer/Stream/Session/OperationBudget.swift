/// How many operations a client may still send: a bucket that fills at a steady rate and holds one second's worth.
struct OperationBudget: Sendable {
    private let perSecond: Int64
    /// In billionths of an operation.
    private var credit: Int64
    private var updatedNanoseconds: Int64?

    init(perSecond: Int) {
        self.perSecond = Int64(max(1, perSecond))
        credit = self.perSecond * 1_000_000_000
    }

    /// Takes one operation; answers how many milliseconds too early it came, 0 if it may pass.
    mutating func take(nowNanoseconds: Int64) -> Int64 {
        if let updatedNanoseconds, nowNanoseconds > updatedNanoseconds {
            // Longer than a second fills the bucket whatever the length, and cannot overflow.
            let elapsed = min(nowNanoseconds - updatedNanoseconds, 1_000_000_000)
            credit = min(credit + elapsed * perSecond, perSecond * 1_000_000_000)
        }
        updatedNanoseconds = nowNanoseconds
        if credit >= 1_000_000_000 {
            credit -= 1_000_000_000
            return 0
        }
        return max(1, (1_000_000_000 - credit) / perSecond / 1_000_000)
    }
}
