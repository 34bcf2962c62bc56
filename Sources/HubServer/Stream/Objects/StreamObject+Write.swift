internal import EventFormat

extension StreamObject {
    /// The version of the protocol.
    static let apiVersion = 1

    /// Appends the object, with a comma if a value stands in front of it.
    func write(into buffer: inout TextBuffer, style: TimeStyle) {
        buffer.beginObject()
        buffer.member("type", type)
        switch self {
        case .hello(let hello): hello.write(into: &buffer, style: style)
        case .subscribed(let subscribed): subscribed.write(into: &buffer)
        case .unsubscribed(let id, let seq):
            buffer.member(id: id)
            buffer.member("seq", seq)
        case .filter(let id, let symbols, let types, let count):
            buffer.member(id: id)
            buffer.member("symbols", symbols)
            buffer.member("types", types)
            buffer.member("count", count)
        case .pong(let id, let nanoseconds):
            buffer.member(id: id)
            buffer.member("time", time: nanoseconds, style: style)
        case .hole(let hole):
            buffer.member("after", hole.after)
            buffer.member("before", hole.before)
            buffer.member("reason", hole.reason.rawValue)
            if !hole.types.isEmpty { buffer.member("types", hole.types) }
        case .live(let seq, let cursor, let nanoseconds):
            buffer.member("seq", seq)
            buffer.member("cursor", cursor)
            buffer.member("time", time: nanoseconds, style: style)
        case .end(let seq, let cursor):
            buffer.member("seq", seq)
            buffer.member("cursor", cursor)
        case .replay(let replay):
            buffer.member(id: replay.id)
            buffer.member("state", replay.state.rawValue)
            buffer.member("speed", replay.speed)
            buffer.member("seq", replay.seq)
            buffer.member("time", time: replay.nanoseconds, style: style)
        case .lag(let lag): lag.write(into: &buffer)
        case .conflated(let conflated): conflated.write(into: &buffer)
        case .heartbeat(let heartbeat): heartbeat.write(into: &buffer, style: style)
        case .error(let error): error.write(into: &buffer)
        case .bye(let bye): bye.write(into: &buffer)
        }
        buffer.endObject()
    }

    /// Appends a `snapshot`, or a part of one: state as events, written by `data` one after the other.
    ///
    /// - Parameters:
    ///   - seq: the position whose state this is.
    ///   - isLast: whether no more parts follow.
    static func writeSnapshot(
        id: OperationID?, seq: UInt64, isLast: Bool, into buffer: inout TextBuffer, data: (inout TextBuffer) -> Void
    ) {
        buffer.beginObject()
        buffer.member("type", "snapshot")
        buffer.member(id: id)
        buffer.member("seq", seq)
        buffer.member("last", isLast)
        buffer.key("data")
        buffer.beginArray()
        data(&buffer)
        buffer.endArray()
        buffer.endObject()
    }
}

extension StreamObject.Hello {
    fileprivate func write(into buffer: inout TextBuffer, style: TimeStyle) {
        buffer.member("api", StreamObject.apiVersion)
        buffer.member("version", version)
        buffer.member("epoch", epoch)
        buffer.member("head", head)
        buffer.key("earliest")
        buffer.beginObject()
        buffer.member("seq", earliestSeq)
        buffer.member("time", time: earliestNanoseconds, style: style)
        buffer.endObject()
        buffer.member("time", time: nanoseconds, style: style)
        buffer.member("heartbeat_ms", heartbeatMilliseconds)
        buffer.member("durability", durability)
        buffer.member("encoding", encoding)
        buffer.member("connection", connection)
        buffer.key("limits")
        buffer.beginObject()
        buffer.member("symbols", limits.symbols)
        buffer.member("message_bytes", limits.messageBytes)
        buffer.member("ops_per_second", limits.operationsPerSecond)
        buffer.member("batch_bytes", limits.batchBytes)
        buffer.endObject()
    }
}

extension StreamObject.Subscribed {
    fileprivate func write(into buffer: inout TextBuffer) {
        buffer.member(id: id)
        buffer.member("after", after)
        buffer.member("cursor", cursor)
        buffer.member("head", head)
        buffer.member("count", count)
        buffer.key("matched")
        buffer.beginArray()
        for item in matched {
            buffer.beginObject()
            buffer.member("symbol", item.symbol)
            buffer.member("types", item.types)
            buffer.endObject()
        }
        buffer.endArray()
        buffer.member("not_found", notFound)
        buffer.member("denied", denied)
        buffer.member("pending", pending)
    }
}

extension StreamObject.Lag {
    fileprivate func write(into buffer: inout TextBuffer) {
        buffer.member("seq", seq)
        buffer.member("head", head)
        buffer.member("behind", behind)
        buffer.member("behind_ms", behindMilliseconds)
        buffer.member("on_slow", onSlow.rawValue)
    }
}

extension StreamObject.Conflated {
    fileprivate func write(into buffer: inout TextBuffer) {
        buffer.member("first_seq", firstSeq)
        buffer.member("last_seq", lastSeq)
        buffer.member("dropped", dropped)
        buffer.key("items")
        buffer.beginArray()
        for item in items {
            buffer.beginObject()
            buffer.member("symbol", item.symbol)
            buffer.member("type", item.type)
            buffer.member("dropped", item.dropped)
            buffer.member("first_seq", item.firstSeq)
            buffer.member("last_seq", item.lastSeq)
            buffer.member("kept_seq", item.keptSeq)
            buffer.endObject()
        }
        buffer.endArray()
    }
}

extension StreamObject.Heartbeat {
    fileprivate func write(into buffer: inout TextBuffer, style: TimeStyle) {
        buffer.member("time", time: nanoseconds, style: style)
        buffer.member("head", head)
        buffer.member("position", position)
        buffer.member("cursor", cursor)
        buffer.member("sent", sent)
        buffer.key("sources")
        buffer.beginObject()
        for source in sources {
            buffer.key(text: source.name)
            buffer.beginObject()
            buffer.member("state", source.state)
            buffer.member("age_ms", ifPresent: source.ageMilliseconds)
            buffer.endObject()
        }
        buffer.endObject()
    }
}

extension StreamError {
    fileprivate func write(into buffer: inout TextBuffer) {
        buffer.member(id: id)
        buffer.member("code", code.rawValue)
        buffer.member("message", message)
        buffer.member("retry", code.retry)
        buffer.member("retry_after_ms", ifPresent: retryAfterMilliseconds)
        if !faults.isEmpty {
            buffer.key("errors")
            buffer.beginArray()
            for fault in faults {
                buffer.beginObject()
                buffer.member("pointer", fault.pointer)
                buffer.member("message", fault.message)
                buffer.endObject()
            }
            buffer.endArray()
        }
        if !candidates.isEmpty { buffer.member("candidates", candidates) }
    }
}

extension StreamObject.Bye {
    fileprivate func write(into buffer: inout TextBuffer) {
        buffer.member("code", code.rawValue)
        buffer.member("close_code", Int(closeCode))
        buffer.member("message", message)
        buffer.member("retry", code.retry)
        buffer.member("retry_after_ms", ifPresent: retryAfterMilliseconds)
        buffer.member("cursor", cursor)
    }
}
