public import EventFormat

/// One date of a trading calendar as instants: where it begins and ends, and where its intraday bars are anchored.
///
/// All times are nanoseconds since the Unix epoch, UTC. A day is all a hot path needs of a calendar: as long as times
/// stay within it no zone is looked up.
public struct TradingDay: Hashable, Sendable, BitwiseCopyable {
    /// Days since 1970-01-01 of the local date, which is the session date.
    public let number: Int
    /// Local midnight, inclusive.
    public let start: Int64
    /// The next local midnight, exclusive.
    public let end: Int64
    /// Where intraday bars of this date are counted from, forwards and backwards.
    public let anchor: Int64

    public init(number: Int, start: Int64, end: Int64, anchor: Int64) {
        self.number = number
        self.start = start
        self.end = end
        self.anchor = anchor
    }

    /// The session date.
    public var date: CivilDate { CivilDate(dayNumber: number) }

    /// 00:00 UTC of the session date: the `time` of its `1d` bar.
    public var label: Int64 { Int64(number) * 86_400_000_000_000 }

    /// Whether an instant belongs to the date.
    @inlinable public func contains(_ time: Int64) -> Bool { time >= start && time < end }

    /// The open of the intraday bar that an instant of this date belongs to.
    ///
    /// - Parameters:
    ///   - time: an instant of this date.
    ///   - nanoseconds: the bar's length, below a day.
    @inlinable public func intradayStart(_ time: Int64, nanoseconds: Int64) -> Int64 {
        let distance = time &- anchor
        let remainder = distance % nanoseconds
        return time &- (remainder < 0 ? remainder + nanoseconds : remainder)
    }
}
