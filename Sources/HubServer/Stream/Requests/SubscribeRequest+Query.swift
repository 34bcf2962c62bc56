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
        if let word = reader.choice("on_slow", SlowPolicy.allCases.map(\.rawValue)) {
            given.onSlow = SlowPolicy(rawValue: word) ?? .catchUp
            givenNames.insert("on_slow")
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
        if let value = reader.flag("forming") {
            given.forming = value
            givenNames.insert("forming")
        }
        if let value = reader.integer("every_ms", in: Options.leastEveryMilliseconds...3_600_000) {
            given.everyMilliseconds = value
            givenNames.insert("every_ms")
        }
        if let text = reader.text("to") {
            do {
                given.end = try StreamEnd.read(text: text, now: reader.now)
                givenNames.insert("to")
            } catch {
                reader.fault(error.code, "to", error.message)
            }
        }
        if let text = reader.text("speed") {
            if let speed = Double(text), speed.isFinite, speed >= 0 {
                given.speed = speed
                givenNames.insert("speed")
            } else {
                reader.fault(.badParameter, "speed", "expected a number from 0, found '\(text)'")
            }
        }
        if let end = given.end, let reason = end.fault(behind: from) { reader.fault(.badRange, "to", reason) }
    }
}
