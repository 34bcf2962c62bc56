import EventFormat
import HubModel
import HubStore
import PluginABI

/// One row of `/v1/bars`.
struct BarRow: Sendable, Hashable {
    enum State: String, Sendable, CaseIterable {
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
    var volume: Double
    /// Sum of price × size; NaN = not known.
    var notional: Double
    /// At the end of the bar; NaN = none.
    var openInterest: Double
    var count: UInt64
    /// Stands for what the row was made from: its event's `seq`, or a mixture of several.
    var origin: UInt64
    var revision: UInt16
    var state: State
    var isSimulated: Bool

    init(_ bar: hub_bar) {
        time = bar.head.ts_event
        open = bar.open
        high = bar.high
        low = bar.low
        close = bar.close
        volume = bar.volume
        notional = bar.notional
        openInterest = bar.open_interest
        count = bar.count
        // A forming bar has no `seq`: what it has taken in tells it from what it was before.
        origin = bar.head.seq != 0 ? bar.head.seq : bar.count ^ bar.close.bitPattern ^ bar.volume.bitPattern
        state = State(bar.state)
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
        volume = 0
        notional = .nan
        count = 0
        openInterest = .nan
        state = .filled
        revision = 0
    }

    init(_ bar: StoredBar) {
        time = bar.time
        open = bar.open
        high = bar.high
        low = bar.low
        close = bar.close
        volume = bar.volume
        notional = bar.notional
        openInterest = bar.openInterest
        count = bar.count
        origin = bar.seq
        state = State(bar.state)
        revision = bar.revision
        isSimulated = bar.isSimulated
    }

    /// Average price, to 6 decimals; NaN where nothing with a size was traded.
    var vwap: Double { BarText.volumeWeightedAverage(notional: notional, volume: volume) }

    var figures: BarFigures {
        BarFigures(
            time: time, open: open, high: high, low: low, close: close, volume: volume, vwap: vwap,
            openInterest: openInterest, count: count, state: state.rawValue, revision: revision,
            isSimulated: isSimulated)
    }
}

extension BarRow.State {
    /// - Parameter code: `HUB_BAR_CLOSED` …
    init(_ code: UInt8) {
        switch Int(code) {
        case HUB_BAR_FORMING: self = .forming
        case HUB_BAR_REVISED: self = .revised
        default: self = .closed
        }
    }
}

/// Puts smaller bars together to a larger one.
struct BarSum {
    private(set) var row: BarRow
    private var volume: ExactSum
    private var notional: ExactSum?

    init(_ first: BarRow) {
        row = first
        volume = ExactSum(first.volume)
        notional = first.notional.isFinite ? ExactSum(first.notional) : nil
    }

    /// Takes in the next smaller bar of the same larger one.
    mutating func append(_ next: BarRow) {
        row.high = max(row.high, next.high)
        row.low = min(row.low, next.low)
        row.close = next.close
        volume = volume + ExactSum(next.volume)
        row.volume = volume.value
        if let ours = notional, next.notional.isFinite {
            let sum = ours + ExactSum(next.notional)
            notional = sum
            row.notional = sum.value
        } else {
            notional = nil
            row.notional = .nan
        }
        row.count += next.count
        if next.openInterest.isFinite { row.openInterest = next.openInterest }
        if next.state == .forming {
            row.state = .forming
        } else if next.state == .revised, row.state == .closed {
            row.state = .revised
        }
        row.revision = max(row.revision, next.revision)
        row.origin = (row.origin &* 0x0000_0100_0000_01b3) ^ next.origin
        row.isSimulated = row.isSimulated || next.isSimulated
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
        var sum: BarSum?
        for bar in bars {
            // Bars of a day are told by the date, 00:00 UTC, which is a place in the calendar's day only by name.
            let start =
                smaller.isDateBased ? dateStart(bar.time, interval) : calendar.bucketStart(bar.time, interval)
            if sum?.row.time == start {
                sum?.append(bar)
            } else {
                if let sum { rows.append(sum.row) }
                var row = bar
                row.time = start
                sum = BarSum(row)
            }
        }
        if let sum { rows.append(sum.row) }
        return rows
    }

    /// First date of the week or month that a date is in, 00:00 UTC.
    private static func dateStart(_ date: Int64, _ interval: Interval) -> Int64 {
        TradingCalendar.always.bucketStart(date, interval)
    }
}
