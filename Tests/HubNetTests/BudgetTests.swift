import Foundation
import Testing

@testable import HubNet

private let second: Int64 = 1_000_000_000

@Suite struct RateTests {
    @Test("rates are read as they are written")
    func text() throws {
        #expect(try RateLimit("8/min") == RateLimit(requests: 8, windowNanoseconds: 60 * second))
        #expect(try RateLimit("25/s") == RateLimit(requests: 25, windowNanoseconds: second))
        #expect(try RateLimit("800/day") == RateLimit(requests: 800, windowNanoseconds: 86_400 * second))
        #expect(
            try RateLimit.list("50/s, 500/min, 2000/30min").map(\.description) == ["50/s", "500/min", "2000/30min"])
    }

    @Test(
        "what is no rate is refused",
        arguments: ["", "8", "8/", "/s", "0/s", "8/0s", "-1/s", "8/fortnight", "8/s/s", "9999999999/s"])
    func noRate(text: String) {
        #expect(throws: RateTextError(text: text)) { try RateLimit(text) }
    }

    @Test("no window ever holds more than its limit, and what waits goes as soon as it may")
    func moving() throws {
        let seed = testSeed()
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            let limits = [
                RateLimit(requests: Int.random(in: 1...50, using: &random), windowNanoseconds: second),
                RateLimit(requests: Int.random(in: 20...200, using: &random), windowNanoseconds: 10 * second),
            ]
            var budget = RateBudget(limits)
            var now: Int64 = 5
            var sent: [(Int64, Int)] = []
            for _ in 0..<300 {
                let cost = Int.random(in: 1...3, using: &random)
                let time = budget.earliest(cost: cost, now: now)
                if time > now {
                    #expect(budget.take(cost: cost, now: time - 1) == false, "HUB_SEED=\(seed)")
                    now = time
                }
                #expect(budget.take(cost: cost, now: now) == true, "HUB_SEED=\(seed)")
                sent.append((now, cost))
                now += Int64.random(in: 0...40_000_000, using: &random)
            }
            for limit in limits {
                for (end, _) in sent {
                    let within = sent.filter { $0.0 > end - limit.windowNanoseconds && $0.0 <= end }
                    let spent = within.map(\.1).reduce(0, +)
                    let biggest = within.map(\.1).max() ?? 0
                    #expect(spent <= max(limit.requests, biggest), "HUB_SEED=\(seed)")
                }
            }
        }
    }

    @Test("several windows bind together: the tightest one says when")
    func several() throws {
        var budget = RateBudget(try RateLimit.list("2/s, 3/min"))
        for _ in 0..<2 { #expect(budget.take(now: 0) == true) }
        let third = budget.earliest(now: 0)
        #expect(third >= second && third < second + second / 5)
        #expect(budget.take(now: third) == true)
        let fourth = budget.earliest(now: third)
        #expect(fourth >= 60 * second && fourth < 61 * second)
    }

    @Test("the figures say what is used, of what, and when it is free again")
    func usage() throws {
        var budget = RateBudget(try RateLimit.list("8/min"))
        for time in 0..<5 { #expect(budget.take(now: Int64(time) * second) == true) }
        let usage = budget.usage(now: 5 * second)
        #expect(usage.map(\.used) == [5] && usage.map(\.limit) == [8])
        #expect(usage[0].resets >= 64 * second && usage[0].resets < 65 * second)
        #expect(budget.usage(now: 70 * second).map(\.used) == [0])
    }

    @Test("what the vendor says stops everything until then, and its higher count is taken over")
    func told() throws {
        var budget = RateBudget(try RateLimit.list("10/min"))
        budget.limited(until: 30 * second)
        budget.limited(until: 20 * second)
        #expect(budget.take(now: 29 * second) == false)
        #expect(budget.take(now: 30 * second) == true)
        budget.observed(used: 9, windowNanoseconds: 60 * second, now: 30 * second)
        #expect(budget.take(now: 30 * second) == true)
        #expect(budget.take(now: 30 * second) == false)
    }

    @Test("a request that costs more than the limit goes once the window is empty")
    func heavy() throws {
        var budget = RateBudget(try RateLimit.list("5/s"))
        #expect(budget.take(cost: 9, now: 0) == true)
        let next = budget.earliest(cost: 9, now: 0)
        #expect(next >= second)
        #expect(budget.take(cost: 9, now: next) == true)
    }

    @Test("memory is bounded however large the limit is")
    func memory() {
        var window = RateWindow(RateLimit(requests: 1_000_000, windowNanoseconds: second))
        var now: Int64 = 0
        for _ in 0..<200_000 {
            window.spend(1, now: now)
            now += 50_000
        }
        let count = Mirror(reflecting: window).children.first { $0.label == "slots" }
            .map { Mirror(reflecting: $0.value).children.count }
        #expect((count ?? .max) < 4_096)
    }
}

@Suite struct RateQueueTests {
    @Test("requests wait in their order, expire at their deadline, and no more wait than may")
    func queue() throws {
        var queue = RateQueue<String>(RateBudget(try RateLimit.list("1/s")), capacity: 3)
        #expect(queue.admit("a", id: 1, deadline: 10 * second, now: 0) == .go)
        #expect(queue.admit("b", id: 2, deadline: 10 * second, now: 0) == .wait)
        #expect(queue.admit("c", id: 3, deadline: 2 * second, now: 0) == .wait)
        #expect(queue.admit("d", id: 4, deadline: 10 * second, now: 0) == .wait)
        #expect(queue.admit("e", id: 5, deadline: 10 * second, now: 0) == .full)
        let wakes = queue.wake(now: 0)
        let wake = try #require(wakes)
        #expect(wake > second && wake < 2 * second)
        var due = queue.due(now: wake)
        #expect(due.go == ["b"] && due.expired.isEmpty)
        due = queue.due(now: 2 * second)
        #expect(due.go.isEmpty && due.expired == ["c"])
        #expect(queue.remove(id: 4) == "d")
        #expect(queue.wake(now: 2 * second) == nil)
    }

    @Test("a request that cannot go before its deadline is refused at once, with the time at which it could")
    func late() throws {
        var queue = RateQueue<Int>(RateBudget(try RateLimit.list("1/day")), capacity: 3)
        #expect(queue.admit(1, id: 1, deadline: second, now: 0) == .go)
        guard case .late(let time) = queue.admit(2, id: 2, deadline: 10 * second, now: 0) else {
            Issue.record("it was let in")
            return
        }
        #expect(time >= 86_400 * second)
    }
}

@Suite struct RetryAfterTests {
    @Test("seconds and all three forms of a date are read")
    func forms() {
        #expect(RetryAfter("120") == .seconds(120))
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            #expect(RetryAfter(text) == .date(784_111_777), "\(text)")
        }
        #expect(RetryAfter("Thu, 29 Feb 2024 00:00:00 GMT") == .date(1_709_164_800))
    }

    @Test("anything else is not", arguments: ["", "soon", "-5", "1.5", "Sun, 06 Foo 1994 08:49:37 GMT", "99999999999"])
    func others(text: String) {
        #expect(RetryAfter(text) == nil)
    }

    @Test("a wait is never below nothing nor above a day")
    func wait() {
        #expect(RetryAfter.date(100).waitNanoseconds(wallNanoseconds: 90 * second) == 10 * second)
        #expect(RetryAfter.date(100).waitNanoseconds(wallNanoseconds: 190 * second) == 0)
        #expect(RetryAfter.seconds(999_999_999).waitNanoseconds(wallNanoseconds: 0) == 86_400 * second)
    }
}

@Suite struct BreakerTests {
    @Test("failures in a row open it, one request then tries, and its outcome decides")
    func life() {
        var breaker = CircuitBreaker(failures: 3, openNanoseconds: 30 * second)
        for _ in 0..<2 { breaker.failed(wasProbe: false, now: 0) }
        breaker.succeeded(wasProbe: false)
        for _ in 0..<2 { breaker.failed(wasProbe: false, now: 0) }
        #expect(breaker.ask(now: 0) == .go)
        breaker.failed(wasProbe: false, now: second)
        #expect(breaker.ask(now: 2 * second) == .refuse(until: 31 * second))
        #expect(breaker.ask(now: 31 * second) == .probe)
        #expect(breaker.ask(now: 31 * second) == .refuse(until: .max))
        breaker.failed(wasProbe: true, now: 32 * second)
        #expect(breaker.ask(now: 33 * second) == .refuse(until: 62 * second))
        #expect(breaker.ask(now: 62 * second) == .probe)
        breaker.succeeded(wasProbe: true)
        #expect(breaker.state == .closed)
    }

    @Test("answers of requests from before it opened change nothing, and a probe that was cancelled frees its place")
    func late() {
        var breaker = CircuitBreaker(failures: 1, openNanoseconds: second)
        breaker.failed(wasProbe: false, now: 0)
        breaker.succeeded(wasProbe: false)
        #expect(breaker.state == .open)
        #expect(breaker.ask(now: second) == .probe)
        breaker.failed(wasProbe: false, now: second)
        #expect(breaker.state == .probing)
        breaker.abandoned(wasProbe: true, now: second)
        #expect(breaker.ask(now: second) == .probe)
    }
}

@Suite struct BackoffTests {
    @Test("waits double up to the greatest, with the whole of each at random, and never below the least")
    func doubling() {
        var backoff = Backoff(minimumNanoseconds: second, maximumNanoseconds: 60 * second)
        let longest = (0..<8).map { _ in backoff.failed(now: 0, random: 1) / second }
        #expect(longest == [2, 4, 8, 16, 32, 60, 60, 60])
        #expect(backoff.failed(now: 0, random: 0) == second)
        let half = backoff.failed(now: 0, random: 0.5)
        #expect(half > 30 * second && half < 31 * second)
    }

    @Test("it begins again after a minute of health, not before, and waits as long as the server asked")
    func healthy() {
        var backoff = Backoff(minimumNanoseconds: second, maximumNanoseconds: 60 * second)
        for _ in 0..<5 { _ = backoff.failed(now: 0, random: 1) }
        backoff.connected(now: 0)
        #expect(backoff.failed(now: 59 * second, random: 1) == 60 * second)
        backoff.connected(now: 60 * second)
        #expect(backoff.failed(now: 120 * second, random: 1) == 2 * second)
        #expect(backoff.failed(now: 120 * second, floorNanoseconds: 90 * second, random: 0) == 90 * second)
    }

    @Test("no settings make it overflow")
    func extremes() {
        var backoff = Backoff(minimumNanoseconds: 1, maximumNanoseconds: .max)
        for _ in 0..<200 { #expect(backoff.failed(now: 0, random: 0.999) > 0) }
    }
}
