import EventFormat
import NIOCore

/// A connection that is too slow and asked for `conflate`.
///
/// Once it was told that it lags it reads alone, and plans before it reads: of the range between its position and that of
/// the fan-out a plan names the events that are left out, the client is told, and the rest is sent. What is kept meanwhile
/// is the plan, which grows with the number of instruments and not with the length of the range. When it stands where the
/// fan-out stands it joins its group again.
extension StreamConnection {
    /// How far the reading of a slow client is.
    enum Conflation {
        /// It is not slow, or did not ask for it.
        case none
        /// The range ahead has to be looked at first.
        case due
        /// That is being done on another thread.
        case planning
        /// Reads with a plan.
        case reading(ConflationPlan)

        var plan: ConflationPlan? {
            if case .reading(let plan) = self { plan } else { nil }
        }
    }

    /// So many positions are looked at at once, on the loop.
    private static let shortRange: UInt64 = 4096

    /// Reads on by plans from here, until it has caught up.
    func beginConflation() {
        guard session.options.onSlow == .conflate, case .none = conflation else { return }
        conflation = .due
        detach()
        fanOut.enqueue(self)
    }

    /// Whether a plan is needed before anything is read; begins to make it.
    func needsPlan(_ group: Group) -> Bool {
        switch conflation {
        case .none, .reading: return false
        case .planning: return true
        case .due: break
        }
        let after = ownPosition
        let through = min(fanOut.position, lastPosition, after + ConflationPlan.mostPositions)
        guard after < through else { return false }
        let conflator = Conflator(services: services, filter: group.filter.compiled)
        if through - after <= Self.shortRange, let plan = conflator.planAtOnce(after: after, through: through) {
            follow(plan)
            return false
        }
        conflation = .planning
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        services.pool.runIfActive(eventLoop: context.eventLoop) { try conflator.plan(after: after, through: through) }
            .whenComplete { bound.value.take($0) }
        return true
    }

    private func take(_ result: Result<ConflationPlan, any Error>) {
        guard case .reading = feed, case .planning = conflation else { return }
        switch result {
        case .failure(let error):
            services.logger.error("a range could not be conflated", metadata: ["error": "\(error)"])
            end(.internalFault, closeCode: 1011, message: "history could not be read", retryAfterMilliseconds: 1000)
        case .success(let plan):
            conflation = .due
            // The filter changes the position never, and a plan knows which filter it is of.
            if plan.after == ownPosition { follow(plan) }
            fanOut.enqueue(self)
        }
    }

    private func follow(_ plan: ConflationPlan) {
        conflation = .reading(plan)
        for object in plan.objects { send([object]) }
        skip(plan.dropped)
    }

    /// Notes how far it came; answers whether a plan has come to its end before the fan-out's position.
    func planIsDone(at seq: UInt64) -> Bool {
        guard let plan = conflation.plan, seq >= plan.through else { return false }
        conflation = .due
        // The records behind the range are read again, with a plan.
        reader = nil
        return true
    }
}
