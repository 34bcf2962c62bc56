import PluginKit

/// From where the simulator goes on: everything that is not a pure function of the settings.
struct SimulatorPosition: Equatable {
    /// What the schedule adds to every time, in ns.
    var base: Int64
    /// The next event.
    var event: UInt64
    /// Whole minutes of history that are done.
    var historyMinutes: UInt32
    /// Second the first run began: where prices are those of the settings, and history ends.
    var startSecond: UInt32
    /// History comes next, before any event that may be due.
    var historyIsNext: Bool

    init(base: Int64, event: UInt64, historyMinutes: UInt32, startSecond: UInt32, historyIsNext: Bool) {
        self.base = base
        self.event = event
        self.historyMinutes = historyMinutes
        self.startSecond = startSecond
        self.historyIsNext = historyIsNext
    }

    init(_ position: Position) {
        base = Int64(bitPattern: position.first)
        event = position.second & ~(1 << 63)
        historyIsNext = position.second >> 63 == 1
        historyMinutes = UInt32(truncatingIfNeeded: position.third >> 32)
        startSecond = UInt32(truncatingIfNeeded: position.third)
    }

    var packed: Position {
        Position(
            UInt64(bitPattern: base), event | (historyIsNext ? 1 << 63 : 0),
            UInt64(historyMinutes) << 32 | UInt64(startSecond))
    }
}
