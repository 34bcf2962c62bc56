import EventFormat
import Foundation
import GRDB
import HubJournal
import PluginABI
import Synchronization
import Testing

@testable import HubStore

/// A scripted run of everything that writes: following, compaction, the journal's retention, that of the store. At every step,
/// within and between all transactions, what a `kill -9` there would leave is copied; each copy must be whole.
@Suite("Killed at every step")
struct TickKillTests {
    private static let retention = StoreRetention(
        ages: StoreAges(ticks: 3 * dayNanoseconds, books: 2 * dayNanoseconds, bars: 4 * dayNanoseconds)
    ) { symbol in
        symbol == "NSE:B" ? StoreAges(ticks: dayNanoseconds, books: .max, bars: .max) : nil
    }

    struct Copy {
        var step: String
        var folder: TestFolder
        var head: UInt64
        var now: Int64
    }

    private func options(_ folder: TestFolder) -> JournalOptions {
        var options = folder.journalOptions()
        options.retentionBytes = 150 << 10
        return options
    }

    @Test("nothing that was journaled is lost or changed, and everything goes on from there")
    func steps() throws {
        var past = try Past(seed: 21)
        try past.journal.close(clean: true)
        past.journal = try Journal.open(options(past.folder))
        past.recorder = Recorder(past.journal)
        past.recorder.received = 1_750_000_000_000_000_000
        try past.define()
        let copies = Mutex<[Copy]>([])
        let head = Mutex<(UInt64, Int64)>((0, 0))
        let folder = past.folder
        let counter = Mutex(0)
        past.store.onStep = { step in
            let number = counter.withLock { count in
                count += 1
                return count
            }
            let (seq, now) = head.withLock { $0 }
            let copy = Copy(step: "\(number) \(step.rawValue)", folder: folder.copy(), head: seq, now: now)
            copies.withLock { $0.append(copy) }
        }
        for round in 0..<6 {
            if round > 0 { past.nextDay() }
            try past.add(450, stepNanoseconds: 10_000_000)
            try past.journal.seal()
            head.withLock { $0 = (past.model.head, past.recorder.received) }
            try past.store.follow(past.journal)
            try past.store.compactAll(past.journal)
            try past.store.makeDurable()
            try past.journal.applyRetention(
                nowNanoseconds: past.recorder.received,
                keepFrom: min(past.store.compactedTo, past.store.durablePosition) + 1)
            try past.store.retain(Self.retention, now: past.recorder.received)
        }
        past.store.onStep = nil
        let all = copies.withLock { $0 }
        #expect(all.count > 60)
        #expect(Set(all.map { $0.step.split(separator: " ")[1] }).count == StoreStep.allCases.count)
        for copy in all { try check(copy, past) }
        try past.check(
            Expectation(Self.retention, past.store), now: past.recorder.received, mayKeepGone: true, "in the end")
    }

    private func check(_ copy: Copy, _ past: Past) throws {
        var left = past
        left.folder = copy.folder
        left.journal = try Journal.open(options(copy.folder))
        left.store = try Store.open(folder: copy.folder.path)
        left.model.records = Array(past.model.records[..<Int(copy.head)])
        #expect(left.journal.head == copy.head, "\(copy.step)")
        try left.store.reconcile(with: left.journal)
        // Whatever the journal has let go is in the store.
        #expect(left.store.compactedTo + 1 >= left.journal.earliest.seq, "\(copy.step)")
        let expectation = Expectation(Self.retention, left.store)
        try left.check(expectation, now: copy.now, mayKeepGone: true, "killed at \(copy.step)")
        // And it goes on, as if nothing had been.
        try left.store.follow(left.journal)
        try left.store.compactAll(left.journal)
        try left.check(
            Expectation(Self.retention, left.store), now: copy.now, mayKeepGone: true, "compacted after \(copy.step)")
        try left.store.retain(Self.retention, now: copy.now)
        try left.check(
            Expectation(Self.retention, left.store), now: copy.now, "retention after \(copy.step)")
        #expect(left.store.compactedTo == copy.head, "\(copy.step)")
        try left.store.close()
        try left.journal.close(clean: true)
    }

    @Test("a disk that fills up at any write costs nothing, and compaction goes on once there is room")
    func full() throws {
        for pages in Array(1...10) + [14, 20, 28, 40] {
            var past = try Past(seed: UInt64(pages))
            try past.define()
            try past.add(1500)
            try past.journal.seal()
            try past.store.follow(past.journal)
            let isShort = Mutex(true)
            past.store.limitPages = { db in
                let most =
                    isShort.withLock { $0 }
                    ? (try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0) + pages - 1 : 1_073_741_823
                _ = try Row.fetchAll(db, sql: "PRAGMA max_page_count = \(most)")
            }
            var isFull = false
            do {
                try past.store.compactAll(past.journal)
            } catch StoreError.database(_, _, let full) {
                isFull = full
            }
            if pages < 3 { #expect(isFull, "\(pages) pages") }
            try past.check(nil, now: 0, "with \(pages) pages")
            // Killed there, and with room again.
            let left = past.folder.copy()
            isShort.withLock { $0 = false }
            try past.store.compactAll(past.journal)
            #expect(past.store.compactedTo == past.model.head)
            try past.check(nil, now: 0, "with room again after \(pages) pages")
            past.folder = left
            past.journal = try Journal.open(left.journalOptions())
            past.store = try Store.open(folder: left.path)
            try past.store.follow(past.journal)
            try past.store.compactAll(past.journal)
            #expect(past.store.compactedTo == past.model.head)
            try past.check(nil, now: 0, "killed with \(pages) pages")
        }
    }
}

@Suite("Random programs of journal and store against an array")
struct TickModelTests {
    private static let seeds: [UInt64] =
        ProcessInfo.processInfo.environment["HUB_SEED"].flatMap { UInt64($0) }.map { [$0] } ?? Array(1...8)

    @Test("agree with it over compaction, retention, restarts and kills", arguments: seeds)
    func programs(seed: UInt64) throws {
        var past = try Past(seed: seed)
        try past.define()
        var generator = SeededGenerator(state: seed &* 77)
        let retention = StoreRetention(
            ages: StoreAges(
                ticks: Int64.random(in: 1...4, using: &generator) * dayNanoseconds,
                books: Int64.random(in: 1...4, using: &generator) * dayNanoseconds, bars: .max)
        ) { symbol in
            symbol == "NSE:C" ? StoreAges(ticks: dayNanoseconds, books: 9 * dayNanoseconds, bars: .max) : nil
        }
        var program: [String] = []
        // When each record must be gone by.
        var retained: Int64 = 0
        var gone = Set<UInt64>()
        for step in 1...70 {
            let operation = Int.random(in: 0..<14, using: &generator)
            program.append("\(operation)")
            let at = "seed \(seed), step \(step) of \(program.suffix(12).joined(separator: " "))"
            switch operation {
            case 0..<4: try past.add(Int.random(in: 1...400, using: &generator), stepNanoseconds: 1_000_000)
            case 4, 5: try past.journal.seal()
            case 6, 7, 8:
                try past.store.follow(past.journal)
                while Bool.random(using: &generator), try past.store.compactNext(past.journal) != nil {}
            case 9: past.nextDay()
            case 10:
                retained = past.recorder.received
                let expectation = Expectation(retention, past.store)
                for record in past.model.records {
                    let head = Model.head(of: record)
                    if expectation.isGone(head, record, now: retained) { gone.insert(head.seq) }
                }
                try past.store.retain(retention, now: retained)
            case 11:
                try past.store.makeDurable()
                try past.journal.applyRetention(
                    nowNanoseconds: .max,
                    keepFrom: min(past.store.compactedTo, past.store.durablePosition) + 1)
            case 12:
                try past.store.close()
                try past.journal.close(clean: Bool.random(using: &generator))
                try reopen(&past)
            default:
                past.folder = past.folder.copy()
                try reopen(&past)
            }
            let end = past.store.compactedTo
            guard end > 0 else { continue }
            for _ in 0..<3 {
                let after = UInt64.random(in: 0...end, using: &generator)
                let through = UInt64.random(in: after...end, using: &generator)
                let kinds = [
                    KindSet.all, KindSet([HUB_TRADE]), KindSet([HUB_BOOK, HUB_TRADE]), KindSet([HUB_BAR, HUB_QUOTE]),
                ].randomElement(using: &generator)!
                let streams =
                    Bool.random(using: &generator) ? nil : StreamSet([UInt32.random(in: 1...5, using: &generator)])
                let filter = JournalFilter(streams: streams, kinds: kinds)
                let expected = past.model.matching(after: after, through: through, filter) { gone.contains($0.seq) }
                let size = [1, 1000, 1 << 20].randomElement(using: &generator)!
                let read = try past.store.readAll(after: after, through: through, filter, maxBytes: size)
                #expect(read.records == expected, "\(at): \(after) to \(through)")
                for seq in gone where seq > after && seq <= through {
                    let head = Model.head(of: past.model.records[Int(seq) - 1])
                    guard kinds.contains(head.kind), streams?.contains(head.stream) ?? true else { continue }
                    #expect(
                        read.holes.contains { $0.after < seq && $0.before > seq && $0.kinds.contains(head.kind) },
                        "\(at): \(seq) is not told")
                }
                let count = Int.random(in: 1...50, using: &generator)
                let newest = split(
                    try past.store.newestRecords(count, after: after, before: through + 1, matching: filter))
                #expect(newest == Array(expected.suffix(count)), "\(at): newest \(count) of \(after) to \(through)")
            }
        }
    }

    private func reopen(_ past: inout Past) throws {
        let received = past.recorder.received
        var options = past.folder.journalOptions()
        options.retentionBytes = 200 << 10
        past.journal = try Journal.open(options)
        past.store = try Store.open(folder: past.folder.path)
        try past.store.reconcile(with: past.journal)
        past.recorder = Recorder(past.journal)
        past.recorder.received = received
    }
}
