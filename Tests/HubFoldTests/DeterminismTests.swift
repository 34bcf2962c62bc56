import EventFormat
import HubFold
import PluginABI
import Testing

@Suite struct DeterminismTests {
    private func records(seed: UInt64, _ count: Int) -> [[UInt8]] {
        print("seed \(seed)")
        var stream = RandomStream(seed: seed)
        return (0..<count).map { _ in stream.next() }
    }

    @Test("the same records give the same journal and the same state, byte for byte", arguments: [1, 2, 3] as [UInt64])
    func twice(seed: UInt64) {
        let input = records(seed: seed, 10_000)
        let one = FoldRun(RandomStream.plan)
        let two = FoldRun(RandomStream.plan)
        one.feed(input)
        two.feed(input)
        #expect(one.journal == two.journal)
        #expect(one.fold.save() == two.fold.save())
        // The stream would prove nothing if it did not reach what it is meant to reach.
        let counters = one.fold.counters
        #expect(counters.barsClosed > 500)
        #expect(counters.barsRevised > 50)
        #expect(counters.late > 50)
        #expect(counters.suspect > 0)
        #expect(counters.standby > 100)
        #expect(counters.rejected > 0)
        #expect(counters.lateWithoutRevision > 0)
        #expect(counters.correctionsUnknown > 0)
    }

    @Test("a fold that is saved and restored on the way goes on as if it had not been", arguments: [1, 7, 97, 1000])
    func restored(every: Int) throws {
        for seed in [11, 12, 13] as [UInt64] {
            let input = records(seed: seed, every == 1 ? 600 : 4000)
            let whole = FoldRun(RandomStream.plan)
            let parts = FoldRun(RandomStream.plan)
            for (index, record) in input.enumerated() {
                let step = whole.feed(record)
                if index % every == 0 {
                    let saved = parts.fold.save()
                    parts.fold = try Fold(plan: RandomStream.plan, restoring: saved)
                    let again = parts.fold.save()
                    if again != saved {
                        let place = zip(again, saved).enumerated().first { $0.element.0 != $0.element.1 }?.offset
                        Issue.record("restored, the state differs at byte \(place ?? -1) after record \(index)")
                        return
                    }
                }
                let other = parts.feed(record)
                guard step.record == other.record, step.derived == other.derived else {
                    Issue.record("record \(index) of seed \(seed) differs after a restoration")
                    return
                }
            }
            let isSame = whole.fold.save() == parts.fold.save()
            #expect(isSame)
            #expect(whole.fold.openGaps == parts.fold.openGaps)
        }
    }

    @Test("folding the journal again, derived records and all, comes to the same state and the same derived records")
    func again() {
        for seed in [21, 22] as [UInt64] {
            let first = FoldRun(RandomStream.plan)
            first.feed(records(seed: seed, 4000))
            let recovery = Recovery(journal: first.journal)
            let fold = Fold(plan: RandomStream.plan)
            // The whole journal is there to be asked; only what is behind each record may count.
            fold.recall = first.fold.recall
            recovery.run(fold)
            #expect(recovery.mismatches == 0)
            #expect(fold.save() == first.fold.save())
        }
    }

    /// Runs a journal through a fold; what the fold makes must be what follows in the journal.
    private final class Recovery: DerivedOutput {
        let journal: [[UInt8]]
        var at = 0
        var mismatches = 0

        init(journal: [[UInt8]]) { self.journal = journal }

        func run(_ fold: Fold) {
            while at < journal.count {
                let record = journal[at]
                at += 1
                let memory = UnsafeMutableRawPointer.allocate(byteCount: record.count, alignment: 64)
                defer { memory.deallocate() }
                record.withUnsafeBytes {
                    memory.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: record.count)
                }
                fold.apply(UnsafePointer(memory.assumingMemoryBound(to: hub_record.self)), self)
            }
        }

        func append(lines: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
            var bytes = [UInt8](repeating: 0, count: lines * 64)
            bytes.withUnsafeMutableBytes { fill($0.baseAddress.unsafelyUnwrapped) }
            let expected = at < journal.count ? journal[at] : []
            // All but the sequence number, which the journal gives.
            if bytes.count != expected.count || bytes[..<24] != expected[..<24] || bytes[32...] != expected[32...] {
                mismatches += 1
            }
            at += 1
        }
    }

    @Test("a state that was cut, changed or written by another version is refused")
    func damaged() {
        let run = FoldRun(RandomStream.plan)
        run.feed(records(seed: 31, 500))
        let saved = run.fold.save()
        #expect(throws: FoldStateError.notAFold) { try Fold(plan: RandomStream.plan, restoring: []) }
        #expect(throws: FoldStateError.notAFold) {
            try Fold(plan: RandomStream.plan, restoring: [UInt8](repeating: 7, count: 100))
        }
        var newer = saved
        newer[4] = 99
        #expect(throws: FoldStateError.version(found: 99, expected: 3)) {
            try Fold(plan: RandomStream.plan, restoring: newer)
        }
        for cut in stride(from: 16, to: saved.count, by: 331) {
            #expect(throws: FoldStateError.self) {
                try Fold(plan: RandomStream.plan, restoring: Array(saved[..<cut]))
            }
        }
        for place in stride(from: 8, to: saved.count, by: 97) {
            var changed = saved
            changed[place] ^= 0x10
            #expect(throws: FoldStateError.self) { try Fold(plan: RandomStream.plan, restoring: changed) }
        }
    }

    @Test("a state restored under another plan keeps what the plan still has")
    func otherPlan() throws {
        let run = FoldRun(RandomStream.plan)
        run.feed(records(seed: 41, 3000))
        var plan = RandomStream.plan
        plan.sources.reverse()
        plan.pipelines.reverse()
        for index in plan.pipelines.indices where plan.pipelines[index].name == "us" {
            plan.pipelines[index].bars = [.m1, .h4]
        }
        let fold = try Fold(plan: plan, restoring: run.fold.save())
        #expect(fold.symbols == run.fold.symbols)
        #expect(fold.activeSource(ofPipeline: "us") == run.fold.activeSource(ofPipeline: "us"))
        #expect(fold.source("live")?.taken == run.fold.source("live")?.taken)
        #expect(fold.lastValue(of: "ARCA:SPY")?.trade?.price == run.fold.lastValue(of: "ARCA:SPY")?.trade?.price)
        #expect(fold.formingBar(of: "ARCA:SPY", interval: 1) == nil)
        let later = FoldRun(fold, seq: run.seq)
        var stream = RandomStream(seed: 42)
        for _ in 0..<1000 { later.feed(stream.next()) }
        #expect(later.fold.counters.barsClosed > run.fold.counters.barsClosed)
    }
}
