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

    /// Reads `speed` of a replay; where it must be, its absence is a fault.
    mutating func speed(isRequired: Bool = false) -> Double? {
        guard let value = field("speed") else {
            if isRequired { fault(.badMessage, "/speed", "expected a number from 0") }
            return nil
        }
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
            let words = SubscribeRequest.SlowPolicy.allCases.map(\.rawValue)
            if let policy = value.textValue.flatMap(SubscribeRequest.SlowPolicy.init(rawValue:)) {
                request.given.onSlow = policy
                request.givenNames.insert("on_slow")
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
        if let value = bool("forming") {
            request.given.forming = value
            request.givenNames.insert("forming")
        }
        if let value = field("every_ms") {
            let least = SubscribeRequest.Options.leastEveryMilliseconds
            if let number = value.integerValue, (Int64(least)...3_600_000).contains(number) {
                request.given.everyMilliseconds = Int(number)
                request.givenNames.insert("every_ms")
            } else {
                fault(.badMessage, "/every_ms", "expected a whole number from \(least) to 3600000")
            }
        }
        if let value = field("to") {
            do {
                request.given.end = try StreamEnd.read(value, now: now)
                request.givenNames.insert("to")
            } catch {
                let code = error.code == .badParameter ? .badMessage : error.code
                fault(code, "/to\(error.pointer)", error.message)
            }
        }
        if let speed = speed() {
            request.given.speed = speed
            request.givenNames.insert("speed")
        }
        if let end = request.given.end, let reason = end.fault(behind: request.from) {
            fault(.badRange, "/to", reason)
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
