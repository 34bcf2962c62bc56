/// What is known of one source's health: a value without I/O, fed with what happens and with the time.
///
/// All times are wall-clock nanoseconds. Every change is returned, to be journaled: the fold never looks at a clock.
struct SourceHealth: Sendable {
    /// A change of state.
    struct Change: Equatable, Sendable {
        var state: SourceState
        var previous: SourceState
        var reason: String
    }

    private(set) var state: SourceState
    private(set) var reason: String?
    private(set) var sinceNanoseconds: Int64
    private(set) var lastEventNanoseconds: Int64 = 0
    /// Silent that long while a market is open is `stale`; 0 = never (a recorded source has no clock of its own).
    let staleAfterNanoseconds: Int64

    init(staleAfterNanoseconds: Int64, now: Int64, state: SourceState = .starting) {
        self.staleAfterNanoseconds = staleAfterNanoseconds
        self.state = state
        self.sinceNanoseconds = now
    }

    /// What the plugin, or the host on its behalf, says.
    mutating func report(_ newState: SourceState, reason newReason: String, now: Int64) -> Change? {
        guard newState != state else {
            if !newReason.isEmpty { reason = newReason }
            return nil
        }
        return move(to: newState, reason: newReason, now: now)
    }

    /// Data arrived: a source that delivers is neither stale nor starting any more.
    mutating func delivered(at now: Int64) -> Change? {
        lastEventNanoseconds = now
        switch state {
        case .stale: return move(to: .ok, reason: "delivers again", now: now)
        case .starting: return move(to: .ok, reason: "delivers", now: now)
        default: return nil
        }
    }

    /// Time has passed. `isMarketOpen`: whether any instrument of the source should be trading.
    mutating func tick(now: Int64, isMarketOpen: Bool) -> Change? {
        guard staleAfterNanoseconds > 0, state == .ok || state == .degraded, isMarketOpen else { return nil }
        let quietSince = max(lastEventNanoseconds, sinceNanoseconds)
        guard now - quietSince >= staleAfterNanoseconds else { return nil }
        return move(to: .stale, reason: "silent for \((now - quietSince) / 1_000_000) ms", now: now)
    }

    private mutating func move(to newState: SourceState, reason newReason: String, now: Int64) -> Change {
        let change = Change(state: newState, previous: state, reason: newReason)
        state = newState
        reason = newReason.isEmpty ? nil : newReason
        sinceNanoseconds = now
        return change
    }
}
