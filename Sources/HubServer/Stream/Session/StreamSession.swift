internal import EventFormat
internal import HubModel

/// The conversation with one reader of the stream: `hello`, `subscribed`, events, `live` once, more events, `bye`.
///
/// A value without I/O: the owner hands in what the client wrote and what the journal says, sends the objects it gets
/// back in their order, reads the journal after `position` through `filter`, and tells how far it got.
struct StreamSession: Sendable {
    enum Phase: Hashable, Sendable {
        /// Connected; `hello` was not sent yet.
        case opening
        /// Without a subscription.
        case waiting
        /// The first subscription waits for its position.
        case resolving
        /// Events are being delivered; `live` was not sent yet.
        case catchingUp
        /// `live` was sent.
        case live
        /// `end` was sent: no more events come.
        case ended
        /// `bye` was sent: nothing more may be.
        case closed
    }

    /// What the owner must do, after sending the objects.
    enum Step: Hashable, Sendable {
        case none
        /// Find the position with `StartSearch` and the compiled filter of the plan, then call `begin`.
        case search(StartSearch.Goal)
        /// Take the fold's state, then call `begin` with the position it is of, and send the state as `snapshot`.
        case snapshotThenBegin
        /// Deliver events after `position`; `hole`, if any, is sent behind the snapshot, if that is asked for.
        case deliver(hole: StreamHole?)
        /// Pause, resume or set the speed of the replay, then send what `replayed` answers.
        case replay(ReplayCommand, OperationID?)
        /// The filter is another one from `position` on.
        case filterChanged
        /// Close with this WebSocket code, once everything is sent.
        case close(UInt16)
    }

    struct Answer: Hashable, Sendable {
        var objects: [StreamObject] = []
        var step = Step.none
    }

    /// So many unreadable messages in a row end the conversation.
    static let maximumUnreadable = 10
    /// So many messages over the budget in a row end it too.
    static let maximumRefused = 200

    let settings: StreamSettings
    private(set) var phase = Phase.opening
    /// What is wanted; while `resolving` it is what will be.
    private(set) var filter = SubscriptionFilter()
    private(set) var options = SubscribeRequest.Options()
    /// Every matching event up to here has been sent.
    private(set) var position: UInt64 = 0
    /// Event objects sent on this connection.
    private(set) var sent: UInt64 = 0
    /// Where a bounded replay ends.
    private(set) var bound: StreamBound?
    /// The first subscription's name for itself: `snapshot` carries it.
    private(set) var subscriptionID: OperationID?

    private var plan: SubscriptionPlan?
    private var valueWords: [String] = []
    private var lag = LagTracker()
    private var budget: OperationBudget
    private var unreadable = 0
    private var refused = 0

    init(settings: StreamSettings) {
        self.settings = settings
        budget = OperationBudget(perSecond: settings.limits.operationsPerSecond)
    }

    /// Whether events are being delivered.
    var isDelivering: Bool { phase == .catchingUp || phase == .live }

    /// Begins the conversation.
    mutating func open(_ facts: StreamFacts) -> [StreamObject] {
        phase = .waiting
        return [
            .hello(
                StreamObject.Hello(
                    version: settings.version, epoch: facts.epoch, head: facts.head, earliestSeq: facts.earliest.seq,
                    earliestNanoseconds: facts.earliest.nanoseconds, nanoseconds: facts.nowNanoseconds,
                    heartbeatMilliseconds: settings.heartbeatMilliseconds, durability: settings.durability,
                    encoding: settings.encoding, connection: settings.connection, limits: settings.limits))
        ]
    }

    // MARK: Messages of the client

    /// Takes a text message.
    mutating func receive(_ bytes: [UInt8], facts: StreamFacts, catalogue: some StreamCatalogue) -> Answer {
        guard phase != .closed else { return Answer() }
        guard bytes.count <= settings.limits.messageBytes else { return receiveTooLarge(facts) }
        let waitMilliseconds = budget.take(nowNanoseconds: facts.nowNanoseconds)
        guard waitMilliseconds == 0 else { return refuse(waitMilliseconds, facts) }
        refused = 0
        do {
            let operation = try StreamOperation.read(bytes, now: facts.nowNanoseconds)
            unreadable = 0
            return try perform(operation, facts, catalogue)
        } catch {
            // An op that is unknown or has a bad field was at least a message.
            let isUnreadable = error.code == .badMessage && error.faults.isEmpty
            return answer(error, isUnreadable: isUnreadable, facts)
        }
    }

    /// Takes a message that is no text.
    mutating func receiveBinary(_ facts: StreamFacts) -> Answer {
        guard phase != .closed else { return Answer() }
        return answer(
            StreamError(.badMessage, "expected a text message with a JSON object"), isUnreadable: true, facts)
    }

    /// Takes the news that a message was too large to be read at all.
    mutating func receiveTooLarge(_ facts: StreamFacts) -> Answer {
        close(
            .messageTooLarge, closeCode: 1009,
            message: "a message has at most \(settings.limits.messageBytes) bytes", facts: facts)
    }

    /// Takes the subscription of the address. It was read without faults; what it names may still be unknown.
    mutating func subscribe(
        _ request: SubscribeRequest, facts: StreamFacts, catalogue: some StreamCatalogue
    ) -> Answer {
        do {
            return try perform(.subscribe(request), facts, catalogue)
        } catch {
            return Answer(objects: [.error(error)])
        }
    }

    private mutating func answer(_ error: StreamError, isUnreadable: Bool, _ facts: StreamFacts) -> Answer {
        unreadable = isUnreadable ? unreadable + 1 : 0
        guard unreadable >= Self.maximumUnreadable else { return Answer(objects: [.error(error)]) }
        var end = close(
            .badMessage, closeCode: 4002, message: "\(unreadable) messages in a row could not be read", facts: facts)
        end.objects.insert(.error(error), at: 0)
        return end
    }

    private mutating func refuse(_ waitMilliseconds: Int64, _ facts: StreamFacts) -> Answer {
        refused += 1
        let limit = settings.limits.operationsPerSecond
        guard refused < Self.maximumRefused else {
            return close(
                .rateLimited, closeCode: 1008, message: "more than \(limit) operations a second", facts: facts)
        }
        var error = StreamError(.rateLimited, "at most \(limit) operations a second")
        error.retryAfterMilliseconds = waitMilliseconds
        return Answer(objects: [.error(error)])
    }

    private mutating func perform(
        _ operation: StreamOperation, _ facts: StreamFacts, _ catalogue: some StreamCatalogue
    ) throws(StreamError) -> Answer {
        switch operation {
        case .ping(let id):
            return Answer(objects: [.pong(id: id, nanoseconds: facts.nowNanoseconds)])
        case .list(let id):
            return Answer(objects: [
                .filter(
                    id: id, symbols: filter.symbols, types: filter.typeWords(values: valueWords),
                    count: filter.count(catalogue))
            ])
        case .replay(let id, let command):
            switch phase {
            case .resolving: throw busy(id)
            case .catchingUp, .ended: return Answer(step: .replay(command, id))
            default:
                throw StreamError(
                    .notReplaying, "nothing is being replayed: only events before `live` can be paused or paced",
                    id: id)
            }
        case .subscribe(let request):
            guard phase != .resolving else { throw busy(request.id) }
            guard phase != .ended else {
                throw StreamError(
                    .notReplaying, "this stream has come to its end; open another connection", id: request.id)
            }
            return isDelivering
                ? try widen(request, facts, catalogue) : try subscribeFirst(request, facts, catalogue)
        case .unsubscribe(let request):
            guard phase != .resolving else { throw busy(request.id) }
            return try narrow(request, facts, catalogue)
        }
    }

    private func busy(_ id: OperationID?) -> StreamError {
        StreamError(.notReady, "the first subscription is still being answered", id: id)
    }

    // MARK: Subscribing

    private mutating func subscribeFirst(
        _ request: SubscribeRequest, _ facts: StreamFacts, _ catalogue: some StreamCatalogue
    ) throws(StreamError) -> Answer {
        let plan = try checkedPlan(request, catalogue)
        let start = request.from ?? .live
        let resolution: StartResolution
        do {
            resolution = try StartResolution.resolve(start, facts: facts)
        } catch {
            var error = error
            error.id = request.id
            throw error
        }
        filter = SubscriptionFilter(
            patterns: plan.patterns, selector: request.selector, excludedFlags: request.given.excludedFlags)
        options = request.given
        subscriptionID = request.id
        remember(request)
        self.plan = plan
        phase = .resolving
        switch resolution {
        case .at(_, nil) where start == .live && options.snapshot: return Answer(step: .snapshotThenBegin)
        case .at(let after, let hole): return begin(after: after, hole: hole, facts: facts)
        case .search(let goal): return Answer(step: .search(goal))
        }
    }

    /// Answers the first subscription, once its position is known.
    mutating func begin(after: UInt64, hole: StreamHole? = nil, facts: StreamFacts) -> Answer {
        guard phase == .resolving, let plan else { return Answer() }
        self.plan = nil
        phase = .catchingUp
        position = after
        bound = options.end.map { StreamBound($0, after: after, facts: facts) }
        return Answer(objects: [subscribed(subscriptionID, plan, facts)], step: .deliver(hole: hole))
    }

    /// Answers the first subscription with an error found while its position was searched.
    mutating func fail(_ error: StreamError) -> Answer {
        guard phase == .resolving else { return Answer() }
        var error = error
        error.id = subscriptionID
        plan = nil
        phase = .waiting
        filter = SubscriptionFilter()
        return Answer(objects: [.error(error)])
    }

    private mutating func widen(
        _ request: SubscribeRequest, _ facts: StreamFacts, _ catalogue: some StreamCatalogue
    ) throws(StreamError) -> Answer {
        if request.from != nil {
            throw StreamError(
                .fromNotAllowed, "a position belongs to the first subscribe; open another connection", id: request.id,
                faults: [.init(pointer: "/from", message: "not allowed here")])
        }
        try checkOptions(request)
        let plan = try checkedPlan(request, catalogue)
        var wider = filter
        wider.include(plan.patterns, request.selector)
        try checkSize(wider, request.id)
        filter = wider
        remember(request)
        return Answer(objects: [subscribed(request.id, plan, facts)], step: .filterChanged)
    }

    /// What a connection has chosen once may be said again, but not changed.
    private func checkOptions(_ request: SubscribeRequest) throws(StreamError) {
        var changed: [String] = []
        if request.givenNames.contains("snapshot"), request.given.snapshot { changed.append("snapshot") }
        if request.givenNames.contains("on_slow"), request.given.onSlow != options.onSlow { changed.append("on_slow") }
        if request.givenNames.contains("exclude"), request.given.excludedFlags != options.excludedFlags {
            changed.append("exclude")
        }
        if request.givenNames.contains("to"), request.given.end != options.end { changed.append("to") }
        if request.givenNames.contains("speed"), request.given.speed != options.speed { changed.append("speed") }
        if request.givenNames.contains("forming"), request.given.forming != options.forming {
            changed.append("forming")
        }
        if request.givenNames.contains("every_ms"), request.given.everyMilliseconds != options.everyMilliseconds {
            changed.append("every_ms")
        }
        guard !changed.isEmpty else { return }
        throw StreamError(
            .badMessage, "\(changed.joined(separator: ", ")): chosen by the first subscribe; open another connection",
            id: request.id,
            faults: changed.map { .init(pointer: "/\($0)", message: "belongs to the first subscribe") })
    }

    private func checkedPlan(
        _ request: SubscribeRequest, _ catalogue: some StreamCatalogue
    ) throws(StreamError) -> SubscriptionPlan {
        guard request.symbols.count <= settings.limits.symbols else { throw tooMany(request.id) }
        let plan = try SubscriptionPlan(request, catalogue: catalogue)
        try checkSize(SubscriptionFilter(patterns: plan.patterns, selector: request.selector), request.id)
        return plan
    }

    private func checkSize(_ filter: SubscriptionFilter, _ id: OperationID?) throws(StreamError) {
        let globs = filter.entries.count { !$0.pattern.isExact }
        guard filter.entries.count <= settings.limits.symbols, globs <= settings.limits.globs else {
            throw tooMany(id)
        }
    }

    private func tooMany(_ id: OperationID?) -> StreamError {
        let limits = settings.limits
        return StreamError(
            .tooManySymbols, "a connection has at most \(limits.symbols) symbols, \(limits.globs) globs among them",
            id: id)
    }

    private mutating func narrow(
        _ request: UnsubscribeRequest, _ facts: StreamFacts, _ catalogue: some StreamCatalogue
    ) throws(StreamError) -> Answer {
        var patterns: [SymbolPattern]?
        if let symbols = request.symbols {
            guard symbols.count <= settings.limits.symbols else { throw tooMany(request.id) }
            patterns = []
            for (index, name) in symbols.enumerated() {
                patterns?.append(try pattern(name, "/symbols/\(index)", request.id, catalogue))
            }
        }
        var narrower = filter
        narrower.exclude(patterns, request.selector)
        try checkSize(narrower, request.id)
        let isChanged = narrower != filter
        filter = narrower
        let seq = safePosition(facts)
        return Answer(
            objects: [.unsubscribed(id: request.id, seq: seq)], step: isChanged ? .filterChanged : .none)
    }

    /// A symbol that is unknown by now may still be in the filter: only what cannot be one is an error.
    private func pattern(
        _ name: String, _ pointer: String, _ id: OperationID?, _ catalogue: some StreamCatalogue
    ) throws(StreamError) -> SymbolPattern {
        if !GlobOverlap.isGlob(name), case .found(let symbol) = catalogue.resolve(name) { return SymbolPattern(symbol) }
        do {
            return try SymbolPattern(name)
        } catch {
            throw StreamError(
                .badSymbol, "\(pointer): \(error.description)", id: id,
                faults: [.init(pointer: pointer, message: "expected a symbol or a glob")])
        }
    }

    private mutating func remember(_ request: SubscribeRequest) {
        for word in request.types ?? [] where word.hasPrefix("value:") && !valueWords.contains(word) {
            valueWords.append(word)
        }
    }

    private func subscribed(_ id: OperationID?, _ plan: SubscriptionPlan, _ facts: StreamFacts) -> StreamObject {
        .subscribed(
            StreamObject.Subscribed(
                id: id, after: position, cursor: facts.cursor(position), head: max(facts.head, position),
                count: plan.count, matched: plan.matched, notFound: plan.notFound, denied: plan.denied,
                pending: plan.pending))
    }

    // MARK: Delivery

    /// Notes that every matching event up to `seq` has been sent, `events` of them since the last time.
    mutating func advance(to seq: UInt64, events: UInt64) {
        position = max(position, seq)
        sent += events
    }

    /// Notes that nothing is left to read: sends `live`, the first time only.
    mutating func reachedHead(_ facts: StreamFacts) -> [StreamObject] {
        guard phase == .catchingUp else { return [] }
        phase = .live
        return [
            .live(seq: position, cursor: facts.cursor(position), nanoseconds: facts.nowNanoseconds)
        ]
    }

    /// Notes that a bounded replay has come to its end: `end`, and no more events.
    mutating func reachedEnd(at seq: UInt64, _ facts: StreamFacts) -> [StreamObject] {
        guard isDelivering else { return [] }
        position = max(position, seq)
        phase = .ended
        return [.end(seq: position, cursor: facts.cursor(position))]
    }

    /// The answer to an operation on the replay.
    ///
    /// - Parameters:
    ///   - isPaused: whether it rests now.
    ///   - nanoseconds: how far it is in time; `nil` where nothing was sent yet.
    func replayed(
        _ id: OperationID?, isPaused: Bool, speed: Double, nanoseconds: Int64?, facts: StreamFacts
    ) -> StreamObject {
        .replay(
            StreamObject.Replay(
                id: id, state: phase == .ended ? .ended : isPaused ? .paused : .playing, speed: speed, seq: position,
                nanoseconds: nanoseconds ?? facts.nowNanoseconds))
    }

    /// Takes how far the reader is behind after `live`.
    ///
    /// - Parameters:
    ///   - events: matching events not yet sent.
    ///   - milliseconds: age of the oldest of them.
    mutating func updateLag(events: UInt64, milliseconds: Int64, facts: StreamFacts) -> Answer {
        guard phase == .live, lag.update(events: events, milliseconds: milliseconds) else { return Answer() }
        let object = StreamObject.lag(
            StreamObject.Lag(
                seq: position, head: facts.head, behind: events, behindMilliseconds: events == 0 ? 0 : milliseconds,
                onSlow: options.onSlow))
        guard options.onSlow == .disconnect, events > 0 else { return Answer(objects: [object]) }
        var end = close(
            .slowClient, closeCode: 4000, message: "the client is \(events) events behind", facts: facts)
        end.objects.insert(object, at: 0)
        return end
    }

    /// The `heartbeat` of this moment.
    func heartbeat(_ sources: [StreamObject.Heartbeat.Source], facts: StreamFacts) -> [StreamObject] {
        guard phase != .closed, phase != .opening else { return [] }
        let position = safePosition(facts)
        return [
            .heartbeat(
                StreamObject.Heartbeat(
                    nanoseconds: facts.nowNanoseconds, head: facts.head, position: position,
                    cursor: facts.cursor(position), sent: sent, sources: sources))
        ]
    }

    /// Ends the conversation; nothing is sent after `bye`.
    mutating func close(
        _ code: ProblemCode, closeCode: UInt16, message: String, retryAfterMilliseconds: Int64? = nil,
        facts: StreamFacts
    ) -> Answer {
        guard phase != .closed else { return Answer() }
        let cursor = facts.cursor(safePosition(facts))
        phase = .closed
        return Answer(
            objects: [
                .bye(
                    StreamObject.Bye(
                        code: code, closeCode: closeCode, message: message,
                        retryAfterMilliseconds: retryAfterMilliseconds, cursor: cursor))
            ], step: .close(closeCode))
    }

    /// Without a subscription nothing matches, and the head is a position up to which everything was sent.
    private func safePosition(_ facts: StreamFacts) -> UInt64 {
        isDelivering || phase == .ended ? position : facts.head
    }
}
