import EventFormat
import HubFold
import PluginABI

/// A fold with a journal in memory: numbers what is admitted, applies it, and takes what follows.
final class FoldRun: DerivedOutput {
    var fold: Fold { didSet { fold.recall = recall } }
    private(set) var journal: [[UInt8]] = []
    private(set) var seq: UInt64 = 0
    private var derived: [[UInt8]] = []
    private let bars = BarMemory()
    private let recalls: Bool

    /// - Parameter recalls: whether bars that the fold forgot can be had back from the journal.
    init(_ plan: FoldPlan, recalls: Bool = true) {
        fold = Fold(plan: plan)
        self.recalls = recalls
        fold.recall = recall
    }

    init(_ fold: Fold, seq: UInt64) {
        self.fold = fold
        self.seq = seq
        recalls = false
    }

    private var recall: Recall? {
        guard recalls else { return nil }
        return { [bars] in bars.answer($0) }
    }

    private func remember(_ record: [UInt8]) {
        guard record[1] == UInt8(HUB_BAR) else { return }
        let bar = record.withUnsafeBytes { $0.loadUnaligned(as: hub_bar.self) }
        bars.add(bar, symbol: fold.definitions.stream(bar.head.stream)?.symbol ?? "")
    }

    /// What became of a record, the record as journaled, and the records it caused.
    struct Step {
        var admission: Admission
        var record: [UInt8]
        var derived: [[UInt8]]

        var head: hub_record { record.withUnsafeBytes { $0.loadUnaligned(as: hub_record.self) } }
        var bars: [hub_bar] { derived.map { $0.withUnsafeBytes { $0.loadUnaligned(as: hub_bar.self) } } }
    }

    @discardableResult
    func feed(_ bytes: [UInt8]) -> Step {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 64)
        defer { memory.deallocate() }
        bytes.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: bytes.count) }
        let record = memory.assumingMemoryBound(to: hub_record.self)
        let admission = fold.admit(record)
        derived = []
        if admission == .take {
            seq += 1
            record.pointee.seq = seq
            let numbered = Array(UnsafeRawBufferPointer(start: memory, count: bytes.count))
            journal.append(numbered)
            remember(numbered)
            fold.apply(record, self)
            return Step(admission: admission, record: numbered, derived: derived)
        }
        return Step(
            admission: admission, record: Array(UnsafeRawBufferPointer(start: memory, count: bytes.count)), derived: [])
    }

    @discardableResult
    func feed(_ records: [[UInt8]]) -> [Step] { records.map { feed($0) } }

    func append(lines: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
        var bytes = [UInt8](repeating: 0xaa, count: lines * 64)
        seq += 1
        let number = seq
        bytes.withUnsafeMutableBytes { raw in
            fill(raw.baseAddress.unsafelyUnwrapped)
            raw.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: hub_record.self).pointee.seq = number
        }
        derived.append(bytes)
        journal.append(bytes)
        remember(bytes)
    }
}

/// All bars of a journal with all their revisions, and what a fold asks about them.
final class BarMemory {
    private struct Key: Hashable {
        var symbol: String
        var interval: UInt32
    }

    /// Revisions of each bar by `seq`, and the starts in order.
    private var revisions: [Key: [Int64: [hub_bar]]] = [:]
    private var starts: [Key: [Int64]] = [:]

    func add(_ bar: hub_bar, symbol: String) {
        let key = Key(symbol: symbol, interval: bar.interval)
        let start = bar.head.ts_event
        if revisions[key, default: [:]][start, default: []].isEmpty {
            var known = starts[key] ?? []
            starts[key] = nil
            var place = known.count
            while place > 0, known[place - 1] > start { place -= 1 }
            known.insert(start, at: place)
            starts[key] = known
        }
        revisions[key, default: [:]][start, default: []].append(bar)
    }

    func answer(_ request: RecallRequest) -> [hub_bar] {
        let key = Key(symbol: request.symbol, interval: request.interval)
        var found: [hub_bar] = []
        let known = starts[key] ?? []
        var low = 0
        var high = known.count
        while low < high {
            let middle = (low + high) / 2
            if known[middle] < request.from { low = middle + 1 } else { high = middle }
        }
        for start in known[low...] where found.count < request.limit {
            guard let newest = revisions[key]?[start]?.last(where: { $0.head.seq < request.before }) else { continue }
            found.append(newest)
        }
        return found
    }
}
