internal import HubModel

extension StreamStart {
    /// Reads `from` of a message: a text form, or a map with one of `cursor`, `after` (with `epoch`), `time`, `last`.
    static func read(_ tree: SettingsTree, now: Int64) throws(StreamStartFault) -> StreamStart {
        if let text = tree.textValue { return try read(text: text, now: now) }
        guard let map = tree.mapValue else {
            throw StreamStartFault(.badMessage, "expected a text or a map, found \(tree.kindInWords)")
        }
        let names = map.map(\.0)
        guard let kind = names.first(where: { ["cursor", "after", "time", "last"].contains($0) }) else {
            throw StreamStartFault(.badMessage, "expected one of cursor, after, time, last")
        }
        if let other = names.first(where: { $0 != kind && !(kind == "after" && $0 == "epoch") }) {
            throw StreamStartFault(.badMessage, "does not go together with \(kind)", pointer: "/\(other)")
        }
        switch kind {
        case "cursor": return try cursor(tree["cursor"])
        case "after": return try after(tree)
        case "time": return .time(try nanoseconds(tree["time"], now: now))
        default:
            guard let count = tree["last"]?.integerValue, (1...Int64(maximumLast)).contains(count) else {
                throw StreamStartFault(
                    .badMessage, "expected a whole number from 1 to \(maximumLast)", pointer: "/last")
            }
            return .last(Int(count))
        }
    }

    private static func cursor(_ tree: SettingsTree?) throws(StreamStartFault) -> StreamStart {
        // Wherever a cursor is taken, its parts are taken too.
        if let tree, tree.mapValue != nil { return try after(tree, pointer: "/cursor") }
        guard let text = tree?.textValue, let start = cursor(text) else {
            throw StreamStartFault(
                .badCursor, "expected EPOCH.SEQ such as 7c1f9a02d4e8b310.184000", pointer: "/cursor")
        }
        return start
    }

    private static func after(_ tree: SettingsTree, pointer: String = "") throws(StreamStartFault) -> StreamStart {
        guard let seq = tree["after"]?.integerValue, (0..<maximumSequence).contains(seq) else {
            throw StreamStartFault(.badCursor, "expected a seq such as 184000", pointer: "\(pointer)/after")
        }
        guard let epoch = tree["epoch"] else { return .after(UInt64(seq), epoch: nil) }
        guard let text = epoch.textValue, isEpoch(text) else {
            throw StreamStartFault(.badCursor, "expected sixteen hexadecimal digits", pointer: "\(pointer)/epoch")
        }
        return .after(UInt64(seq), epoch: text)
    }

    /// Reads `time` of a map.
    static func nanoseconds(_ tree: SettingsTree?, now: Int64) throws(StreamStartFault) -> Int64 {
        let text: String
        switch tree {
        case .text(let value): text = value
        // Only whole numbers are times; a fraction would be seconds.
        case .integer(let value) where value >= 0: text = String(value)
        default:
            throw StreamStartFault(
                .badTime, "expected microseconds since 1970 or a text such as 2025-01-06T14:30:00Z or -1h",
                pointer: "/time")
        }
        do {
            return try TimeParameter.parse(text, now: now)
        } catch {
            throw StreamStartFault(.badTime, error.description, pointer: "/time")
        }
    }
}
