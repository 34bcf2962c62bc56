internal import HubModel

/// A message of a client.
enum StreamOperation: Hashable, Sendable {
    case subscribe(SubscribeRequest)
    case unsubscribe(UnsubscribeRequest)
    case list(OperationID?)
    case ping(OperationID?)
    /// `pause`, `resume`, `speed`: of a replay.
    case replay(OperationID?, ReplayCommand)

    /// The largest message a client may send.
    static let maximumBytes = 65_536

    private static let names = ["subscribe", "unsubscribe", "list", "ping", "pause", "resume", "speed"]

    /// Reads one message: one JSON object with `op`.
    ///
    /// - Parameter now: the hub's clock in nanoseconds, for times given as distances.
    /// - Throws: the error to answer with. All that is wrong with the fields is in it, not just the first.
    static func read(_ bytes: [UInt8], now: Int64) throws(StreamError) -> StreamOperation {
        guard bytes.count <= maximumBytes else {
            throw StreamError(
                .messageTooLarge, "a message has at most \(maximumBytes) bytes, this one has \(bytes.count)")
        }
        let tree: SettingsTree
        do {
            tree = try SettingsTree(json: bytes)
        } catch {
            throw StreamError(.badMessage, "expected a JSON object with \"op\"; \(error)")
        }
        guard tree.mapValue != nil else {
            throw StreamError(.badMessage, "expected a JSON object with \"op\", found \(tree.kindInWords)")
        }
        var reader = MessageReader(tree, now: now)
        let id = reader.id()
        guard let op = tree["op"]?.textValue else {
            throw StreamError(
                .badMessage, "expected \"op\" with one of \(names.joined(separator: ", "))", id: id,
                faults: [.init(pointer: "/op", message: "expected a text")])
        }
        let operation: StreamOperation
        switch op {
        case "subscribe": operation = .subscribe(reader.subscribe(id))
        case "unsubscribe": operation = .unsubscribe(reader.unsubscribe(id))
        case "list": operation = .list(id)
        case "ping": operation = .ping(id)
        case "pause": operation = .replay(id, .pause)
        case "resume": operation = .replay(id, .resume)
        case "speed": operation = .replay(id, .speed(reader.speed(isRequired: true) ?? 0))
        default:
            let nearest = NameDistance.nearest(to: op, among: names)
            throw StreamError(
                .unknownOp, "there is no op '\(op.prefix(64))'; there are \(names.joined(separator: ", "))", id: id,
                faults: [.init(pointer: "/op", message: "unknown")], candidates: nearest.map { [$0] } ?? [])
        }
        try reader.finish(op: op, id: id)
        return operation
    }
}
