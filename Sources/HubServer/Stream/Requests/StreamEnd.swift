internal import HubModel

/// Where a bounded replay ends: `to` of a subscription, read but not yet looked up.
enum StreamEnd: Hashable, Sendable {
    /// At the journal's end, as it is when the subscription is answered.
    case now
    /// Before the first matching event whose time is at or after this: nanoseconds.
    case time(Int64)
    /// Behind this position.
    case seq(UInt64)

    /// Reads the text forms: `now`, `seq:123`, and every form of a time.
    ///
    /// - Parameter now: the hub's clock in nanoseconds.
    static func read(text: String, now: Int64) throws(StreamStartFault) -> StreamEnd {
        if text == "now" { return .now }
        if text.hasPrefix("seq:") {
            guard let seq = Int64(text.dropFirst(4)), (0..<StreamStart.maximumSequence).contains(seq) else {
                throw StreamStartFault(.badCursor, "expected seq:SEQ such as seq:184000, found '\(text)'")
            }
            return .seq(UInt64(seq))
        }
        do {
            return .time(try TimeParameter.parse(text, now: now))
        } catch {
            throw StreamStartFault(.badTime, "expected now, seq:123 or a time; \(error)")
        }
    }

    /// Reads `to` of a message: a text form, or a map with `time` or `seq`.
    static func read(_ tree: SettingsTree, now: Int64) throws(StreamStartFault) -> StreamEnd {
        if let text = tree.textValue { return try read(text: text, now: now) }
        guard let map = tree.mapValue else {
            throw StreamStartFault(.badMessage, "expected a text or a map, found \(tree.kindInWords)")
        }
        guard map.count == 1, let (name, value) = map.first, name == "time" || name == "seq" else {
            throw StreamStartFault(.badMessage, "expected one of time, seq")
        }
        if name == "time" { return .time(try StreamStart.nanoseconds(value, now: now)) }
        guard let seq = value.integerValue, (0..<StreamStart.maximumSequence).contains(seq) else {
            throw StreamStartFault(.badCursor, "expected a seq such as 184000", pointer: "/seq")
        }
        return .seq(UInt64(seq))
    }

    /// What is wrong with it as the end of what begins there, as far as the two alone tell.
    func fault(behind start: StreamStart?) -> String? {
        switch (start, self) {
        case (.after(let after, _), .seq(let seq)) where after > seq: "is before from"
        case (.time(let from), .time(let to)) where from > to: "is before from"
        default: nil
        }
    }
}

/// `pause`, `resume` and `speed`.
enum ReplayCommand: Hashable, Sendable {
    case pause
    case resume
    /// 0 = as fast as possible.
    case speed(Double)
}
