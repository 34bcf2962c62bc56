import Testing

@testable import HubRuntime

/// The cache of on-demand answers, with a clock that the test turns.
@Suite struct QueryCacheTests {
    private static let second: Int64 = 1_000_000_000

    private func cache(entries: Int = 100, bytes: Int = 1 << 20) -> QueryCache<String, Int> {
        QueryCache(maximumEntries: entries, maximumBytes: bytes)
    }

    /// `fetch`, `join`, `fresh 1`, `stale 1 refresh`
    private func word(_ finding: QueryCache<String, Int>.Finding) -> String {
        switch finding {
        case .fresh(let value): "fresh \(value)"
        case .stale(let value, let refresh): "stale \(value)" + (refresh ? " refresh" : "")
        case .join: "join"
        case .fetch: "fetch"
        }
    }

    private func store(_ cache: inout QueryCache<String, Int>, _ key: String, _ value: Int, at now: Int64) {
        cache.store(
            key, value, bytes: 100, timeToLive: 60 * Self.second, stale: 600 * Self.second, now: now)
    }

    @Test func anAnswerIsServedForItsTimeAndFetchedOnceAfterIt() {
        var cache = cache()
        #expect(word(cache.find("a", now: 0)) == "fetch")
        store(&cache, "a", 1, at: 0)
        #expect(word(cache.find("a", now: 59 * Self.second)) == "fresh 1")
        // Past its time it is still served, and one of those who ask fetches the new one.
        #expect(word(cache.find("a", now: 60 * Self.second)) == "stale 1 refresh")
        #expect(word(cache.find("a", now: 61 * Self.second)) == "stale 1")
        store(&cache, "a", 2, at: 62 * Self.second)
        #expect(word(cache.find("a", now: 63 * Self.second)) == "fresh 2")
        #expect(cache.counters.hits == 2 && cache.counters.misses == 1 && cache.counters.staleServed == 2)
    }

    @Test func anAnswerThatIsTooOldIsNotServedAnyMore() {
        var cache = cache()
        _ = cache.find("a", now: 0)
        store(&cache, "a", 1, at: 0)
        #expect(word(cache.find("a", now: 660 * Self.second)) == "fetch")
        #expect(cache.counters.expired == 1 && cache.count == 0 && cache.bytes == 0)
    }

    @Test func whoAsksWhileAnAnswerIsFetchedWaitsForIt() {
        var cache = cache()
        #expect(word(cache.find("a", now: 0)) == "fetch")
        for _ in 0..<999 { #expect(word(cache.find("a", now: 1)) == "join") }
        #expect(cache.counters.misses == 1 && cache.counters.coalesced == 999)
    }

    @Test func freshAsksAnewButJoinsWhatIsUnderWay() {
        var cache = cache()
        _ = cache.find("a", now: 0)
        store(&cache, "a", 1, at: 0)
        #expect(word(cache.find("a", now: 1, fresh: true)) == "fetch")
        #expect(word(cache.find("a", now: 1, fresh: true)) == "join")
        #expect(word(cache.find("a", now: 1)) == "fresh 1")
    }

    @Test func aRefreshThatFailsLeavesTheOldAnswer() {
        var cache = cache()
        _ = cache.find("a", now: 0)
        store(&cache, "a", 1, at: 0)
        #expect(word(cache.find("a", now: 100 * Self.second)) == "stale 1 refresh")
        cache.fail("a")
        #expect(word(cache.find("a", now: 101 * Self.second)) == "stale 1 refresh")
        #expect(cache.flights == 1)
    }

    @Test func theLeastRecentlyUsedGoesWhenThereAreTooMany() {
        var cache = cache(entries: 3)
        for (value, key) in ["a", "b", "c"].enumerated() {
            _ = cache.find(key, now: 0)
            store(&cache, key, value, at: 0)
        }
        _ = cache.find("a", now: 1)
        _ = cache.find("d", now: 1)
        store(&cache, "d", 3, at: 1)
        #expect(word(cache.find("a", now: 2)) == "fresh 0")
        #expect(word(cache.find("c", now: 2)) == "fresh 2")
        #expect(word(cache.find("b", now: 2)) == "fetch")
        #expect(cache.count == 3 && cache.counters.evicted == 1)
    }

    @Test func itTakesNoMoreMemoryThanItMay() {
        var cache = cache(entries: 1000, bytes: 1000)
        for number in 0..<500 {
            let key = "\(number % 70)"
            _ = cache.find(key, now: 0)
            let size = 1 + number * 37 % 400
            cache.store(key, number, bytes: size, timeToLive: 10, stale: 0, now: 0)
            #expect(cache.bytes <= 1000)
        }
        _ = cache.find("huge", now: 0)
        cache.store("huge", 1, bytes: 1001, timeToLive: 10, stale: 0, now: 0)
        #expect(word(cache.find("huge", now: 0)) == "fetch")
        #expect(cache.count > 0 && cache.counters.evicted > 0)
    }

    @Test func whatLivesForEverDoesNotWrapAround() {
        var cache = cache()
        _ = cache.find("a", now: 5)
        cache.store("a", 1, bytes: 1, timeToLive: .max, stale: .max, now: 5)
        #expect(word(cache.find("a", now: .max - 1)) == "fresh 1")
    }
}
