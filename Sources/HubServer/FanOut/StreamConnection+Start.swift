import EventFormat
import NIOCore
import PluginABI

/// What the session wants done: where to begin, the state first, another filter, the end.
extension StreamConnection {
    /// Begins the conversation, with the subscription of the address if there is one.
    func open(_ request: SubscribeRequest?) {
        send(session.open(services.facts()))
        guard let request else { return }
        perform(session.subscribe(request, facts: services.facts(), catalogue: services.catalogue()))
    }

    /// Begins the conversation with a client that said everything in its request.
    func open(_ hello: [StreamObject], _ answer: StreamSession.Answer) {
        send(hello)
        perform(answer)
    }

    /// Takes a text message of the client.
    func receive(_ bytes: [UInt8]) {
        syncSession()
        perform(session.receive(bytes, facts: services.facts(), catalogue: services.catalogue()))
    }

    func receiveBinary() {
        syncSession()
        perform(session.receiveBinary(services.facts()))
    }

    func receiveTooLarge() {
        syncSession()
        perform(session.receiveTooLarge(services.facts()))
    }

    /// Sends what the session answered and does what it asks for.
    func perform(_ answer: StreamSession.Answer) {
        send(answer.objects)
        switch answer.step {
        case .none: break
        case .search(let goal): search(goal)
        case .snapshotThenBegin: snapshot { $0.beginWithSnapshot($1) }
        case .deliver(let hole):
            if session.options.snapshot {
                snapshot { connection, state in
                    connection.sendSnapshot(state)
                    connection.deliver(hole: hole)
                }
            } else {
                deliver(hole: hole)
            }
        case .replay(let command, let id): perform(command, id)
        case .filterChanged: changeFilter()
        case .close(let code): close(code)
        }
        endIfNothingFollows(answer)
    }

    /// A client that cannot say anything more has no use for a connection on which its only subscription failed.
    private func endIfNothingFollows(_ answer: StreamSession.Answer) {
        guard !framing.isTwoWay, session.phase == .waiting else { return }
        for case .error(let error) in answer.objects {
            return end(error.code, closeCode: 1011, message: "nothing is subscribed: \(error.message)")
        }
    }

    private func search(_ goal: StartSearch.Goal) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        services.search(goal, filter: session.filter, on: context.eventLoop) { result in
            let connection = bound.value
            guard !connection.isEnded else { return }
            switch result {
            case .success(let after):
                connection.perform(connection.session.begin(after: after, facts: connection.services.facts()))
            case .failure(let error):
                connection.services.logger.error("a start was not found", metadata: ["error": "\(error)"])
                connection.perform(connection.session.fail(StreamError(.internalFault, "history could not be read")))
            }
        }
    }

    /// The state and the position it is of.
    struct State {
        var records: [UInt8]
        var seq: UInt64
    }

    /// Takes the state off the loop and goes on once it is published: the fold is ahead of what anybody may see.
    private func snapshot(then: @escaping @Sendable (StreamConnection, State) -> Void) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        services.takeSnapshot(of: session.filter, on: context.eventLoop) { result in
            guard case .success(let state) = result else {
                bound.value.end(.internalFault, closeCode: 1011, message: "the state could not be read")
                return
            }
            bound.value.whenPublished(State(records: state.records, seq: state.seq), then)
        }
    }

    private func whenPublished(_ state: State, _ then: @escaping @Sendable (StreamConnection, State) -> Void) {
        guard !isEnded else { return }
        if services.log.head >= state.seq { return then(self, state) }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .microseconds(200)) { bound.value.whenPublished(state, then) }
    }

    private func beginWithSnapshot(_ state: State) {
        let answer = session.begin(after: state.seq, facts: services.facts())
        send(answer.objects)
        sendSnapshot(state)
        if case .deliver(let hole) = answer.step { deliver(hole: hole) }
    }

    /// Sends the state in as many messages as it needs.
    private func sendSnapshot(_ state: State) {
        guard !isEnded else { return }
        // Half of what a message may have: one event more never makes it too long.
        let most = FrameBuilder.limit / 2
        var encoder = EventEncoder(timeStyle: style)
        let definitions = services.definitions()
        var offset = 0
        repeat {
            var part = TextBuffer(capacity: 1 << 14)
            state.records.withUnsafeBytes { records in
                while offset < records.count, part.count < most, let base = records.baseAddress {
                    let record = (base + offset).assumingMemoryBound(to: hub_record.self)
                    offset += Int(record.pointee.lines) * Int(HUB_LINE)
                    encoder.encode(record, definitions: definitions, into: &part)
                }
            }
            let isLast = offset >= state.records.count
            let id = session.subscriptionID
            let bytes = part.array
            write(
                fanOut.message(framing) { message in
                    message.add(type: "snapshot") { text in
                        StreamObject.writeSnapshot(id: id, seq: state.seq, isLast: isLast, into: &text) { text in
                            bytes.withUnsafeBytes { text.append($0) }
                        }
                    }
                })
        } while offset < state.records.count && !isEnded
    }

    private func deliver(hole: StreamHole?) {
        guard !isEnded else { return }
        if let hole { send([.hole(hole)]) }
        clock = ReplayClock(speed: session.options.speed)
        begin(after: session.position, in: fanOut.group(groupKey))
    }

    /// What this connection has in common with those it shares messages with.
    var groupKey: GroupKey { GroupKey(filter: session.filter, style: style, framing: framing) }

    private func changeFilter() {
        guard session.isDelivering else { return }
        // Also with an empty filter: the position moves on, and a later subscription begins where the connection stands.
        walk = nil
        begin(after: position, in: fanOut.group(groupKey))
    }
}
