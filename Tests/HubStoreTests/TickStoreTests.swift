import EventFormat
import Foundation
import GRDB
import HubJournal
import PluginABI
import Testing

@testable import HubStore

/// What a test needs to look at the same past in many ways.
struct Past {
    var folder: TestFolder
    var journal: Journal
    var store: Store
    var recorder: Recorder
    var model = Model()
    var generator: SeededGenerator

    init(seed: UInt64 = 1) throws {
        folder = TestFolder()
        journal = try Journal.open(folder.journalOptions())
        store = try Store.open(folder: folder.path)
        recorder = Recorder(journal)
        recorder.received = 1_750_000_000_000_000_000
        generator = SeededGenerator(state: seed)
    }

    mutating func add(_ count: Int, streams: UInt32 = 5, stepNanoseconds: Int64 = 1000) throws {
        try recorder.random(count, streams: streams, stepNanoseconds: stepNanoseconds, &model, &generator)
    }

    func sealAndCompact() throws {
        try journal.seal()
        try store.follow(journal)
        try store.compactAll(journal)
    }
}

private let filters: [JournalFilter] = [
    JournalFilter(),
    JournalFilter(kinds: KindSet([HUB_TRADE])),
    JournalFilter(streams: StreamSet([2])),
    JournalFilter(streams: StreamSet([2]), kinds: KindSet([HUB_TRADE])),
    JournalFilter(streams: StreamSet([1, 3]), kinds: KindSet([HUB_TRADE, HUB_BAR, HUB_BOOK])),
    JournalFilter(kinds: KindSet([HUB_BAR, HUB_GAP])),
    JournalFilter(kinds: KindSet([HUB_CONTROL])),
    JournalFilter(kinds: KindSet([HUB_BOOK, 200])),
]

@Suite("Compacted segments")
struct CompactionTests {
    @Test("give back every record of every kind as it was journaled, in order")
    func bytes() throws {
        var past = try Past()
        try past.add(6000)
        try past.sealAndCompact()
        #expect(past.store.compactedTo == 6000)
        for (number, filter) in filters.enumerated() {
            for (after, through) in [(0, 6000), (1234, 4321), (5999, 6000), (3000, 3000)] as [(UInt64, UInt64)] {
                let read = try past.store.readAll(after: after, through: through, filter)
                let expected = past.model.matching(after: after, through: through, filter)
                #expect(read.records == expected, "filter \(number), \(after) to \(through)")
                #expect(read.holes == [])
            }
        }
    }

    @Test("are read the same in large and in small pieces")
    func pieces() throws {
        var past = try Past(seed: 2)
        try past.add(3000)
        try past.sealAndCompact()
        let whole = past.model.matching(after: 0, through: 3000, JournalFilter())
        for size in [1, 64, 5000, 1 << 20, 1 << 30] {
            #expect(try past.store.readAll(after: 0, through: 3000, JournalFilter(), maxBytes: size).records == whole)
        }
    }

    @Test("lie in a file a day, books apart")
    func days() throws {
        var past = try Past()
        try past.add(1500)
        try past.journal.seal()
        past.recorder.received += 86_400_000_000_000
        try past.add(1500)
        try past.sealAndCompact()
        for folder in ["ticks", "books"] {
            let names = try SystemFiles().names(in: "\(past.folder.path)/\(folder)").filter { $0.hasSuffix(".sqlite") }
            #expect(names == ["2025-06-15.sqlite", "2025-06-16.sqlite"])
        }
        let all = try past.store.readAll(after: 0, through: 3000, JournalFilter())
        #expect(all.records == past.model.records)
        #expect(past.store.sizeBytes > 200_000)
    }

    @Test("wait until the store has followed, and until they are sealed")
    func waits() throws {
        var past = try Past()
        try past.add(20)
        try past.store.follow(past.journal)
        #expect(try past.store.compactNext(past.journal) == nil)
        try past.add(3000)
        try past.journal.seal()
        let first = try #require(past.journal.sealedSegment(after: 0))
        // The store stands within the first segment.
        #expect(past.store.position < first.lastSeq)
        #expect(try past.store.compactNext(past.journal) == nil)
        try past.store.follow(past.journal)
        let done = try #require(try past.store.compactNext(past.journal))
        #expect(done.firstSeq == 1 && done.lastSeq == first.lastSeq && !done.isDamaged)
    }

    @Test("stay when the journal lets go of them")
    func journalGone() throws {
        var past = try Past()
        try past.add(6000)
        try past.sealAndCompact()
        try past.add(10)
        var options = past.folder.journalOptions()
        options.retentionBytes = 1
        try past.journal.close(clean: true)
        let journal = try Journal.open(options)
        try journal.applyRetention(nowNanoseconds: 0, keepFrom: past.store.compactedTo + 1)
        let earliest = journal.earliest.seq
        #expect(earliest > 5000)
        let read = try past.store.readAll(after: 0, through: earliest - 1, JournalFilter())
        #expect(read.records == Array(past.model.records[..<Int(earliest - 1)]))
        #expect(try past.store.earliest() == 1)
    }

    @Test("are found from the end: the newest of a kind, of an instrument, up to a position")
    func newest() throws {
        var past = try Past(seed: 4)
        try past.add(6000)
        try past.sealAndCompact()
        for (number, filter) in filters.enumerated() {
            for (count, before) in [(1, 6001), (10, 6001), (300, 4000), (100_000, 6001)] as [(Int, UInt64)] {
                let all = past.model.matching(after: 0, through: before - 1, filter)
                let found = split(
                    try past.store.newestRecords(count, after: 0, before: before, matching: filter))
                #expect(found == Array(all.suffix(count)), "filter \(number), \(count) before \(before)")
                let odd = split(
                    try past.store.newestRecords(count, after: 1000, before: before, matching: filter) {
                        $0.pointee.seq % 2 == 1
                    })
                let oddAll = past.model.matching(after: 1000, through: before - 1, filter).filter {
                    Model.head(of: $0).seq % 2 == 1
                }
                #expect(odd == Array(oddAll.suffix(count)), "filter \(number), odd \(count) before \(before)")
            }
        }
    }

    @Test("with times none is missed, and chunks that cannot match are not unpacked")
    func times() throws {
        var past = try Past(seed: 5)
        for _ in 0..<6 {
            try past.add(1000, stepNanoseconds: 1_000_000)
            try past.journal.seal()
        }
        try past.sealAndCompact()
        let middle = Model.head(of: past.model.records[3000]).ts_recv
        for kinds in [KindSet([HUB_TRADE]), KindSet([HUB_TRADE, HUB_QUOTE, HUB_BOOK])] {
            let filter = JournalFilter(
                kinds: kinds, fromNanoseconds: middle - 5_000_000, toNanoseconds: middle + 5_000_000)
            func isInside(_ record: [UInt8]) -> Bool {
                let time = Model.time(of: record)
                return time >= middle - 5_000_000 && time < middle + 5_000_000
            }
            let read = try past.store.readAll(after: 0, through: 6000, filter)
            let expected = past.model.matching(after: 0, through: 6000, filter).filter(isInside)
            #expect(!expected.isEmpty)
            #expect(read.records.filter(isInside) == expected)
            #expect(read.records.count < 2500)
            let newest = split(
                try past.store.newestRecords(3, after: 0, before: 6001, matching: filter) {
                    isInside(Array(RecordPointer($0).bytes))
                })
            #expect(newest == Array(expected.suffix(3)))
        }
    }
}
