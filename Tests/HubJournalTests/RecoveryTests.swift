import PluginABI
import Testing

@testable import HubJournal

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("Recovery")
struct RecoveryTests {
    @Test("after a kill everything committed is there, and numbering goes on")
    func kill() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(2500)
        let left = folder.copy()
        let again = try Journal.open(left.options())
        #expect(again.head == 2500 && again.epoch == journal.epoch)
        try again.append(2500)
        #expect(again.readAll() == Seen(seqs: Array(1...5000)))
        #expect(try again.verify().faults == [])
    }

    @Test("a clean restart goes on in the open segment")
    func openSegment() throws {
        let folder = TestFolder()
        for round in 1...3 {
            let journal = try Journal.open(folder.options())
            #expect(journal.head == UInt64(round - 1) * 50)
            try journal.append(50)
            try journal.close(clean: true)
        }
        #expect(folder.names(".segment") == ["00000000000000000001.segment"])
        #expect(folder.names(".tmp") == [])
    }

    /// Where the record after the last one would begin, and the segment's name.
    private func end(_ journal: Journal) throws -> (name: String, offset: Int) {
        let segment = try #require(journal.segment(containing: journal.head))
        return (segment.name, Segment.end(segment.published.load(ordering: .relaxed)))
    }

    @Test("a record that was not committed is cut off, and no trace of it stays")
    func tornTail() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(101)
        Sample.write(102, to: try journal.reserve(lines: 3), lines: 3)
        let left = folder.copy()
        let again = try Journal.open(left.options())
        #expect(again.head == 101)
        #expect(again.cutBytes == 192)
        // Zero is the end of the log.
        let (name, offset) = try end(again)
        #expect(left.bytes(of: name)[offset...].allSatisfy { $0 == 0 })
        try again.append(100)
        #expect(again.readAll() == Seen(seqs: Array(1...201)))
    }

    @Test("garbage behind the last record is cut off", arguments: [1, 2, 3, 4, 5, 6, 7, 8])
    func garbage(seed: UInt64) throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(Int(seed) * 97)
        let place = try end(journal)
        try journal.close(clean: false)
        var generator = SeededGenerator(state: seed)
        let left = folder.copy()
        let count = Int.random(in: 1...4000, using: &generator)
        left.change(
            place.name, at: place.offset, to: (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
        let again = try Journal.open(left.options())
        #expect(again.head == seed * 97, "seed \(seed)")
        try again.append(300)
        #expect(again.readAll() == Seen(seqs: Array(1...(seed * 97 + 300))), "seed \(seed)")
    }

    @Test("whole records behind a missing one do not come back, not even once its place is filled")
    func missingRecord() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(60)
        let segment = try #require(journal.segment(containing: 41))
        let offset = try #require(try segment.place(of: 41)).offset
        let left = folder.copy()
        left.change(segment.name, at: offset + 24, to: [UInt8](repeating: 0, count: 8))
        let again = try Journal.open(left.options())
        #expect(again.head == 40)
        try again.append(1)
        let last = left.copy()
        let third = try Journal.open(last.options())
        #expect(third.head == 41)
        #expect(third.readAll() == Seen(seqs: Array(1...41)))
    }

    @Test("a record whose second page was lost with the power does not count")
    func tornPage() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        // The header takes a page, so the 64th line ends the first page of records.
        for seq in UInt64(1)...64 {
            let lines = seq == 64 ? 3 : 1
            let place = try journal.reserve(lines: lines)
            Sample.write(seq, to: place, lines: lines)
            journal.commit(place, seq: seq)
        }
        journal.publish()
        let left = folder.copy()
        left.change("00000000000000000001.segment", at: 8192, to: [UInt8](repeating: 0, count: 128))
        var options = left.options()
        options.bootID = "boot-2"
        let again = try Journal.open(options)
        #expect(again.head == 63)
        #expect(again.judge(epoch: journal.epoch, after: 64) == .lost(resumeAfter: 63))
    }

    @Test("a segment that ends early takes those behind it with it")
    func lostSegmentEnd() throws {
        let folder = TestFolder()
        let files = FaultyFiles()
        // Nothing gets sealed, as if power went before that.
        files.fail("sync", with: EIO)
        var options = folder.options()
        options.files = files
        let journal = try Journal.open(options, ignoringState: files)
        try journal.append(3000)
        let second = try #require(journal.segment(after: 1))
        let third = try #require(journal.segment(after: second.firstSeq))
        let lost = third.firstSeq - 1
        let place = try #require(try second.place(of: lost)).offset
        let left = folder.copy()
        left.change(second.name, at: place + 24, to: [UInt8](repeating: 0, count: 8))
        var again = left.options()
        again.bootID = "boot-2"
        let recovered = try Journal.open(again)
        #expect(recovered.head == lost - 1)
        #expect(recovered.epoch != journal.epoch)
        try recovered.append(2000)
        let seen = recovered.readAll()
        #expect(seen == Seen(seqs: Array(1..<(lost + 2000))))
        #expect(try recovered.verify().faults == [])
    }

    @Test("a sealed segment that somebody removed is a hole, and nothing else is touched")
    func missingSegment() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(3000)
        try journal.close(clean: true)
        let names = folder.names(".segment")
        let left = folder.copy()
        unlink("\(left.journal)/\(names[1])")
        let again = try Journal.open(left.options())
        let first = try #require(Names.number(of: names[1], suffix: ".segment"))
        let next = try #require(Names.number(of: names[2], suffix: ".segment"))
        #expect(again.head == 3000 && again.epoch == journal.epoch)
        let seen = again.readAll()
        #expect(seen == Seen(seqs: Array(1..<first) + Array(next...3000), holes: [[first - 1, next]]))
        let faults = try again.verify().faults
        #expect(faults.count == 1 && faults.first?.seq == first)
    }

    @Test("numbers do not begin anew when all segments are gone")
    func allSegmentsGone() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(70)
        try journal.close(clean: true)
        let left = folder.copy()
        for name in left.names(".segment") { unlink("\(left.journal)/\(name)") }
        let again = try Journal.open(left.options())
        #expect(again.head == 70)
        #expect(again.earliest.seq == 71)
        #expect(again.readAll() == Seen(holes: [[0, 71]]))
        try again.append(1)
        #expect(again.readAll(after: 70).seqs == [71])
    }

    @Test("a segment whose header is damaged is put aside, and the epoch ends")
    func damagedHeader() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(1500)
        let last = try #require(journal.segment(containing: 1500))
        let left = folder.copy()
        left.change(last.name, at: 20, to: [1, 2, 3])
        let again = try Journal.open(left.options())
        #expect(again.head == last.firstSeq - 1)
        #expect(again.epoch != journal.epoch)
        #expect(left.names(".damaged") == [last.name + ".damaged"])
        try again.append(10)
        #expect(again.readAll().seqs.count == Int(last.firstSeq) + 9)
    }
}

extension Journal {
    /// Opens with a file layer that cannot sync, but can write the state.
    static func open(_ options: JournalOptions, ignoringState files: FaultyFiles) throws -> Journal {
        files.fail("sync", with: nil)
        let journal = try Journal.open(options)
        files.fail("sync", with: EIO)
        return journal
    }
}
