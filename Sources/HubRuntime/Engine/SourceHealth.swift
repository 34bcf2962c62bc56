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
    /// A median delay above this is `degraded`, and costs the source its place; 0 = never.
    let lateAfterNanoseconds: Int64
    /// Whether it is degraded because what it delivers is late.
    private(set) var isLate = false
    private var wasMarketOpen = false
    private var openSinceNanoseconds: Int64 = 0

    init(
        staleAfterNanoseconds: Int64, lateAfterNanoseconds: Int64 = 0, now: Int64, state: SourceState = .starting
    ) {
        self.staleAfterNanoseconds = staleAfterNanoseconds
        self.lateAfterNanoseconds = lateAfterNanoseconds
        self.state = state
        self.sinceNanoseconds = now
    }

    /// Whether it may serve a pipeline.
    var canServe: Bool { state.canServe && !isLate }

    /// What the plugin, or the host on its behalf, says.
    mutating func report(_ newState: SourceState, reason newReason: String, now: Int64) -> Change? {
        // A connection that is up is not in time for that.
        if isLate, newState == .ok { return nil }
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
        case .stale, .closed: return move(to: .ok, reason: "delivers again", now: now)
        case .starting: return move(to: .ok, reason: "delivers", now: now)
        default: return nil
        }
    }

    /// Time has passed. `isMarketOpen`: whether any instrument of the source should be trading.
    ///
    /// Silence is `stale` while a market is open and `closed` while none is.
    mutating func tick(now: Int64, isMarketOpen: Bool) -> Change? {
        if isMarketOpen, !wasMarketOpen { openSinceNanoseconds = now }
        wasMarketOpen = isMarketOpen
        if state == .closed, isMarketOpen { return move(to: .ok, reason: "a market is open", now: now) }
        if state == .stale, !isMarketOpen { return move(to: .closed, reason: "no market is open", now: now) }
        guard staleAfterNanoseconds > 0, state == .ok || state == .degraded else { return nil }
        // Before the market opened there was nothing to be heard.
        let quietSince = max(lastEventNanoseconds, sinceNanoseconds, isMarketOpen ? openSinceNanoseconds : 0)
        guard now - quietSince >= staleAfterNanoseconds else { return nil }
        guard isMarketOpen else {
            return state == .ok ? move(to: .closed, reason: "no market is open", now: now) : nil
        }
        return move(to: .stale, reason: "silent for \((now - quietSince) / 1_000_000) ms", now: now)
    }

    /// How late half of what came lately was.
    mutating func judge(medianNanoseconds median: Int64, now: Int64) -> Change? {
        guard lateAfterNanoseconds > 0 else { return nil }
        let isBehind = median > lateAfterNanoseconds
        if isLate, !isBehind {
            isLate = false
            return move(to: .ok, reason: "in time again: half of it within \(median / 1_000_000) ms", now: now)
        }
        guard !isLate, isBehind, state == .ok || state == .degraded else { return nil }
        let text =
            "late: half of what came lately took more than \(median / 1_000_000) ms, late_after is "
            + "\(lateAfterNanoseconds / 1_000_000) ms"
        defer { isLate = true }
        if state == .degraded {
            reason = text
            return nil
        }
        return move(to: .degraded, reason: text, now: now)
    }

    private mutating func move(to newState: SourceState, reason newReason: String, now: Int64) -> Change {
        let change = Change(state: newState, previous: state, reason: newReason)
        state = newState
        isLate = false
        reason = newReason.isEmpty ? nil : newReason
        sinceNanoseconds = now
        return change
    }
}
