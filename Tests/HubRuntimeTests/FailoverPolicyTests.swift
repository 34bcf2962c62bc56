import Testing

@testable import HubRuntime

private let second: Int64 = 1_000_000_000

@Suite("Which source serves a pipeline")
struct FailoverPolicyTests {
    private func policy(back: Int64 = 60 * second) -> FailoverPolicy {
        FailoverPolicy(names: ["upstox", "zerodha"], afterNanoseconds: 15 * second, backAfterNanoseconds: back, now: 0)
    }

    @Test("a source that is down keeps its place until the configured time is over")
    func waits() {
        var policy = policy()
        #expect(policy.decide(states: [.ok, .ok], active: 0, now: 1 * second) == nil)
        #expect(policy.decide(states: [.reconnecting, .ok], active: 0, now: 2 * second) == nil)
        #expect(policy.decide(states: [.reconnecting, .ok], active: 0, now: 16 * second) == nil)
        let decision = policy.decide(states: [.reconnecting, .ok], active: 0, now: 17 * second)
        #expect(decision == .init(from: 0, to: 1, reason: "upstox reconnecting for 15000 ms"))
    }

    @Test("a source that needs a person loses its place at once")
    func atOnce() {
        for state in [SourceState.authNeeded, .failed, .stopped] {
            var policy = policy()
            #expect(policy.decide(states: [state, .ok], active: 0, now: 1)?.to == 1)
        }
    }

    @Test("without anybody who can serve nothing changes")
    func nobody() {
        var policy = policy()
        #expect(policy.decide(states: [.failed, .starting], active: 0, now: 100 * second) == nil)
    }

    @Test("a preferred source gets its place back when it has been healthy long enough")
    func back() {
        var policy = policy()
        _ = policy.decide(states: [.failed, .ok], active: 0, now: 0)
        #expect(policy.decide(states: [.ok, .ok], active: 1, now: 10 * second) == nil)
        #expect(policy.decide(states: [.ok, .ok], active: 1, now: 69 * second) == nil)
        #expect(policy.decide(states: [.ok, .ok], active: 1, now: 70 * second)?.to == 0)
    }

    @Test("a relapse starts the time again")
    func relapse() {
        var policy = policy()
        _ = policy.decide(states: [.failed, .ok], active: 1, now: 0)
        _ = policy.decide(states: [.ok, .ok], active: 1, now: 10 * second)
        _ = policy.decide(states: [.stale, .ok], active: 1, now: 60 * second)
        _ = policy.decide(states: [.ok, .ok], active: 1, now: 65 * second)
        #expect(policy.decide(states: [.ok, .ok], active: 1, now: 80 * second) == nil)
        #expect(policy.decide(states: [.ok, .ok], active: 1, now: 125 * second)?.to == 0)
    }

    @Test("'forever' keeps the substitute")
    func stays() {
        var policy = policy(back: .max)
        _ = policy.decide(states: [.failed, .ok], active: 1, now: 0)
        #expect(policy.decide(states: [.ok, .ok], active: 1, now: 10_000 * second) == nil)
    }
}

@Suite("The health of a source")
struct SourceHealthTests {
    @Test("silence in an open market is stale, in a shut one it is closed, and an opening begins the time anew")
    func stale() {
        var health = SourceHealth(staleAfterNanoseconds: 30 * second, now: 0)
        #expect(health.delivered(at: 1 * second)?.state == .ok)
        #expect(health.tick(now: 20 * second, isMarketOpen: true) == nil)
        let change = health.tick(now: 50 * second, isMarketOpen: true)
        #expect(change?.state == .stale && change?.previous == .ok)
        #expect(health.delivered(at: 51 * second)?.state == .ok)
        #expect(health.tick(now: 60 * second, isMarketOpen: false) == nil)
        let closed = health.tick(now: 90 * second, isMarketOpen: false)
        #expect(closed?.state == .closed && health.canServe)
        #expect(health.tick(now: 1000 * second, isMarketOpen: false) == nil)
        #expect(health.tick(now: 2000 * second, isMarketOpen: true)?.state == .ok)
        #expect(health.tick(now: 2029 * second, isMarketOpen: true) == nil)
        #expect(health.tick(now: 2030 * second, isMarketOpen: true)?.state == .stale)
        #expect(health.tick(now: 2031 * second, isMarketOpen: false)?.state == .closed)
    }

    @Test("data that is late degrades, a connection that is up does not hide it, and data in time ends it")
    func late() {
        var health = SourceHealth(staleAfterNanoseconds: 0, lateAfterNanoseconds: second, now: 0, state: .ok)
        #expect(health.judge(medianNanoseconds: second, now: 1) == nil)
        #expect(health.judge(medianNanoseconds: 2 * second, now: 2)?.state == .degraded)
        #expect(!health.canServe)
        #expect(health.report(.ok, reason: "", now: 3) == nil && !health.canServe)
        #expect(health.judge(medianNanoseconds: second / 2, now: 4)?.state == .ok && health.canServe)
    }

    @Test("the same state again is no change, but its reason is kept")
    func sameState() {
        var health = SourceHealth(staleAfterNanoseconds: 0, now: 0)
        #expect(health.report(.reconnecting, reason: "first", now: 1)?.reason == "first")
        #expect(health.report(.reconnecting, reason: "second", now: 2) == nil)
        #expect(health.reason == "second" && health.sinceNanoseconds == 1)
    }

    @Test("a recorded source is never stale")
    func recorded() {
        var health = SourceHealth(staleAfterNanoseconds: 0, now: 0, state: .ok)
        #expect(health.tick(now: 1_000_000 * second, isMarketOpen: true) == nil)
    }
}

@Suite("Lag percentiles")
struct LagHistogramTests {
    @Test("percentiles are the power of two that bounds them")
    func percentiles() {
        var lag = LagHistogram()
        for _ in 0..<98 { lag.add(nanoseconds: 3_000_000) }
        lag.add(nanoseconds: 900_000_000)
        lag.add(nanoseconds: 900_000_000)
        #expect(lag.percentileMilliseconds(0.5) == 4)
        #expect(lag.percentileMilliseconds(0.99) == 1048)
    }

    @Test("clocks that disagree count as no lag")
    func negative() {
        var lag = LagHistogram()
        lag.add(nanoseconds: -5_000_000_000)
        #expect(lag.percentileMilliseconds(0.99) == 0)
    }
}
