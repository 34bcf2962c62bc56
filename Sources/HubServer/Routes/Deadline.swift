/// When a request has had its time: long searches look at it now and then.
struct Deadline: Sendable {
    private let end: ContinuousClock.Instant

    init(after nanoseconds: Int64) {
        end = .now.advanced(by: .nanoseconds(nanoseconds))
    }

    var isOver: Bool { ContinuousClock.now >= end }

    func check() throws(Problem) {
        guard isOver else { return }
        throw Problem(.overloaded, "the request took longer than hub.limits.request_time; ask for a shorter range")
    }
}
