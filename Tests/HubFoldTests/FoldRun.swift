import EventFormat
import HubFold
import PluginABI

/// A fold with a journal in memory: numbers what is admitted, applies it, and takes what follows.
final class FoldRun: DerivedOutput {
    var fold: Fold
    private(set) var journal: [[UInt8]] = []
    private(set) var seq: UInt64 = 0
    private var derived: [[UInt8]] = []

    init(_ plan: FoldPlan) { fold = Fold(plan: plan) }

    init(_ fold: Fold, seq: UInt64) {
        self.fold = fold
        self.seq = seq
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
    }
}
