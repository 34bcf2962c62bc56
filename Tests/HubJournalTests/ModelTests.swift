import Testing

@testable import HubJournal

/// Random programs of all operations, compared with a model of a few numbers.
@Suite("Random programs against a model")
struct ModelTests {
    @Test("agree with it over restarts, kills and retention", arguments: UInt64(1)...12)
    func programs(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        var folder = TestFolder()
        var boot = 1
        let durability: JournalDurability = Bool.random(using: &generator) ? .process : .fsync
        func options() -> JournalOptions {
            var options = folder.options()
            options.durability = durability
            options.bootID = "boot-\(boot)"
            options.retentionBytes = 300 << 10
            options.preparesAhead = seed % 2 == 0
            return options
        }
        var journal = try Journal.open(options())
        var reader = journal.reader(after: 0)
        // The model: what is committed, where it begins, which epochs there were.
        var committed: UInt64 = 0
        var earliest: UInt64 = 1
        var epochs = 1
        var checkpoint: UInt64 = 0

        var program: [String] = []
        for step in 1...120 {
            let operation = Int.random(in: 0..<20, using: &generator)
            program.append("\(operation)")
            let at = "seed \(seed), \(durability), step \(step) of \(program.suffix(12).joined(separator: " "))"
            switch operation {
            case 0..<9:
                let count = Int.random(in: 1...300, using: &generator)
                try journal.append(count, publishEvery: Int.random(in: 1...50, using: &generator))
                committed += UInt64(count)
                if durability == .fsync { try journal.sync() }
            case 9: try journal.sync()
            case 10: try journal.seal()
            case 11:
                checkpoint = committed
                try journal.writeCheckpoint(seq: checkpoint, state: [UInt8(truncatingIfNeeded: checkpoint)])
            case 12, 13:
                if let removed = try journal.applyRetention(nowNanoseconds: 0, keepFrom: committed / 2) {
                    #expect(removed.lowerBound == earliest, "\(at)")
                    earliest = removed.upperBound + 1
                }
            case 14, 15:
                // What a reader got before stays in order, whatever happened to the files meanwhile.
                var seen = Seen()
                for _ in 1...5 where seen.take(reader.next(maxBytes: 3000)) {}
                #expect(seen.wrong == [], "\(at)")
            case 16, 17:
                let isClean = Bool.random(using: &generator)
                try journal.close(clean: isClean)
                if Bool.random(using: &generator) {
                    boot += 1
                    if !isClean && durability == .process { epochs += 1 }
                }
                journal = try Journal.open(options())
                reader = journal.reader(after: 0)
            default:
                // Killed: with a record begun, and perhaps the power gone, which here takes nothing with it.
                Sample.write(committed + 1, to: try journal.reserve(lines: 3), lines: 3)
                folder = folder.copy()
                if Bool.random(using: &generator) {
                    boot += 1
                    if durability == .process { epochs += 1 }
                }
                journal = try Journal.open(options())
                reader = journal.reader(after: 0)
            }
            #expect(journal.head == committed, "\(at)")
            #expect(journal.earliest.seq == earliest, "\(at)")
            #expect(journal.epochs.count == epochs, "\(at)")
            if checkpoint > 0 { #expect(journal.newestCheckpoint()?.seq == checkpoint, "\(at)") }
            if step % 10 == 0 {
                let from = UInt64.random(in: earliest - 1...committed, using: &generator)
                let seen = journal.readAll(after: from)
                #expect(seen.wrong == [] && seen.holes == [], "\(at)")
                #expect(seen.seqs == (from < committed ? Array(from + 1...committed) : []), "\(at)")
                #expect(try journal.verify().faults == [], "\(at)")
            }
        }
    }
}
