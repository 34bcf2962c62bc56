import EventFormat
import HubFold
import HubJournal
import PluginABI

/// Brings the fold to the end of the journal after a start.
///
/// The process may have died between a record and what the fold derives from it. So while the journal is folded again,
/// what the fold derives is matched with what follows in the journal; what is missing at the end is returned, to be
/// journaled before anything else.
final class Recovery: DerivedOutput {
    /// Where the journal stands after recovery.
    struct Result {
        var last: UInt64
        var lastReceivedNanoseconds: Int64
        /// Derived records that were never written.
        var owed: [[UInt8]]
        /// The last record that tells where a round was, for the lockstep driver to go on behind.
        var lastInput: LastInput?
        var foldedRecords: UInt64
    }

    /// Head of such a record.
    struct LastInput {
        var kind: UInt8
        var flags: UInt16
        var stream: UInt32
        var what: UInt8

        /// `nil` for records that tell nothing. What providers emitted, the clock and values do; definitions stand before the
        /// record that needs them, and what a provider says about itself behind its unit.
        init?(_ record: UnsafePointer<hub_record>) {
            kind = record.pointee.kind
            flags = record.pointee.flags
            // What was fetched comes from outside of any round.
            if flags & UInt16(HUB_FLAG_FETCHED) != 0 { return nil }
            stream = record.pointee.stream
            what = 0
            if kind == UInt8(HUB_CONTROL) {
                what = UnsafeRawPointer(record).load(fromByteOffset: MemoryLayout<hub_record>.size, as: UInt8.self)
                guard [HUB_CONTROL_CLOCK, HUB_CONTROL_POSITION, HUB_CONTROL_END].contains(Int(what)) else { return nil }
                return
            }
            let isDerived = flags & UInt16(HUB_FLAG_DERIVED) != 0 && kind != UInt8(HUB_VALUE)
            if isDerived || kind > UInt8(HUB_CONTROL) || kind == UInt8(HUB_GAP) { return nil }
        }
    }

    /// An output for definitions alone, from which nothing follows.
    static var silent: any DerivedOutput { Recovery() }

    private var expected: [[UInt8]] = []
    private var next = 0

    /// Folds everything behind `checkpoint` (0 = from the start).
    static func run(journal: Journal, fold: Fold, after checkpoint: UInt64) -> Result {
        let recovery = Recovery()
        var result = Result(
            last: checkpoint, lastReceivedNanoseconds: fold.lastReceivedNanoseconds, owed: [], lastInput: nil,
            foldedRecords: 0)
        var reader = journal.reader(after: checkpoint)
        reading: while true {
            switch reader.next(maxBytes: 1 << 22) {
            case .records(let bytes, _, _):
                var offset = 0
                while offset < bytes.count {
                    let record = (bytes.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                    recovery.fold(record, into: fold, &result)
                    offset += Int(record.pointee.lines) * Int(HUB_LINE)
                }
            case .hole(_, let before):
                // Retention took what the checkpoint was followed by: the checkpoint is always newer, so this can only
                // be a folder that somebody cut by hand. What is left is folded.
                result.last = before - 1
            case .caughtUp:
                break reading
            }
        }
        result.owed = Array(recovery.expected[recovery.next...])
        if result.lastInput == nil { result.lastInput = place(in: journal, upTo: checkpoint) }
        return result
    }

    /// The last record up to a position that tells where a round was: what a checkpoint at the very end does not tell.
    private static func place(in journal: Journal, upTo last: UInt64) -> LastInput? {
        var span: UInt64 = 1024
        while last > 0 {
            let start = last > span ? last - span : 0
            var found: LastInput?
            let reader = journal.reader(after: start)
            reading: while reader.position < last {
                switch reader.next(maxBytes: 1 << 20) {
                case .records(let bytes, _, _):
                    var offset = 0
                    while offset < bytes.count {
                        let record = (bytes.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                        offset += Int(record.pointee.lines) * Int(HUB_LINE)
                        if record.pointee.seq <= last, let input = LastInput(record) { found = input }
                    }
                case .hole: continue
                case .caughtUp: break reading
                }
            }
            if found != nil || start == 0 { return found }
            span *= 8
        }
        return nil
    }

    private func fold(_ record: UnsafePointer<hub_record>, into fold: Fold, _ result: inout Result) {
        result.last = record.pointee.seq
        result.lastReceivedNanoseconds = max(result.lastReceivedNanoseconds, record.pointee.ts_recv)
        result.foldedRecords += 1
        let isDerived = record.pointee.flags & UInt16(HUB_FLAG_DERIVED) != 0 && record.pointee.kind != UInt8(HUB_VALUE)
        if isDerived {
            // Derived again just now; the one in the journal is the one that counts.
            if next < expected.count { next += 1 }
            if next == expected.count {
                expected.removeAll(keepingCapacity: true)
                next = 0
            }
            return
        }
        if let input = LastInput(record) { result.lastInput = input }
        fold.apply(record, self)
    }

    func append(lines: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
        var bytes = [UInt8](repeating: 0, count: lines * Int(HUB_LINE))
        bytes.withUnsafeMutableBytes { fill($0.baseAddress!) }
        expected.append(bytes)
    }
}
