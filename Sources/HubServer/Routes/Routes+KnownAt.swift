import HubJournal
import HubModel

/// `as_of`: what was known at a cursor.
extension Routes {
    /// A cursor as it was written, not yet judged.
    struct KnownAt: Sendable {
        var seq: UInt64
        var epoch: String?
    }

    /// A state that can be shown.
    struct KnownState: Sendable {
        var seq: UInt64
        /// What the cursor covers and the journal has lost since.
        var holes: [StreamHole]
    }

    /// Reads `as_of`: a cursor `EPOCH.SEQ`, or its parts as a map.
    func asOf(_ reader: inout ParameterReader) -> KnownAt? {
        guard let text = reader.text("as_of") else { return nil }
        var start = StreamStart.cursor(text)
        if start == nil, text.hasPrefix("{"), let tree = try? SettingsTree(json: text), tree["after"] != nil {
            start = try? StreamStart.read(tree, now: 0)
        }
        guard case .after(let seq, let epoch) = start else {
            reader.fault(
                .badCursor, "as_of",
                "expected a cursor EPOCH.SEQ such as 7c1f9a02d4e8b310.184000, as in meta.as_of, found '\(text)'")
            return nil
        }
        return KnownAt(seq: seq, epoch: epoch)
    }

    /// - Throws: `cursor_ahead`, `epoch_unknown`.
    func known(_ cursor: KnownAt) throws(Problem) -> KnownState {
        let journal = engine.journal
        switch journal.judge(epoch: cursor.epoch, after: cursor.seq) {
        case .valid: return KnownState(seq: cursor.seq, holes: [])
        case .lost(let last):
            return KnownState(seq: last, holes: [StreamHole(after: last, before: last + 1, reason: .lost)])
        case .ahead(let head):
            var problem = Problem(
                .cursorAhead, "position \(cursor.seq) is beyond the head, \(head); take as_of from a meta.as_of",
                faults: [.init("as_of", "is beyond the head, \(head)")])
            problem.head = head
            throw problem
        case .unknownEpoch:
            var problem = Problem(
                .epochUnknown,
                "there is no epoch \(cursor.epoch ?? "") in this journal; take as_of from a meta.as_of of this hub",
                faults: [.init("as_of", "is of a journal that is not this one")])
            problem.head = journal.head
            throw problem
        }
    }
}
