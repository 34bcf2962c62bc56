internal import EventFormat
internal import HubModel

extension SubscribeRequest {
    /// Reads the short form of a subscription from the parameters of an address: `?symbols=NSE:*&types=trade&from=-1h`.
    ///
    /// Faults go into the reader; `finish` of it throws them as a problem, so that nothing is upgraded. The caller
    /// reads `ts`, `encoding` and what else is its own.
    /// - Parameter lastEventID: of a reader of server-sent events that comes back; it wins over `from` and `cursor`.
    /// - Returns: `nil` if there is no `symbols`: a connection that will subscribe later.
    static func read(_ reader: inout ParameterReader, lastEventID: String? = nil) -> SubscribeRequest? {
        let symbols = reader.list("symbols")
        let types = reader.list("types")
        let selector = reader.selector("types") ?? .events
        if selector.wantsSummary {
            reader.fault(.badParameter, "types", "this hub does not send summaries on the stream")
        }
        let from = start(&reader, lastEventID: lastEventID)
        var request = SubscribeRequest(
            id: nil, symbols: symbols ?? [], types: types, selector: selector, from: from, given: .init())
        request.readOptions(&reader)
        guard let symbols else {
            if types != nil || from != nil || !request.givenNames.isEmpty {
                reader.fault(.badParameter, "symbols", "is missing: the other parameters are of a subscription")
            }
            return nil
        }
        if symbols.isEmpty { reader.fault(.badParameter, "symbols", "expected at least one symbol or glob") }
        return request
    }

    private static func start(_ reader: inout ParameterReader, lastEventID: String?) -> StreamStart? {
        let now = reader.now
        let from = reader.text("from")
        let cursor = reader.text("cursor")
        if let lastEventID, !lastEventID.isEmpty {
            guard let start = StreamStart.cursor(lastEventID) else {
                reader.fault(.badCursor, "Last-Event-ID", "expected EPOCH.SEQ, found '\(lastEventID)'")
                return nil
            }
            return start
        }
        if let cursor {
            if from != nil { reader.fault(.badParameter, "cursor", "does not go together with from") }
            guard let start = StreamStart.cursor(cursor) else {
                reader.fault(
                    .badCursor, "cursor", "expected EPOCH.SEQ such as 7c1f9a02d4e8b310.184000, found '\(cursor)'")
                return nil
            }
            return start
        }
        guard let from else { return nil }
        do {
            return try StreamStart.read(text: from, now: now)
        } catch {
            reader.fault(error.code, "from", error.message)
            return nil
        }
    }

    private mutating func readOptions(_ reader: inout ParameterReader) {
        if let value = reader.flag("snapshot") {
            given.snapshot = value
            givenNames.insert("snapshot")
        }
        if let word = reader.choice("on_slow", ["catch_up", "conflate", "disconnect"]) {
            if let policy = SlowPolicy(rawValue: word) {
                given.onSlow = policy
                givenNames.insert("on_slow")
            } else {
                reader.fault(.badParameter, "on_slow", "this hub does not conflate; there are catch_up and disconnect")
            }
        }
        if let words = reader.list("exclude") {
            givenNames.insert("exclude")
            for word in words {
                if let bit = Words.flag(named: word) {
                    given.excludedFlags |= bit
                    given.exclude.append(word)
                } else {
                    let flags = Words.flags.map(\.word).joined(separator: ", ")
                    reader.fault(.badParameter, "exclude", "expected some of \(flags), simulated, found '\(word)'")
                }
            }
        }
        if reader.flag("forming") == true {
            reader.fault(.badParameter, "forming", "this hub does not send forming bars on the stream")
        }
        _ = reader.integer("every_ms", in: 250...3_600_000)
        if reader.text("to") != nil {
            reader.fault(.badParameter, "to", "this hub does not end a stream at a position")
        }
        if let speed = reader.text("speed"), speed != "0" {
            reader.fault(.badParameter, "speed", "this hub replays as fast as possible only: 0")
        }
    }
}
