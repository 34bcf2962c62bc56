import EventFormat
import GRDB
import HubJournal
import PluginABI
import Synchronization
import Testing

@testable import HubStore

let hourNanoseconds: Int64 = 3_600_000_000_000
let dayNanoseconds = 24 * hourNanoseconds

extension Past {
    /// Streams 1 to 5 are `NSE:A` to `NSE:E`.
    mutating func define() throws {
        for (index, name) in ["A", "B", "C", "D", "E"].enumerated() {
            try recorder.define(UInt32(index + 1), "NSE:\(name)")
        }
        journal.publish()
        try journal.forEach(after: model.head, matching: JournalFilter()) {
            model.records.append(Array(RecordPointer($0).bytes))
            return true
        }
    }

    mutating func nextDay() {
        recorder.received = (recorder.received / dayNanoseconds + 1) * dayNanoseconds
    }
}

/// What retention must have taken, worked out record by record.
struct Expectation {
    var retention: StoreRetention
    /// First and last position, and the time of the last record, of each compacted segment's day.
    private var lastOfDay: [Int64: Int64] = [:]
    private var dayOf: [(first: UInt64, last: UInt64, day: Int64)] = []

    init(_ retention: StoreRetention, _ store: Store) {
        self.retention = retention
        for entry in store.catalogueNow.entries {
            dayOf.append((entry.firstSeq, entry.lastSeq, entry.day))
            lastOfDay[entry.day] = max(lastOfDay[entry.day] ?? .min, entry.lastReceived)
        }
    }

    func isGone(_ head: hub_record, _ record: [UInt8], now: Int64) -> Bool {
        let symbol = (1...5).contains(head.stream) ? "NSE:\(["A", "B", "C", "D", "E"][Int(head.stream) - 1])" : ""
        let ages = retention.agesOfSymbol(symbol) ?? retention.ages
        switch Int(head.kind) {
        case HUB_BAR, HUB_VALUE, HUB_SIGNAL, HUB_STATUS, HUB_GAP, HUB_DEFINE, HUB_CONTROL:
            return ages.bars != .max && head.ts_recv < now - ages.bars
        case HUB_BOOK: return isGone(head, ages.books, now)
        default: return isGone(head, ages.ticks, now)
        }
    }

    private func isGone(_ head: hub_record, _ age: Int64, _ now: Int64) -> Bool {
        guard age != .max, let segment = dayOf.first(where: { $0.first <= head.seq && $0.last >= head.seq }) else {
            return false
        }
        return lastOfDay[segment.day]! < now - age
    }
}

extension Past {
    /// Compares everything that can be read by position with the model: what is missing must be gone by retention, and be told as a
    /// hole; what is gone must be missing.
    func check(
        _ expectation: Expectation?, now: Int64, mayKeepGone: Bool = false, mayTakeEarly: Expectation? = nil,
        _ at: @autoclosure () -> String
    ) throws {
        let end = min(store.compactedTo, model.head)
        for filter in [
            JournalFilter(), JournalFilter(kinds: KindSet([HUB_TRADE])), JournalFilter(streams: StreamSet([2])),
            JournalFilter(streams: StreamSet([3]), kinds: KindSet([HUB_TRADE, HUB_BOOK])),
            JournalFilter(kinds: KindSet([HUB_BAR])),
        ] {
            let read = try store.readAll(after: 0, through: end, filter, maxBytes: 50_000)
            let all = model.matching(after: 0, through: end, filter)
            var next = 0
            var wrong: [String] = []
            for record in all {
                let head = Model.head(of: record)
                if next < read.records.count, read.records[next] == record {
                    next += 1
                    if !mayKeepGone, expectation?.isGone(head, record, now: now) ?? false,
                        ![HUB_CONTROL].contains(Int(head.kind))
                    {
                        wrong.append("\(head.seq) of kind \(head.kind) is still there")
                    }
                } else {
                    let isGone = (mayTakeEarly ?? expectation)?.isGone(head, record, now: now) ?? false
                    if !isGone { wrong.append("\(head.seq) of kind \(head.kind) is missing") }
                    if !read.holes.contains(where: {
                        $0.after < head.seq && $0.before > head.seq && $0.kinds.contains(head.kind)
                    }) {
                        wrong.append("nothing tells that \(head.seq) of kind \(head.kind) is missing")
                    }
                }
            }
            if next != read.records.count { wrong.append("there is what never was: \(read.records.count - next)") }
            #expect(wrong.prefix(3) == [], "\(at()), kinds \(filter.kinds.text.prefix(20))")
            #expect(read.order == read.order.sorted(), "\(at())")
        }
    }
}

@Suite("Retention of the tick store")
struct TickRetentionTests {
    private func past(days: Int) throws -> Past {
        var past = try Past(seed: 11)
        try past.define()
        for day in 0..<days {
            if day > 0 { past.nextDay() }
            try past.add(1200, stepNanoseconds: 10_000_000)
            try past.journal.seal()
        }
        try past.sealAndCompact()
        return past
    }

    private func files(_ past: Past, _ folder: String) throws -> [String] {
        try SystemFiles().names(in: "\(past.folder.path)/\(folder)").filter { $0.hasSuffix(".sqlite") }
    }

    @Test("whole days go, books before ticks, and a reader is told of what he asked for")
    func days() throws {
        let past = try past(days: 5)
        let retention = StoreRetention(
            ages: StoreAges(
                ticks: 3 * dayNanoseconds + hourNanoseconds, books: dayNanoseconds + hourNanoseconds))
        let now = past.recorder.received
        let removal = try past.store.retain(retention, now: now)
        #expect(removal.files.count == 4)
        #expect(
            try files(past, "ticks") == [
                "2025-06-16.sqlite", "2025-06-17.sqlite", "2025-06-18.sqlite", "2025-06-19.sqlite",
            ])
        #expect(try files(past, "books") == ["2025-06-18.sqlite", "2025-06-19.sqlite"])
        try past.check(Expectation(retention, past.store), now: now, "after retention")
        // Trades are whole for who reads after the first day, whatever became of books.
        let entries = past.store.catalogueNow.entries
        let second = entries.first { $0.day > entries[0].day }!.firstSeq
        let trades = past.store.holes(after: second - 1, through: 5000, kinds: KindSet([HUB_TRADE]))
        #expect(trades == [])
        let first = try #require(past.store.holes(after: 0, through: 5000, kinds: KindSet([HUB_TRADE])).first)
        #expect(first == StoreHole(after: 0, before: second, kinds: KindSet([HUB_TRADE]), isDamage: false))
        #expect(past.store.holes(after: 0, through: 5000, kinds: KindSet([HUB_BAR])) == [])
        // Nothing more goes as long as nothing more is past its age.
        #expect(try past.store.retain(retention, now: now).isEmpty)
    }

    @Test("instruments with ages of their own go earlier or stay longer than their day")
    func instruments() throws {
        var past = try past(days: 5)
        let retention = StoreRetention(
            ages: StoreAges(ticks: 2 * dayNanoseconds, books: 2 * dayNanoseconds, bars: 3 * dayNanoseconds)
        ) { symbol in
            switch symbol {
            case "NSE:B": StoreAges(ticks: dayNanoseconds, books: .max, bars: dayNanoseconds)
            case "NSE:C": StoreAges(ticks: .max, books: dayNanoseconds, bars: .max)
            default: nil
            }
        }
        let now = past.recorder.received
        let before = past.store.sizeBytes
        let removal = try past.store.retain(retention, now: now)
        #expect(removal.files == [] && removal.trimmed.count > 4)
        #expect(past.store.sizeBytes < before)
        try past.check(Expectation(retention, past.store), now: now, "after retention")
        try past.store.close()
        past.store = try Store.open(folder: past.folder.path)
        try past.check(Expectation(retention, past.store), now: now, "opened again")
        // In the end only what is kept for ever is left.
        let later = now + 100 * dayNanoseconds
        try past.store.retain(retention, now: later)
        try past.check(Expectation(retention, past.store), now: later, "much later")
    }

    @Test("what is kept for less than a day goes segment by segment")
    func hours() throws {
        var past = try Past(seed: 12)
        try past.define()
        for _ in 0..<4 {
            try past.add(400, stepNanoseconds: 10_000_000)
            try past.journal.seal()
            past.recorder.received += hourNanoseconds
        }
        try past.sealAndCompact()
        let now = past.recorder.received
        let books = 5 * hourNanoseconds / 2
        #expect(try past.store.retain(StoreRetention(ages: StoreAges(books: books)), now: now).files == [])
        let filter = JournalFilter(kinds: KindSet([HUB_BOOK, HUB_TRADE]))
        let read = try past.store.readAll(after: 0, through: past.store.compactedTo, filter)
        let left = past.store.catalogueNow.entries.first { $0.lastReceived >= now - books }!.firstSeq
        #expect(left > 1 && left < 1600)
        #expect(
            read.records
                == past.model.matching(after: 0, through: past.store.compactedTo, filter) {
                    Int($0.kind) == HUB_BOOK && $0.seq < left
                })
        #expect(
            read.holes == [StoreHole(after: 0, before: left, kinds: KindSet([HUB_BOOK]), isDamage: false)])
        try past.store.close()
        past.store = try Store.open(folder: past.folder.path)
        #expect(try past.store.readAll(after: 0, through: past.store.compactedTo, filter).records == read.records)
    }

    @Test("beyond the size of the folder the oldest books go early, then the oldest ticks, never the newest day's")
    func size() throws {
        let past = try past(days: 4)
        let ticks = "\(past.folder.path)/ticks"
        let books = "\(past.folder.path)/books"
        let store = past.store
        @Sendable func bytes() -> Int64 { Int64(store.sizeBytes) }
        let all = bytes()
        let oneBook = Int64(past.store.files.all(.books)[0].bytes)
        var removal = try past.store.retain(
            StoreRetention(mostBytes: all - oneBook / 2, usedBytes: bytes), now: past.recorder.received)
        #expect(removal.files == ["\(books)/2025-06-15.sqlite"] && removal.isForSize)
        removal = try past.store.retain(
            StoreRetention(mostBytes: 1, usedBytes: bytes), now: past.recorder.received)
        #expect(
            removal.files
                == ["\(books)/2025-06-16.sqlite", "\(books)/2025-06-17.sqlite"]
                + ["15", "16", "17"].map { "\(ticks)/2025-06-\($0).sqlite" })
        let holes = past.store.holes(after: 0, through: past.store.compactedTo, kinds: KindSet([HUB_TRADE, HUB_BOOK]))
        #expect(holes.count == 1 && holes[0].kinds == KindSet([HUB_TRADE, HUB_BOOK]))
    }

    @Test("what was there before there was a tick store is a hole")
    func old() throws {
        // A store of version 1 beside a journal that has let go of its beginning.
        var past = try Past(seed: 3)
        try past.define()
        try past.add(4000)
        try past.journal.seal()
        try past.store.follow(past.journal)
        try past.store.pool.write { db in
            try db.execute(
                sql: """
                    DROP TABLE segment; DROP TABLE trim; DROP TABLE kept_gone; DROP TABLE chunk;
                    DROP TABLE bar_block; DROP TABLE bar_tail;
                    PRAGMA user_version = 1
                    """)
        }
        try past.store.close()
        try past.journal.close(clean: true)
        var options = past.folder.journalOptions()
        options.retentionBytes = 200 << 10
        let journal = try Journal.open(options)
        try journal.applyRetention(nowNanoseconds: 0, keepFrom: .max)
        let earliest = journal.earliest.seq
        #expect(earliest > 1)
        let store = try Store.open(folder: past.folder.path)
        try store.follow(journal)
        try store.compactAll(journal)
        let kinds = KindSet([HUB_TRADE, HUB_BOOK, HUB_BAR])
        #expect(
            store.holes(after: 0, through: earliest + 10, kinds: kinds) == [
                StoreHole(after: 0, before: earliest, kinds: KindSet([HUB_TRADE, HUB_BOOK]), isDamage: false)
            ])
        let read = try store.readAll(after: earliest - 1, through: store.compactedTo, JournalFilter())
        #expect(
            read.records
                == past.model.matching(after: earliest - 1, through: store.compactedTo, JournalFilter()))
        #expect(read.holes == [])
    }

    @Test("a day's file that is missing, damaged or something else costs its own range only, and is told in words")
    func damaged() throws {
        for damage in ["missing", "foreign", "text", "newer"] {
            var past = try past(days: 3)
            try past.store.close()
            let path = "\(past.folder.path)/ticks/2025-06-16.sqlite"
            switch damage {
            case "missing": try SystemFiles().remove(path)
            case "foreign", "newer":
                let queue = try DatabaseQueue(path: path)
                try queue.write { db in
                    try db.execute(
                        sql: damage == "newer" ? "PRAGMA user_version = 99" : "PRAGMA application_id = 77")
                }
                try queue.close()
            default:
                let file = try SystemFiles().open(path, .creating)
                try SystemFiles().write(
                    Array("This is not a database, but a text that is long enough.".utf8), to: file, path: path)
                SystemFiles().close(file)
            }
            past.store = try Store.open(folder: past.folder.path)
            let words = Words()
            past.store.onFault { words.add($0) }
            let entries = past.store.catalogueNow.entries
            let days = Set(entries.map(\.day)).sorted()
            let lost = entries.filter { $0.day == days[1] }
            let filter = JournalFilter(kinds: KindSet([HUB_TRADE]))
            let read = try past.store.readAll(after: 0, through: past.store.compactedTo, filter)
            let expected = past.model.matching(after: 0, through: past.store.compactedTo, filter) { head in
                lost.contains { $0.firstSeq <= head.seq && $0.lastSeq >= head.seq }
            }
            #expect(read.records == expected, "\(damage)")
            #expect(
                read.holes == [
                    StoreHole(
                        after: lost[0].firstSeq - 1, before: lost.last!.lastSeq + 1, kinds: KindSet([HUB_TRADE]),
                        isDamage: true)
                ], "\(damage)")
            #expect(words.all.count == 1 && words.all[0].contains("2025-06-16"), "\(damage): \(words.all)")
            let newest = split(
                try past.store.newestRecords(
                    5000, after: 0, before: past.store.compactedTo + 1, matching: filter))
            #expect(newest == expected, "\(damage)")
            // Books of that day, and everything that is kept, are not touched.
            let others = JournalFilter(kinds: KindSet([HUB_BOOK, HUB_BAR]))
            #expect(
                try past.store.readAll(after: 0, through: past.store.compactedTo, others).records
                    == past.model.matching(after: 0, through: past.store.compactedTo, others))
        }
    }
}

/// What was told.
final class Words: Sendable {
    private let words = Mutex<[String]>([])
    func add(_ text: String) { words.withLock { $0.append(text) } }
    var all: [String] { words.withLock { $0 } }
}
