/// When the events of a paced replay are due: as far apart as they were received, divided by the speed.
///
/// Deadlines are counted from one anchor, not from event to event, so that nothing adds up however late a timer is. Two
/// clocks meet here: the one events were received by (nanoseconds since the Unix epoch) and the machine's uptime.
struct ReplayClock: Hashable, Sendable {
    /// 0 = as fast as possible.
    private(set) var speed: Double
    private(set) var isPaused = false
    /// The replay stood at `received` when the uptime was `uptime`.
    private var anchor: Anchor?
    /// The newest event that was sent.
    private var sent: Int64?

    private struct Anchor: Hashable, Sendable {
        var received: Int64
        var uptime: UInt64
    }

    init(speed: Double) {
        self.speed = speed
    }

    /// Whether events may have to wait.
    var isPaced: Bool { speed > 0 }

    /// The uptime at which an event is to be sent; `nil` = now.
    mutating func due(received: Int64, uptime: UInt64) -> UInt64? {
        guard isPaced else { return nil }
        guard let anchor else {
            // The first one sets the pace.
            self.anchor = Anchor(received: received, uptime: uptime)
            return nil
        }
        guard received > anchor.received else { return nil }
        let wait = min(Double(received - anchor.received) / speed, 1e18)
        let deadline = anchor.uptime + UInt64(wait)
        return deadline > uptime ? deadline : nil
    }

    /// Notes that events up to one received then were sent.
    mutating func note(received: Int64) { sent = max(sent ?? .min, received) }

    /// How far the replay is in time; `nil` before the first event.
    func time(uptime: UInt64) -> Int64? {
        guard isPaced, !isPaused, let anchor else { return isPaced ? anchor?.received ?? sent : sent }
        let passed = Double(uptime >= anchor.uptime ? uptime - anchor.uptime : 0) * speed
        return passed < 9e18 ? anchor.received.addingReportingOverflow(Int64(passed)).partialValue : sent
    }

    mutating func pause(uptime: UInt64) {
        guard !isPaused else { return }
        setAnchor(uptime)
        isPaused = true
    }

    mutating func resume(uptime: UInt64) {
        guard isPaused else { return }
        isPaused = false
        anchor?.uptime = uptime
    }

    mutating func set(speed: Double, uptime: UInt64) {
        setAnchor(uptime)
        self.speed = speed
    }

    /// Goes on counting from here.
    private mutating func setAnchor(_ uptime: UInt64) {
        anchor = time(uptime: uptime).map { Anchor(received: $0, uptime: uptime) }
    }
}
