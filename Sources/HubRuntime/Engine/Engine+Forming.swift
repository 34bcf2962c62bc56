import EventFormat
import HubModel
import PluginABI

/// Values of bars that are still forming: views, asked for by name.
extension Engine {
    /// So long all indicators together are waited for.
    private static let patienceNanoseconds: Int64 = 50_000_000
    private static let pauseNanoseconds: Int64 = 2_000_000

    public func formingValues(of symbols: [String]) -> [UInt8] {
        let runners = lock.withLock { indicatorRunners }
        guard isRunning.load(ordering: .acquiring), !runners.isEmpty else { return [] }
        let forming = formingBars(of: symbols)
        guard !forming.isEmpty else { return [] }
        let end = MonotonicClock.now + Self.patienceNanoseconds
        let pause = WakeEvent()
        var values: [UInt8] = []
        for runner in runners {
            while true {
                let left = end - MonotonicClock.now
                if let found = runner.peek(forming, now: now(), withinNanoseconds: max(1_000_000, left)) {
                    values += found
                    break
                }
                // A bar closed a moment ago and its values are on their way: without it the view would be wrong.
                guard left > 0 else { break }
                pause.wait(nanoseconds: Self.pauseNanoseconds)
            }
        }
        return values
    }

    private func formingBars(of symbols: [String]) -> [IndicatorRunner.Forming] {
        let intervals = symbols.map { text -> [Interval] in
            guard let symbol = try? Symbol(text) else { return [] }
            return configuration.pipeline(of: symbol)?.bars ?? []
        }
        let isVisible = journal.head
        return withFold { fold, _ in
            var forming: [IndicatorRunner.Forming] = []
            for (symbol, intervals) in zip(symbols, intervals) {
                for interval in intervals {
                    guard let bar = fold.formingBar(of: symbol, interval: interval.rawValue) else { continue }
                    let previous = fold.newestBar(of: symbol, interval: interval.rawValue)
                    // What nobody can see yet, for it is not synced, no indicator can have seen.
                    forming.append(
                        .init(
                            symbol: symbol, interval: interval, bar: bar,
                            previous: min(previous?.head.seq ?? 0, isVisible)))
                }
            }
            return forming
        }
    }
}
