import Testing

@testable import HubJournal

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("Retention and checkpoints")
struct RetentionTests {
    private func filled(_ folder: TestFolder, _ change: (inout JournalOptions) -> Void = { _ in }) throws -> Journal {
        var options = folder.options()
        change(&options)
        let journal = try Journal.open(options)
        try journal.append(6000)
        try journal.seal()
        return journal
    }

    @Test("what is older by ts_recv than the limit goes, in whole segments, and never what must be kept")
    func age() throws {
        let folder = TestFolder()
        let journal = try filled(folder) { $0.retentionNanoseconds = 1000 }
        let segments = folder.names(".segment").count
        #expect(try journal.applyRetention(nowNanoseconds: Sample.received(1) + 1000, keepFrom: .max) == nil)
        let removed = try #require(
            try journal.applyRetention(nowNanoseconds: Sample.received(4000) + 1000, keepFrom: .max))
        #expect(removed.lowerBound == 1 && removed.upperBound < 4000 && removed.upperBound > 3000)
        #expect(journal.earliest == (removed.upperBound + 1, Sample.received(removed.upperBound + 1)))
        #expect(folder.names(".segment").count < segments)
        #expect(folder.names(".index").count == folder.names(".segment").count)
        let seen = journal.readAll(after: 5)
        #expect(seen.holes == [[5, removed.upperBound + 1]])
        #expect(seen.seqs == Array((removed.upperBound + 1)...6000))

        let floor = removed.upperBound + 500
        try journal.applyRetention(nowNanoseconds: .max, keepFrom: floor)
        #expect(journal.earliest.seq <= floor)
        try journal.applyRetention(nowNanoseconds: .max, keepFrom: .max)
        // The open segment, or if there is none the last one, stays.
        #expect(folder.names(".segment").count == 1)
        #expect(journal.head == 6000)
        try journal.close(clean: true)
        let left = folder.copy()
        #expect(try Journal.open(left.options()).head == 6000)
    }

    @Test("what is beyond the size goes, oldest first")
    func size() throws {
        let folder = TestFolder()
        let journal = try filled(folder) { $0.retentionBytes = 300 << 10 }
        #expect(journal.sizeBytes > 400 << 10)
        #expect(try journal.applyRetention(nowNanoseconds: 0, keepFrom: .max) != nil)
        #expect(journal.sizeBytes <= 300 << 10)
        #expect(journal.readAll().seqs.last == 6000)
    }

    @Test("a segment that cannot be sealed stays, and goes once it can be")
    func unsealed() throws {
        let folder = TestFolder()
        let files = FaultyFiles()
        var options = folder.options()
        options.files = files
        options.retentionBytes = 1
        let journal = try Journal.open(options)
        files.fail("sync", with: EIO)
        try journal.append(3000)
        try journal.seal()
        #expect(try journal.applyRetention(nowNanoseconds: .max, keepFrom: .max) == nil)
        #expect(journal.earliest.seq == 1)
        files.fail("sync", with: nil)
        #expect(try journal.applyRetention(nowNanoseconds: .max, keepFrom: .max) != nil)
    }

    @Test("a full disk does not keep retention from making room")
    func fullDisk() throws {
        let folder = TestFolder()
        let files = FaultyFiles()
        var options = folder.options()
        options.files = files
        options.retentionBytes = 1
        let journal = try Journal.open(options)
        try journal.append(10)
        // There is still room for segments, but none for an index.
        files.fail("write", with: ENOSPC)
        try journal.append(3000)
        try journal.seal()
        #expect(folder.names(".index") == [])
        let removed = try #require(try journal.applyRetention(nowNanoseconds: .max, keepFrom: .max))
        #expect(journal.earliest.seq == removed.upperBound + 1)
        #expect(folder.names(".segment").count == 1)
        #expect(folder.names(".index.tmp") == [])
    }

    @Test("a reader in a removed segment keeps what it has, and is told of the hole behind it")
    func readerInRemovedSegment() throws {
        let folder = TestFolder()
        let journal = try filled(folder) { $0.retentionBytes = 1 }
        let reader = journal.reader(after: 0)
        var seen = Seen()
        let first = reader.next(maxBytes: 1000)
        try journal.applyRetention(nowNanoseconds: 0, keepFrom: .max)
        // The bytes it was given before are still there.
        _ = seen.take(first)
        while seen.take(reader.next(maxBytes: 1000)) {}
        #expect(seen.wrong == [])
        let hole = try #require(seen.holes.first)
        #expect(seen.holes.count == 1 && hole[1] == journal.earliest.seq)
        #expect(seen.seqs == Array(1...hole[0]) + Array(hole[1]...6000))
    }

    @Test("the newest whole checkpoint of this journal counts")
    func checkpoints() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        #expect(journal.newestCheckpoint() == nil)
        try journal.append(100)
        for seq in [10, 20, 30] { try journal.writeCheckpoint(seq: UInt64(seq), state: [UInt8(seq)]) }
        #expect(folder.names(".checkpoint").count == 2)
        #expect(try #require(journal.newestCheckpoint()) == (30, [30]))
        folder.change("00000000000000000030.checkpoint", at: 64, to: [31])
        #expect(try #require(journal.newestCheckpoint()) == (20, [20]))
        try journal.writeCheckpoint(seq: 40, state: [])
        #expect(try #require(journal.newestCheckpoint()) == (40, []))
    }

    @Test("a checkpoint of records that were lost does not count, not even when others have taken their numbers")
    func checkpointBeyondTheEnd() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(100)
        try journal.writeCheckpoint(seq: 30, state: [3])
        try journal.writeCheckpoint(seq: 90, state: [9])
        let segment = try #require(journal.segment(containing: 1))
        let offset = try #require(try segment.place(of: 51)).offset
        let left = folder.copy()
        left.change(segment.name, at: offset + 24, to: [0])
        var options = left.options()
        options.bootID = "boot-2"
        let again = try Journal.open(options)
        #expect(try #require(again.newestCheckpoint()) == (30, [3]))
        try again.append(100)
        #expect(try #require(again.newestCheckpoint()) == (30, [3]))
    }

    @Test("what follows the checkpoint before the last one stays")
    func checkpointsKeepRecords() throws {
        let folder = TestFolder()
        let journal = try filled(folder) { $0.retentionBytes = 1 }
        try journal.writeCheckpoint(seq: 2000, state: [1])
        try journal.writeCheckpoint(seq: 4000, state: [2])
        try journal.applyRetention(nowNanoseconds: 0, keepFrom: .max)
        #expect(journal.earliest.seq <= 2001 && journal.earliest.seq > 1000)
    }
}
