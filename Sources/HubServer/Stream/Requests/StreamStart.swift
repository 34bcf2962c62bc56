internal import HubModel

/// Where delivery begins: `from` of a subscription, read but not yet looked up.
enum StreamStart: Hashable, Sendable {
    /// What comes from now on: the default.
    case live
    /// The oldest position that can still be read.
    case earliest
    /// After this position; `nil` for the epoch stands for the current one.
    case after(UInt64, epoch: String?)
    /// Before the first matching event, in `seq` order, whose time is at or after this: nanoseconds.
    case time(Int64)
    /// The newest matching events, so many of them.
    case last(Int)

    /// The most that `last` may ask for.
    static let maximumLast = 10_000
    /// Positions stay exact in a double.
    static let maximumSequence: Int64 = 1 << 53

    /// Reads a cursor, `EPOCH.SEQ`; `nil` if it is not one.
    static func cursor(_ text: String) -> StreamStart? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, isEpoch(parts[0]), let seq = sequence(parts[1]) else { return nil }
        return .after(seq, epoch: String(parts[0]))
    }

    /// Sixteen lower-case hexadecimal digits.
    static func isEpoch(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 16
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    /// Reads the text forms: `live`, `earliest`, `last:500`, `after:123`, a cursor, and every form of a time.
    ///
    /// - Parameter now: the hub's clock in nanoseconds.
    static func read(text: String, now: Int64) throws(StreamStartFault) -> StreamStart {
        switch text {
        case "live": return .live
        case "earliest": return .earliest
        default: break
        }
        if text.hasPrefix("last:") {
            guard let count = Int(text.dropFirst(5)), (1...maximumLast).contains(count) else {
                throw StreamStartFault(.badParameter, "expected last:1 to last:\(maximumLast), found '\(text)'")
            }
            return .last(count)
        }
        if text.hasPrefix("after:") {
            guard let seq = sequence(text.dropFirst(6)) else {
                throw StreamStartFault(.badCursor, "expected after:SEQ such as after:184000, found '\(text)'")
            }
            return .after(seq, epoch: nil)
        }
        if let cursor = cursor(text) { return cursor }
        do {
            return .time(try TimeParameter.parse(text, now: now))
        } catch {
            throw StreamStartFault(
                .badTime, "expected live, earliest, last:500, after:123, a cursor or a time; \(error)")
        }
    }

    private static func sequence(_ text: some StringProtocol) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let seq = UInt64(text), seq < UInt64(maximumSequence)
        else { return nil }
        return seq
    }
}

/// A `from` that cannot be read.
struct StreamStartFault: Error, Hashable, Sendable {
    var code: ProblemCode
    var message: String
    /// Where in a map, `/after`; empty for the whole.
    var pointer = ""

    init(_ code: ProblemCode, _ message: String, pointer: String = "") {
        self.code = code
        self.message = message
        self.pointer = pointer
    }
}
