import Synchronization

/// Events a second, from counters that are looked at once a second. Any thread.
final class RateMeter: Sendable {
    private struct State {
        var counts: [String: UInt64] = [:]
        var rates: [String: Double] = [:]
        var lastNanoseconds: Int64 = 0
    }

    private let state = Mutex(State())

    /// To be called about once a second, with a monotonic time.
    func look(at counters: [(name: String, count: UInt64)], monotonicNanoseconds now: Int64) {
        state.withLock { state in
            let seconds = Double(now - state.lastNanoseconds) / 1e9
            for (name, count) in counters {
                let before = state.counts[name] ?? count
                // Smoothed over some seconds, so that a number on a screen can be read.
                let rate = seconds > 0 && count >= before ? Double(count - before) / seconds : 0
                let old = state.rates[name] ?? rate
                state.rates[name] = old + (rate - old) * 0.4
                state.counts[name] = count
            }
            state.lastNanoseconds = now
        }
    }

    func rate(of name: String) -> Double {
        state.withLock { (($0.rates[name] ?? 0) * 10).rounded() / 10 }
    }
}
