import Testing

@testable import HubRuntime

@Suite("What a plugin may write to the log")
struct HostingLogTests {
    @Test("after a burst lines are left out, counted, and allowed again as time goes by")
    func budget() {
        var budget = LogBudget()
        var written = 0
        var leftOut: UInt64 = 0
        for _ in 0..<500 { if budget.spend(now: 0) != nil { written += 1 } }
        #expect(written == Int(LogBudget.burst))
        for second in 1...10 {
            for _ in 0..<1000 {
                if let before = budget.spend(now: Int64(second) * 1_000_000_000) {
                    written += 1
                    leftOut += before
                }
            }
        }
        #expect(written == Int(LogBudget.burst + 10 * LogBudget.linesPerSecond))
        #expect(leftOut > 9000)
        // A clock that stands still or goes back earns nothing.
        #expect(budget.spend(now: 0) == nil)
    }
}
