import HubFold
import HubModel
import HubRuntime
import PluginABI

/// An instrument of which views are wanted.
struct ViewWish: Sendable {
    var symbol: String
    var summary = false
    var bars = false
    var values = false
}

/// What views are made of, at one moment each.
struct ViewReading: Sendable {
    struct State: Sendable {
        var symbol: String
        /// The last position that is in it.
        var asOf: UInt64
        var bars: [hub_bar] = []
        var value: LastValue?
        /// Whether the source of the newest input is delivering.
        var isDelivering = true
    }

    var states: [State] = []
    /// `hub_value` records, one behind the other.
    var values: [UInt8] = []
    /// Nothing of it is newer than this position.
    var asOf: UInt64 = 0
}

/// Reads what views are made of from a running hub.
struct ViewReader: Sendable {
    /// So many instruments are looked at before the sequencer gets its turn.
    private static let atOnce = 64

    let engine: any EngineAccess
    /// Intervals that some pipeline makes bars of, in seconds.
    private let intervals: [UInt32]

    init(_ engine: any EngineAccess) {
        self.engine = engine
        intervals = Set(engine.configuration.pipelines.flatMap(\.bars).map(\.rawValue)).sorted()
    }

    /// Waits for indicators: not for an event loop.
    func read(_ wishes: [ViewWish]) -> ViewReading {
        var reading = ViewReading()
        let valued = wishes.filter(\.values).map(\.symbol)
        // First the values: the positions told afterwards are those of the fold, which has seen what they were made of.
        if !valued.isEmpty { reading.values = engine.formingValues(of: valued) }
        reading.states.reserveCapacity(wishes.count)
        for start in stride(from: 0, to: wishes.count, by: Self.atOnce) {
            let part = wishes[start..<min(start + Self.atOnce, wishes.count)]
            let (states, seq) = engine.withFold { fold, seq in (part.map { state($0, fold, seq) }, seq) }
            reading.states += states
            reading.asOf = seq
        }
        return reading
    }

    private func state(_ wish: ViewWish, _ fold: Fold, _ seq: UInt64) -> ViewReading.State {
        var state = ViewReading.State(symbol: wish.symbol, asOf: seq)
        if wish.bars { state.bars = intervals.compactMap { fold.formingBar(of: wish.symbol, interval: $0) } }
        if wish.summary, let value = fold.lastValue(of: wish.symbol) {
            state.value = value
            state.isDelivering = SourceHealth.isDelivering(value.source, fold)
        }
        return state
    }
}

/// Whether what a source said last still holds.
enum SourceHealth {
    /// A shut market or a recording that has ended is no fault.
    static func isDelivering(_ source: String, _ fold: Fold) -> Bool {
        switch Int(fold.source(source)?.state ?? 0) {
        case HUB_STATE_NONE, HUB_STATE_OK, HUB_STATE_DEGRADED, HUB_STATE_CLOSED: true
        default: false
        }
    }
}
