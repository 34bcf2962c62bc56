/// A candle of a vendor's history.
public struct Candle: Sendable, Equatable {
    /// Its start, in nanoseconds since the Unix epoch.
    public var time: Int64
    public var open: Double
    public var high: Double
    public var low: Double
    public var close: Double
    public var volume: Double
    /// NaN = none.
    public var openInterest: Double

    /// Makes a candle.
    public init(
        time: Int64, open: Double, high: Double, low: Double, close: Double, volume: Double, openInterest: Double
    ) {
        self.time = time
        self.open = open
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume
        self.openInterest = openInterest
    }

    /// Whether prices are numbers and the high is not below the low.
    public var isSound: Bool {
        open.isFinite && high.isFinite && low.isFinite && close.isFinite && high >= low && volume >= 0
    }
}
