import Testing

@testable import HubJournal

/// A scripted run is stopped at each of its file operations in turn, and the folder is opened again.
@Suite("Stopping at every file operation")
struct CrashTests {
    struct Outcome {
        var published: UInt64 = 0
        var epoch = ""
        var checkpoint: UInt64 = 0
        var removed: UInt64 = 0
        var isFinished = false
    }

    /// Everything that touches files: opening, rolling, sealing, syncing, checkpoints, retention, closing.
    private func script(_ options: JournalOptions, _ outcome: inout Outcome) throws {
        let journal = try Journal.open(options)
        outcome.epoch = journal.epoch
        for round in UInt64(1)...6 {
            do {
                try journal.append(400, publishEvery: 7)
                try journal.sync()
            } catch {
                journal.publish()
                outcome.published = max(outcome.published, journal.head)
                throw error
            }
            outcome.published = journal.head
            if round % 2 == 0 {
                try journal.writeCheckpoint(seq: journal.head - 50, state: [UInt8(round)])
                outcome.checkpoint = journal.head - 50
            }
            if round == 5 {
                if let range = try journal.applyRetention(nowNanoseconds: 0, keepFrom: .max) {
                    outcome.removed = range.upperBound
                }
            }
        }
        try journal.seal()
        try journal.append(10)
        outcome.published = journal.head
        try journal.sync()
        outcome.published = journal.head
        try journal.close(clean: true)
        outcome.isFinished = true
    }

    private func options(_ folder: TestFolder, _ durability: JournalDurability, ahead: Bool) -> JournalOptions {
        var options = folder.options()
        options.durability = durability
        options.preparesAhead = ahead
        options.retentionBytes = 200 << 10
        return options
    }

    @Test(
        "leaves a dense journal in which nothing published is lost",
        arguments: [(JournalDurability.process, false), (.fsync, false), (.process, true)])
    func everyOperation(durability: JournalDurability, ahead: Bool) throws {
        let whole = TestFolder()
        let counting = FaultyFiles()
        var options = options(whole, durability, ahead: ahead)
        options.files = counting
        var outcome = Outcome()
        try script(options, &outcome)
        #expect(outcome.isFinished && outcome.published == 2410)
        let operations = counting.count
        #expect(operations > 80)

        for stop in 1...operations {
            let folder = TestFolder()
            let files = FaultyFiles(stopsAt: stop)
            var options = self.options(folder, durability, ahead: ahead)
            options.files = files
            var outcome = Outcome()
            try? script(options, &outcome)
            let at = "operation \(stop) of \(operations): \(files.log.dropFirst(stop - 1).first ?? "")"

            // With the same boot, as after `kill -9`.
            let again = try Journal.open(self.options(folder, durability, ahead: false))
            #expect(again.head >= outcome.published, "\(at)")
            if outcome.published > 0 { #expect(again.epoch == outcome.epoch, "\(at)") }
            let seen = again.readAll()
            #expect(seen.wrong == [], "\(at)")
            let earliest = again.earliest.seq
            // A stop within retention may have removed more than was told.
            #expect(earliest > outcome.removed, "\(at)")
            if seen.seqs.count > 0 { #expect(seen.seqs == Array(earliest...again.head), "\(at)") }
            #expect(try again.verify().faults == [], "\(at)")
            if outcome.checkpoint > 0 {
                let checkpoint = try #require(again.newestCheckpoint(), "\(at)")
                #expect(checkpoint.seq >= outcome.checkpoint && checkpoint.seq + 1 >= earliest, "\(at)")
            }
            // And it goes on.
            let head = again.head
            try again.append(700)
            try again.sync()
            #expect(again.readAll(after: head).seqs == Array((head + 1)...(head + 700)), "\(at)")
            try again.close(clean: true)
            #expect(folder.names(".tmp") == [], "\(at)")
        }
    }
}
