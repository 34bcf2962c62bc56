import PluginABI
import Testing

@testable import HubJournal

@Suite("Writing and reading")
struct JournalTests {
    @Test("what is published is read back, whole and in order, from any position and in pieces of any size")
    func roundTrip() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        #expect(journal.head == 0)
        #expect(journal.earliest == (1, 0))
        try journal.append(5000)
        #expect(journal.head == 5000)
        #expect(journal.earliest == (1, Sample.received(1)))
        #expect(folder.names(".segment").count > 5)
        for (position, size) in [(0, 64), (0, 1 << 20), (1, 4096), (777, 200), (4999, 64), (5000, 64)] {
            let seen = journal.readAll(after: UInt64(position), maxBytes: size)
            #expect(seen == Seen(seqs: Array(UInt64(position + 1)..<5001)), "after \(position), \(size) bytes")
        }
    }

    @Test("a piece holds no more than was asked for, but at least one record")
    func pieces() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(300)
        let reader = journal.reader(after: 0)
        while case .records(let bytes, let first, let last) = reader.next(maxBytes: 320) {
            #expect(bytes.count <= 320)
            // One more would not have fitted, unless the segment ended.
            if last < 300 { #expect(bytes.count + Sample.lines(last + 1) * 64 > 320) }
            #expect(reader.position == last && first <= last)
        }
        let small = journal.reader(after: 6)
        guard case .records(let bytes, 7, 7) = small.next(maxBytes: 1) else {
            Issue.record("the record of three lines comes alone")
            return
        }
        #expect(bytes.count == 192)
    }

    @Test("nothing is seen before it is published")
    func publishing() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        let reader = journal.reader(after: 0)
        let place = try journal.reserve(lines: Sample.lines(1))
        Sample.write(1, to: place)
        journal.commit(place, seq: 1)
        guard case .caughtUp = reader.next() else {
            Issue.record("it was seen")
            return
        }
        #expect(journal.head == 0)
        journal.publish()
        #expect(journal.head == 1)
        guard case .records(_, 1, 1) = reader.next() else {
            Issue.record("it was not seen")
            return
        }
    }

    @Test("records that fill many segments between two publications come out when they are published")
    func manySegmentsInOneBatch() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(20)
        let reader = journal.reader(after: 20)
        for seq in UInt64(21)...4000 {
            let place = try journal.reserve(lines: Sample.lines(seq))
            Sample.write(seq, to: place)
            journal.commit(place, seq: seq)
        }
        guard case .caughtUp = reader.next() else {
            Issue.record("the reader is ahead of what is published")
            return
        }
        journal.publish()
        #expect(journal.readAll() == Seen(seqs: Array(1...4000)))
    }

    @Test("a record is one to 255 lines; the largest goes through")
    func sizes() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        #expect(throws: JournalError.badSize(lines: 0)) { try journal.reserve(lines: 0) }
        #expect(throws: JournalError.badSize(lines: 256)) { try journal.reserve(lines: 256) }
        for seq in UInt64(1)...20 {
            let place = try journal.reserve(lines: 255)
            Sample.write(seq, to: place, lines: 255)
            journal.commit(place, seq: seq)
        }
        journal.publish()
        var count: UInt64 = 0
        let reader = journal.reader(after: 0)
        while case .records(let bytes, let first, let last) = reader.next() {
            #expect(bytes.count == Int(last - first + 1) * 255 * 64)
            count += last - first + 1
        }
        #expect(count == 20)
    }

    @Test("definitions are repeated at each segment's head, outside the order by seq")
    func definitions() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        var known: [UInt8] = []
        journal.definitionsAtSegmentHead = { known }
        try journal.append(100)
        known = (0..<64).map { UInt8($0) }
        try journal.append(1500)
        known += (64..<192).map { UInt8($0) }
        try journal.append(1500)
        #expect(try journal.definitions(ofSegmentContaining: 1) == [])
        let second = try #require(journal.segment(after: 1)).firstSeq
        #expect(try journal.definitions(ofSegmentContaining: second) == (0..<64).map { UInt8($0) })
        #expect(try journal.definitions(ofSegmentContaining: 3100) == (0..<192).map { UInt8($0) })
        #expect(journal.readAll() == Seen(seqs: Array(1...3100)))

        try journal.close(clean: true)
        let reader = try Journal.openReadOnly(folder: folder.path)
        #expect(try reader.definitions(ofSegmentContaining: 3100) == known)
    }

    @Test("definitions that would fill a segment make a larger one")
    func manyDefinitions() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        let many = [UInt8](repeating: 7, count: 300 * 1024)
        journal.definitionsAtSegmentHead = { many }
        try journal.append(3000)
        #expect(journal.readAll() == Seen(seqs: Array(1...3000)))
        #expect(try journal.definitions(ofSegmentContaining: 3000) == many)
        #expect(try journal.verify().faults == [])
    }

    @Test("under fsync readers and waiters see only what was synced")
    func fsync() throws {
        let folder = TestFolder()
        var options = folder.options()
        options.durability = .fsync
        let journal = try Journal.open(options)
        let reader = journal.reader(after: 0)
        try journal.append(3000)
        #expect(journal.head == 0)
        guard case .caughtUp = reader.next() else {
            Issue.record("seen before it was synced")
            return
        }
        try journal.sync()
        #expect(journal.head == 3000)
        #expect(journal.readAll() == Seen(seqs: Array(1...3000)))
        try journal.append(5)
        #expect(journal.head == 3000)
        var seqs: [UInt64] = []
        try journal.newest(3, matching: JournalFilter()) { seqs.append($0.pointee.seq) }
        #expect(seqs == [2998, 2999, 3000])
        try journal.sync()
        #expect(journal.head == 3005)
    }

    @Test("a failed sync shows nothing")
    func failedSync() throws {
        let folder = TestFolder()
        let files = FaultyFiles()
        var options = folder.options()
        options.durability = .fsync
        options.files = files
        let journal = try Journal.open(options)
        try journal.append(10)
        files.fail("sync", with: 5)
        #expect(throws: JournalError.self) { try journal.sync() }
        #expect(journal.head == 0)
        files.fail("sync", with: nil)
        try journal.sync()
        #expect(journal.head == 10)
    }

    @Test("a closed journal takes nothing more, and is still read")
    func closed() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(10)
        try journal.close(clean: true)
        #expect(throws: JournalError.notOpenForWriting) { try journal.reserve(lines: 1) }
        #expect(journal.readAll() == Seen(seqs: Array(1...10)))
    }

    @Test("the checksum is CRC32C, with the instruction and without")
    func checksum() {
        // RFC 3720, B.4, and the check value of the catalogue of parametrised CRC algorithms.
        #expect(checksums(Array("123456789".utf8)) == [0xE306_9283, 0xE306_9283])
        #expect(checksums([UInt8](repeating: 0, count: 32)) == [0x8A91_36AA, 0x8A91_36AA])
        #expect(checksums([UInt8](repeating: 0xff, count: 32)) == [0x62A8_AB43, 0x62A8_AB43])
        var generator = SeededGenerator(state: 4)
        for count in 0..<100 {
            let both = checksums((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
            #expect(both[0] == both[1])
        }
    }
}
