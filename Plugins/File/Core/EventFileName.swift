/// Names of the files: `events-00000000000000184467.ndjson`, by the first event in it, so that they sort in the order
/// of the journal.
///
/// While a file is written its name ends in `.part`; finished and packed, in `.gz`. A second file that begins with the
/// same event, of another journal, is `events-00000000000000184467-2.ndjson`.
struct EventFileName: Hashable, Sendable {
    enum State: String, CaseIterable, Sendable {
        case current = ".part"
        case finished = ""
        case packed = ".gz"
        /// Being packed; of no use after a restart.
        case packing = ".gz.part"
    }

    var firstSeq: UInt64
    /// 1, or counted up where the name was taken.
    var copy = 1
    var state = State.current

    var text: String {
        let digits = String(firstSeq)
        let padded = String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits
        return "events-\(padded)\(copy > 1 ? "-\(copy)" : "").ndjson\(state.rawValue)"
    }

    init(firstSeq: UInt64, copy: Int = 1, state: State = .current) {
        self.firstSeq = firstSeq
        self.copy = copy
        self.state = state
    }

    /// Reads a name; nil for one that is not of this form, whose file is not ours to touch.
    init?(_ text: String) {
        for state in State.allCases where text.hasSuffix(".ndjson\(state.rawValue)") {
            let stem = text.dropLast(".ndjson\(state.rawValue)".count)
            let parts = stem.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2 || parts.count == 3, parts[0] == "events", parts[1].utf8.count == 20,
                let firstSeq = UInt64(parts[1]), let copy = parts.count == 3 ? Int(parts[2]) : 1
            else { return nil }
            self.init(firstSeq: firstSeq, copy: copy, state: state)
            guard self.text == text else { return nil }
            return
        }
        return nil
    }

    func with(_ state: State) -> EventFileName {
        EventFileName(firstSeq: firstSeq, copy: copy, state: state)
    }
}
