/// What an indicator needs of a bar, one cache line. Saved as it lies in memory, so it has no padding.
struct BarInput: BitwiseCopyable, Sendable {
    /// Open of the bar, nanoseconds UTC: its identity within the series.
    var time: Int64
    /// `seq` of the bar's record.
    var cause: UInt64
    var revision: UInt64
    var high: Double
    var low: Double
    var close: Double
    var volume: Double
    /// Sum of price × size; NaN where it is not known.
    var notional: Double
}

/// The outputs of one indicator for one bar; all NaN until it is ready.
struct Computed: BitwiseCopyable, Sendable {
    var first: Double
    var second: Double
    var third: Double
    /// The warm-up is over.
    var isReady: Bool
    /// The start of history no longer shows.
    var isStable: Bool

    static let notReady = Computed(
        first: .nan, second: .nan, third: .nan, isReady: false, isStable: false)

    init(first: Double, second: Double, third: Double, isReady: Bool, isStable: Bool) {
        (self.first, self.second, self.third) = (first, second, third)
        (self.isReady, self.isStable) = (isReady, isStable)
    }

    init(_ first: Double, isStable: Bool) {
        self.init(first: first, second: .nan, third: .nan, isReady: true, isStable: isStable)
    }
}

/// One indicator as a recurrence: a small state that takes one bar after the other, each in constant time.
///
/// The state is a plain value of fixed size without padding, so that it can be copied (revisions, peeks) and saved as
/// it lies in memory. It holds nothing that depends on the parameters; those come with every step.
protocol Recurrence: BitwiseCopyable, Sendable {
    associatedtype Parameters: BitwiseCopyable & Sendable

    /// The state before the first bar.
    init()

    /// How many bars back the close that leaves the window lies; 0 for an indicator that has no window.
    static func lookback(_ parameters: Parameters) -> Int

    /// Takes a bar. `index` bars came before it; `leaving` is the close `lookback` bars before it, and means nothing
    /// while `index < lookback`.
    mutating func step(_ bar: BarInput, index: Int, leaving: Double, _ parameters: Parameters)
        -> Computed
}

extension Recurrence {
    static func lookback(_ parameters: Parameters) -> Int { 0 }
}
