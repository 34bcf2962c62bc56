internal import EventFormat
internal import HubModel

/// Reads the fields of one message and collects everything that is wrong with them.
struct MessageReader {
    private let tree: SettingsTree
    private let now: Int64
    private var known: [String] = ["op", "id"]
    private var faults: [(code: ProblemCode, fault: StreamError.Fault)] = []

    /// Reads the fields of a map.
    init(_ tree: SettingsTree, now: Int64) {
        self.tree = tree
        self.now = now
    }

    mutating func fault(_ code: ProblemCode, _ pointer: String, _ message: String) {
        faults.append((code, StreamError.Fault(pointer: pointer, message: message)))
    }

    /// The value of a field; `nil` if it is absent. `null` counts as absent.
    private mutating func field(_ name: String) -> SettingsTree? {
        known.append(name)
        guard let value = tree[name] else { return nil }
        if case .null = value { return nil }
        return value
    }

    mutating func id() -> OperationID? {
        switch field("id") {
        case nil: return nil
        case .integer(let number): return .integer(number)
        case .text(let text) where text.count <= OperationID.maximumCharacters: return .text(text)
        default:
            fault(
                .badMessage, "/id",
                "expected an integer or a text of at most \(OperationID.maximumCharacters) characters")
            return nil
        }
    }

    mutating func subscribe(_ id: OperationID?) -> SubscribeRequest {
        let symbols = texts("symbols")
        if symbols == nil && tree["symbols"] == nil {
            fault(.badMessage, "/symbols", "expected a list of symbols and globs")
        }
        let types = texts("types")
        let selector = types.map { readSelector($0) } ?? EventSelector.events
        var from: StreamStart?
        if let value = field("from") {
            do {
                from = try StreamStart.read(value, now: now)
            } catch {
                let code = error.code == .badParameter ? .badMessage : error.code
                fault(code, "/from\(error.pointer)", error.message)
            }
        }
        var request = SubscribeRequest(
            id: id, symbols: symbols ?? [], types: types, selector: selector, from: from, given: .init())
        options(&request)
        return request
    }

    mutating func unsubscribe(_ id: OperationID?) -> UnsubscribeRequest {
        UnsubscribeRequest(id: id, symbols: texts("symbols"), selector: texts("types").map { readSelector($0) })
    }

    /// Reads `speed` of a replay.
    mutating func speed() -> Double? {
        guard let value = field("speed") else { return nil }
        guard let speed = value.numberValue, speed >= 0 else {
            fault(.badMessage, "/speed", "expected a number from 0, found \(value.kindInWords)")
            return nil
        }
        return speed
    }

    private mutating func options(_ request: inout SubscribeRequest) {
        if let value = bool("snapshot") {
            request.given.snapshot = value
            request.givenNames.insert("snapshot")
        }
        if let value = field("on_slow") {
            let words = SubscribeRequest.SlowPolicy.allCases.map(\.rawValue) + ["conflate"]
            if let policy = value.textValue.flatMap(SubscribeRequest.SlowPolicy.init(rawValue:)) {
                request.given.onSlow = policy
                request.givenNames.insert("on_slow")
            } else if value.textValue == "conflate" {
                fault(.unsupported, "/on_slow", "this hub does not conflate; there are catch_up and disconnect")
            } else {
                fault(.badMessage, "/on_slow", "expected one of \(words.joined(separator: ", "))")
            }
        }
        if let words = texts("exclude") {
            request.givenNames.insert("exclude")
            for (index, word) in words.enumerated() {
                if let bit = Words.flag(named: word) {
                    request.given.excludedFlags |= bit
                    request.given.exclude.append(word)
                } else {
                    let flags = Words.flags.map(\.word).joined(separator: ", ")
                    fault(.badMessage, "/exclude/\(index)", "expected one of \(flags), simulated")
                }
            }
        }
        if bool("forming") == true {
            fault(.unsupported, "/forming", "this hub does not send forming bars on the stream; /v1/bars shows them")
        }
        if let value = field("every_ms"), value.integerValue.map({ $0 >= 250 }) != true {
            fault(.badMessage, "/every_ms", "expected a whole number from 250")
        }
        if field("to") != nil {
            fault(.unsupported, "/to", "this hub does not end a stream at a position; stop reading there")
        }
        if let speed = speed(), speed != 0 {
            fault(.unsupported, "/speed", "this hub replays as fast as possible only: 0")
        }
    }

    private mutating func bool(_ name: String) -> Bool? {
        guard let value = field(name) else { return nil }
        guard let flag = value.boolValue else {
            fault(.badMessage, "/\(name)", "expected true or false, found \(value.kindInWords)")
            return nil
        }
        return flag
    }

    /// A list of at least one text.
    private mutating func texts(_ name: String) -> [String]? {
        guard let value = field(name) else { return nil }
        guard let list = value.listValue else {
            fault(.badMessage, "/\(name)", "expected a list of texts, found \(value.kindInWords)")
            return nil
        }
        if list.isEmpty && name != "exclude" {
            fault(.badMessage, "/\(name)", "expected at least one")
        }
        var texts: [String] = []
        for (index, item) in list.enumerated() {
            if let text = item.textValue {
                texts.append(text)
            } else {
                fault(.badMessage, "/\(name)/\(index)", "expected a text, found \(item.kindInWords)")
            }
        }
        return texts
    }

    private mutating func readSelector(_ types: [String]) -> EventSelector {
        var selector = EventSelector()
        for (index, type) in types.enumerated() {
            if type == "summary" {
                fault(
                    .unsupported, "/types/\(index)",
                    "this hub does not send summaries on the stream; /v1/quotes has them")
                continue
            }
            do {
                try selector.add(type)
            } catch {
                fault(type.hasPrefix("bar:") ? .badInterval : .badMessage, "/types/\(index)", error.description)
            }
        }
        return selector
    }

    /// Throws what was noted, unknown fields among it. The code is that of the first fault.
    mutating func finish(op: String, id: OperationID?) throws(StreamError) {
        for (name, _) in tree.mapValue ?? [] where !known.contains(name) {
            let meant = NameDistance.nearest(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
            fault(.badMessage, "/\(pointerPart(name))", "\(op) has no such field\(meant)")
        }
        guard let first = faults.first else { return }
        // A message is as long as it likes; its answer names the first faults only.
        let told = faults.prefix(20).map(\.fault)
        throw StreamError(first.code, "\(first.fault.pointer): \(first.fault.message)", id: id, faults: Array(told))
    }

    private func pointerPart(_ name: String) -> String {
        String(name.prefix(64)).split(separator: "~", omittingEmptySubsequences: false).joined(separator: "~0")
            .split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~1")
    }
}
