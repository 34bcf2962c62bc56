/// How many lines an instance may still write to the log.
struct LogBudget {
    static let burst = 100.0
    static let linesPerSecond = 10.0

    private var lines = LogBudget.burst
    private var sinceNanoseconds: Int64?
    private var leftOut: UInt64 = 0

    /// Takes a line. Answers how many were left out before it; `nil`: it is left out too.
    mutating func spend(now: Int64) -> UInt64? {
        let seconds = Double(now - (sinceNanoseconds ?? now)) / 1e9
        lines = min(Self.burst, lines + max(0, seconds) * Self.linesPerSecond)
        sinceNanoseconds = now
        guard lines >= 1 else {
            leftOut += 1
            return nil
        }
        lines -= 1
        defer { leftOut = 0 }
        return leftOut
    }
}
