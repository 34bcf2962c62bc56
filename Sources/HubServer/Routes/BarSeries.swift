import EventFormat
import HubModel
import PluginABI

/// One row of `/v1/bars`.
struct BarRow: Sendable, Hashable {
    enum State: String, Sendable {
        case closed, revised, forming
        /// There was no bar: the last close is repeated.
        case filled
    }

    /// Open of the bar, nanoseconds.
    var time: Int64
    var open: Double
    var high: Double
    var low: Double
    var close: Double
    /// In 1e-9 units, so that sums are exact.
    var volume: ExactSum
    /// Sum of price × size; `nil` = not known.
    var notional: ExactSum?
    var count: UInt64
    /// At the end of the bar; NaN = none.
    var openInterest: Double
    var state: State
    var revision: UInt16
    var isSimulated: Bool

    init(_ bar: hub_bar) {
        time = bar.head.ts_event
        open = bar.open
        high = bar.high
        low = bar.low
        close = bar.close
        volume = ExactSum(bar.volume)
        notional = bar.notional.isFinite ? ExactSum(bar.notional) : nil
        count = bar.count
        openInterest = bar.open_interest
        switch Int(bar.state) {
        case HUB_BAR_FORMING: state = .forming
        case HUB_BAR_REVISED: state = .revised
        default: state = .closed
        }
        revision = bar.revision
        isSimulated = bar.head.flags & UInt16(HUB_FLAG_SIMULATED) != 0
    }

    /// What stands where a bar is missing: the close of the one before.
    init(repeating previous: BarRow, at time: Int64) {
        self = previous
        self.time = time
        open = previous.close
        high = previous.close
        low = previous.close
        volume = ExactSum(0)
        notional = nil
        count = 0
        openInterest = .nan
        state = .filled
        revision = 0
    }

    /// Takes in the next smaller bar of the same larger one.
    mutating func append(_ next: BarRow) {
        high = max(high, next.high)
        low = min(low, next.low)
        close = next.close
        volume = volume + next.volume
        if let ours = notional, let theirs = next.notional { notional = ours + theirs } else { notional = nil }
        count += next.count
        if next.openInterest.isFinite { openInterest = next.openInterest }
        if next.state == .forming {
            state = .forming
        } else if next.state == .revised, state == .closed {
            state = .revised
        }
        revision = max(revision, next.revision)
        isSimulated = isSimulated || next.isSimulated
    }

    /// Average price, to 6 decimals; NaN where nothing with a size was traded.
    var vwap: Double {
        guard let notional, volume.value > 0 else { return .nan }
        return Rounding.round(notional.value / volume.value, places: 6)
    }

    /// - Parameter symbol: told where rows of several instruments stand in one list.
    func write(symbol: String?, interval: Interval, style: TimeStyle, to text: inout TextBuffer) {
        text.beginObject()
        text.member("symbol", ifPresent: symbol)
        text.member("time", time: time, style: style)
        if interval.isDateBased { text.member("date", TimeText.date(time)) }
        text.member("open", open)
        text.member("high", high)
        text.member("low", low)
        text.member("close", close)
        text.member("volume", volume.value)
        text.member("count", count)
        // `null` where it cannot be told.
        text.member("vwap", vwap)
        text.member("open_interest", ifPresent: openInterest)
        text.member("state", state.rawValue)
        text.member("revision", Int(revision))
        if isSimulated { text.member("simulated", true) }
        text.endObject()
    }
}

/// A sum of sizes or amounts, in units of 1e-9: exact for numbers with at most nine decimals, in any order.
struct ExactSum: Sendable, Hashable {
    private var units: Int128

    init(_ value: Double) {
        let scaled = (value * 1e9).rounded()
        units = scaled.isFinite && scaled.magnitude < 1e37 ? Int128(scaled) : 0
    }

    var value: Double {
        // Whole part and rest apart: a product beyond 2^53 would round once too often.
        let (whole, rest) = units.quotientAndRemainder(dividingBy: 1_000_000_000)
        if rest == 0 { return Double(whole) }
        return units.magnitude < 1 << 53 ? Double(units) / 1e9 : Double(whole) + Double(rest) / 1e9
    }

    static func + (left: ExactSum, right: ExactSum) -> ExactSum {
        var sum = left
        sum.units &+= right.units
        return sum
    }
}

/// Larger bars out of smaller ones.
enum BarRollup {
    /// Intervals that give another exactly, larger first: their bars never straddle a bar of the larger one.
    ///
    /// Intraday bars are counted from one anchor a day and end at its end, so a length that divides another gives it; a day
    /// holds whole intraday bars, a week and a month whole days.
    static func sources(of interval: Interval) -> [Interval] {
        Interval.allCases.reversed().filter { smaller in
            guard smaller < interval else { return false }
            switch interval {
            case .w1, .month1: return smaller <= .d1
            case .d1: return true
            default: return interval.seconds % smaller.seconds == 0
            }
        }
    }

    /// Puts bars together, both oldest first.
    static func roll(_ bars: [BarRow], to interval: Interval, calendar: TradingCalendar, from smaller: Interval)
        -> [BarRow]
    {
        var rows: [BarRow] = []
        for bar in bars {
            // Bars of a day are told by the date, 00:00 UTC, which is a place in the calendar's day only by name.
            let start =
                smaller.isDateBased ? dateStart(bar.time, interval) : calendar.bucketStart(bar.time, interval)
            if rows.last?.time == start {
                rows[rows.count - 1].append(bar)
            } else {
                var row = bar
                row.time = start
                rows.append(row)
            }
        }
        return rows
    }

    /// First date of the week or month that a date is in, 00:00 UTC.
    private static func dateStart(_ date: Int64, _ interval: Interval) -> Int64 {
        TradingCalendar.always.bucketStart(date, interval)
    }
}
