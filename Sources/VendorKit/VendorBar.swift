public import PluginKit

/// One bar of a vendor's history.
public struct VendorBar: Equatable, Sendable {
    public var openNanoseconds: Int64
    public var open: Double
    public var high: Double
    public var low: Double
    public var close: Double
    public var volume: Double

    /// Makes one.
    public init(openNanoseconds: Int64, open: Double, high: Double, low: Double, close: Double, volume: Double) {
        self.openNanoseconds = openNanoseconds
        self.open = open
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume
    }
}

extension Host {
    /// Answers a query for bars with those of them that it asked for and that are closed, in rising order.
    public func answer(_ query: Query, bars: [VendorBar], now: Now) throws {
        try answer(query.identifier) { output in
            var last: Int64 = .min
            for bar in bars {
                let open = bar.openNanoseconds
                // The newest bar is still forming, and a time that does not rise would be a second bar of the same time.
                guard open > last, open >= query.fromNanoseconds ?? .min, open < query.toNanoseconds ?? .max,
                    VendorTime.end(ofBarAt: open, intervalSeconds: query.interval) <= now.wallNanoseconds
                else { continue }
                last = open
                output.bar(
                    1, openNanoseconds: open, intervalSeconds: query.interval, open: bar.open, high: bar.high,
                    low: bar.low, close: bar.close, volume: bar.volume, flags: .backfilled)
            }
        }
    }

    /// Answers with what the body puts into the query's answer; an error it throws is the answer instead.
    public func finish(_ query: UInt64, _ body: () throws -> Void) {
        do {
            try body()
            answered(query)
        } catch {
            answered(query, error as? PluginError ?? PluginError(.internal, String(describing: error)))
        }
    }
}
