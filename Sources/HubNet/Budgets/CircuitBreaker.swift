/// Stops asking a server that keeps failing: so many failures in a row open it for a time; then one request may try,
/// and its outcome closes it or opens it again.
///
/// Pure: times are monotonic nanoseconds that the caller gives. Belongs to one thread.
public struct CircuitBreaker: Sendable {
    public enum State: String, Sendable {
        /// Requests go.
        case closed
        /// None go.
        case open
        /// One is on its way to see whether the server works again.
        case probing
    }

    public enum Decision: Equatable, Sendable {
        case go
        /// Go, and the outcome decides.
        case probe
        /// Not before that time; `.max` while another request tries.
        case refuse(until: Int64)
    }

    public let failures: Int
    public let openNanoseconds: Int64
    public private(set) var state = State.closed
    private var inRow = 0
    private var openUntil: Int64 = 0

    /// - Parameters:
    ///   - failures: that many in a row open it; at least 1.
    ///   - openNanoseconds: for so long.
    public init(failures: Int = 5, openNanoseconds: Int64 = 30_000_000_000) {
        self.failures = max(failures, 1)
        self.openNanoseconds = openNanoseconds
    }

    /// Until when none would go, without asking for one; `nil` = one would.
    public func refusal(now: Int64) -> Int64? {
        switch state {
        case .closed: nil
        case .probing: .max
        case .open: now >= openUntil ? nil : openUntil
        }
    }

    /// Whether a request may go. Each `go` and `probe` is to be answered by `succeeded`, `failed` or `abandoned`.
    public mutating func ask(now: Int64) -> Decision {
        switch state {
        case .closed: return .go
        case .probing: return .refuse(until: .max)
        case .open:
            guard now >= openUntil else { return .refuse(until: openUntil) }
            state = .probing
            return .probe
        }
    }

    /// The server answered as a working one does. (Of a refusal of rights that is true, too.)
    ///
    /// - Parameter wasProbe: what `ask` said: a request that went before the breaker opened says nothing of now.
    public mutating func succeeded(wasProbe: Bool) {
        guard wasProbe || state == .closed else { return }
        inRow = 0
        state = .closed
    }

    /// It did not answer, or as a broken one does.
    public mutating func failed(wasProbe: Bool, now: Int64) {
        guard wasProbe || state == .closed else { return }
        inRow += 1
        if wasProbe || inRow >= failures {
            state = .open
            openUntil = now + openNanoseconds
        }
    }

    /// The request ended without saying anything of the server: cancelled, or never sent. The next one may probe.
    public mutating func abandoned(wasProbe: Bool, now: Int64) {
        guard wasProbe, state == .probing else { return }
        state = .open
        openUntil = now
    }
}
