import EventFormat
import HubChunks
import HubJournal
import KillScript
import PluginABI

@testable import HubStore

/// A data folder that a killed process left, held against what the script must have written there.
struct LeftFolder {
    private let process: KilledProcess
    private var progress: Progress { process.progress }

    init(_ process: KilledProcess) { self.process = process }

    /// What is wrong with it; nothing, if all promises hold.
    func faults() -> [String] {
        let mayEnd =
            process.signal == 9 || process.status == 0 && process.signal == 0 && progress[.isDone] == 1
        guard mayEnd else { return ["it ended by itself, status \(process.status), signal \(process.signal)"] }
        do {
            return try look()
        } catch {
            return ["\(error)"]
        }
    }

    private func look() throws -> [String] {
        var wrong: [String] = []
        let journal = try KillScript.open(process.data)
        let published = progress[.published]
        if journal.head < published { wrong.append("published to \(published), there to \(journal.head)") }
        if published > 0 {
            let epoch = String(progress[.epoch], radix: 16)
            let padded = String(repeating: "0", count: 16 - epoch.count) + epoch
            if journal.judge(epoch: padded, after: published) != .valid {
                wrong.append("cursors are not good any more")
            }
        }
        if progress[.checkpoint] > 0 {
            let checkpoint = journal.newestCheckpoint()
            if checkpoint?.seq ?? 0 < progress[.checkpoint] { wrong.append("the checkpoint is lost") }
            if let state = checkpoint?.state, state.count != 900 || Set(state).count != 1 {
                wrong.append("the checkpoint is damaged")
            }
        }
        for fault in try journal.verify().faults { wrong.append("journal: \(fault)") }
        let store = try Store.open(folder: process.data)
        try store.reconcile(with: journal)
        if try store.sinkCursor(KillScript.sink) ?? 0 < progress[.sink] { wrong.append("the sink's cursor is lost") }
        wrong += try compare(journal, store, "as it was left")

        try store.follow(journal)
        wrong += try compareBars(store, through: journal.head)
        try KillScript.append(ScriptedRecords.perDay, to: journal)
        try journal.seal()
        try store.follow(journal)
        try store.compactAll(journal)
        if store.compactedTo != journal.head { wrong.append("compaction ends at \(store.compactedTo)") }
        let now = ScriptedRecords.received(journal.head)
        try store.retain(KillScript.retention, now: now)
        progress[.retained] = UInt64(now)
        wrong += try compare(journal, store, "after it went on")
        wrong += try compareBars(store, through: journal.head)
        try store.close()
        try journal.close(clean: true)
        return wrong
    }

    /// Everything that a reader gets from the beginning on: out of the store what was compacted, the rest from the journal.
    private func compare(_ journal: Journal, _ store: Store, _ at: String) throws -> [String] {
        var wrong: [String] = []
        let compacted = store.compactedTo
        if compacted + 1 < journal.earliest.seq {
            wrong.append(
                "\(at): between store (\(compacted)) and journal (\(journal.earliest.seq)) something is missing")
        }
        let read = try store.readAll(after: 0, through: compacted, JournalFilter(), maxBytes: 1 << 20)
        var found = read.records
        let reader = journal.reader(after: compacted)
        reading: while true {
            switch reader.next() {
            case .records(let bytes, _, _): found += split(Array(bytes))
            case .hole(let after, let before): wrong.append("\(at): the journal has a hole, \(after) to \(before)")
            case .caughtUp: break reading
            }
        }
        var next = 0
        let now = Int64(ScriptedRecords.received(journal.head))
        for seq in 1...max(1, journal.head) where seq <= journal.head {
            let expected = ScriptedRecords.record(seq)
            if next < found.count, found[next] == expected {
                next += 1
                continue
            }
            let kind = expected[1]
            if !mayBeGone(expected, now: now) { wrong.append("\(at): \(seq) of kind \(kind) is lost") }
            if !read.holes.contains(where: { $0.after < seq && $0.before > seq && $0.kinds.contains(kind) }) {
                wrong.append("\(at): nothing tells that \(seq) of kind \(kind) is missing")
            }
        }
        if next < found.count {
            wrong.append("\(at): \(Model.head(of: found[next]).seq) is there twice, changed, or out of its place")
        }
        if read.order != read.order.sorted() { wrong.append("\(at): holes come out of their place") }
        return wrong
    }

    private func mayBeGone(_ record: [UInt8], now: Int64) -> Bool {
        let head = Model.head(of: record)
        let age: Int64
        switch StorePart.of(head.kind) {
        case .books: age = KillScript.retention.ages.books
        case .ticks: age = KillScript.retention.ages.ticks
        case .kept: return false
        }
        return head.ts_recv < min(now, Int64(progress[.retained])) - age
    }

    /// The newest revision of each bar, now and as it was known in the middle.
    private func compareBars(_ store: Store, through head: UInt64) throws -> [String] {
        var wrong: [String] = []
        for asOf in [head, head / 2] where asOf > 0 {
            var newest: [String: [Int64: UInt64]] = [:]
            for seq in 1...asOf {
                let record = ScriptedRecords.record(seq)
                let head = Model.head(of: record)
                guard Int(head.kind) == HUB_BAR else { continue }
                newest[ScriptedRecords.symbols[Int(head.stream) - 1], default: [:]][head.ts_event] = seq
            }
            for symbol in ScriptedRecords.symbols {
                let expected = (newest[symbol] ?? [:]).sorted { $0.key < $1.key }.map {
                    ScriptedRecords.record($0.value)
                }
                let bars = try store.bars(
                    symbol: symbol, interval: 60, SeriesRange(through: asOf, limit: 100_000))
                if bars.map({ bar in withUnsafeBytes(of: bar) { Array($0) } }) != expected {
                    wrong.append(
                        "bars of \(symbol) as of \(asOf) are others: \(bars.count) instead of \(expected.count)")
                }
            }
        }
        return wrong
    }
}
