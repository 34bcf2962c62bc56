import Testing

@testable import HubJournal

@Suite("Epochs and cursors")
struct EpochTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var clean: Bool
        var sameBoot: Bool
        var durability: JournalDurability
        var isContinued: Bool
        var testDescription: String {
            "\(clean ? "clean" : "unclean"), \(sameBoot ? "same" : "another") boot, \(durability.rawValue)"
        }
    }

    @Test(
        "a new epoch begins only after an unclean end and another boot, and never under fsync",
        arguments: [
            Case(clean: true, sameBoot: true, durability: .process, isContinued: true),
            Case(clean: true, sameBoot: false, durability: .process, isContinued: true),
            Case(clean: false, sameBoot: true, durability: .process, isContinued: true),
            Case(clean: false, sameBoot: false, durability: .process, isContinued: false),
            Case(clean: false, sameBoot: false, durability: .fsync, isContinued: true),
            Case(clean: true, sameBoot: false, durability: .fsync, isContinued: true),
        ])
    func rules(_ what: Case) throws {
        let folder = TestFolder()
        var options = folder.options()
        options.durability = what.durability
        let journal = try Journal.open(options)
        try journal.append(30)
        try journal.sync()
        try journal.close(clean: what.clean)
        let left = folder.copy()
        var again = left.options()
        if !what.sameBoot { again.bootID = "boot-2" }
        let reopened = try Journal.open(again)
        #expect((reopened.epoch == journal.epoch) == what.isContinued)
        #expect(reopened.head == 30)
        #expect(Epoch.isValid(reopened.epoch))
    }

    @Test("what counts is what the run that ended promised, not what the next one does")
    func promiseOfTheLastRun() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(3)
        let left = folder.copy()
        var options = left.options()
        options.durability = .fsync
        options.bootID = "boot-2"
        #expect(try Journal.open(options).epoch != journal.epoch)
    }

    @Test("the clean mark counts once: a later unclean end is one")
    func markCountsOnce() throws {
        let folder = TestFolder()
        let first = try Journal.open(folder.options())
        try first.append(3)
        try first.close(clean: true)
        let left = folder.copy()
        let second = try Journal.open(left.options())
        try second.append(3)
        let later = left.copy()
        var options = later.options()
        options.bootID = "boot-2"
        #expect(try Journal.open(options).epoch != first.epoch)
    }

    @Test("a clean mark does not vouch for records that are not there")
    func markWithoutRecords() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(30)
        try journal.close(clean: true)
        let left = folder.copy()
        let segment = try #require(journal.segment(containing: 20))
        let offset = try #require(try segment.place(of: 21)).offset
        left.change(segment.name, at: offset + 24, to: [0, 0, 0, 0, 0, 0, 0, 0])
        var options = left.options()
        options.bootID = "boot-2"
        let again = try Journal.open(options)
        #expect(again.head == 20 && again.epoch != journal.epoch)
    }

    @Test(
        "cursors of old epochs are valid up to the epoch's end and lost beyond; unknown ones and ones ahead are told apart"
    )
    func cursors() throws {
        let folder = TestFolder()
        let first = try Journal.open(folder.options())
        try first.append(30)
        let left = folder.copy()
        var options = left.options()
        options.bootID = "boot-2"
        let second = try Journal.open(options)
        try second.append(12)
        for seq in [0, 30] { #expect(second.judge(epoch: first.epoch, after: UInt64(seq)) == .valid) }
        #expect(second.judge(epoch: first.epoch, after: 31) == .lost(resumeAfter: 30))
        #expect(second.judge(epoch: second.epoch, after: 42) == .valid)
        #expect(second.judge(after: 43) == .ahead(head: 42))
        #expect(second.judge(epoch: "0000000000000000", after: 1) == .unknownEpoch)
        // The records of both are one sequence.
        #expect(second.readAll() == Seen(seqs: Array(1...42)))

        let third = left.copy()
        var later = third.options()
        later.bootID = "boot-3"
        let epochs = try Journal.open(later).epochs
        #expect(epochs.map(\.first) == [1, 31, 43])
        #expect(epochs.map(\.last) == [30, 42, nil])
    }

    @Test("without the state file the epochs are known from the segments")
    func lostState() throws {
        let folder = TestFolder()
        let first = try Journal.open(folder.options())
        try first.append(30)
        let left = folder.copy()
        var options = left.options()
        options.bootID = "boot-2"
        let second = try Journal.open(options)
        try second.append(12)
        let damaged = left.copy()
        damaged.change("state", at: 20, to: [0x21])
        var later = damaged.options()
        later.bootID = "boot-2"
        let third = try Journal.open(later)
        // The boot is not known any more, so nothing can be proven.
        #expect(third.epochs.map(\.first) == [1, 31, 43])
        #expect(third.epochs.map(\.name) == [first.epoch, second.epoch, third.epoch])
    }

    @Test("an epoch that is given stays as long as it is the same")
    func fixedEpoch() throws {
        let folder = TestFolder()
        var options = folder.options()
        options.epoch = "00000000000000aa"
        let journal = try Journal.open(options)
        #expect(journal.epoch == "00000000000000aa")
        try journal.append(3)
        let left = folder.copy()
        var again = left.options()
        again.epoch = "00000000000000aa"
        again.bootID = "boot-2"
        #expect(try Journal.open(again).epochs.count == 1)
        let other = folder.copy()
        var changed = other.options()
        changed.epoch = "00000000000000bb"
        #expect(try Journal.open(changed).epochs.map(\.first) == [1, 4])
        options.epoch = "AA"
        #expect(throws: JournalError.self) { try Journal.open(options) }
    }
}
