import EventFormat
import GRDB
import HubJournal
import PluginABI
import Synchronization
import Testing

@testable import HubStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("Following the journal")
struct FollowingTests {
    @Test("everything but market data, clocks and positions is kept as journaled")
    func kinds() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.journalOptions())
        var recorder = Recorder(journal)
        try recorder.define(1, "NSE:A")
        try recorder.trade(1)
        try recorder.control(HUB_CONTROL_SOURCE)
        try recorder.control(HUB_CONTROL_CLOCK)
        try recorder.fixed(
            {
                var position = hub_position()
                position.head.kind = UInt8(HUB_CONTROL)
                position.what = UInt8(HUB_CONTROL_POSITION)
                return position
            }())
        try recorder.gap(1)
        try recorder.bar(1, 60, time: 60, close: 1)
        try recorder.value(1, 1, time: 60, 2)
        try recorder.control(HUB_CONTROL_END)
        recorder.publish()
        let store = try Store.open(folder: folder.path)
        try store.follow(journal)
        #expect(store.position == 9)
        #expect(try store.seqs() == [1, 3, 6, 7, 8, 9])
        // The bytes are those of the journal.
        var journaled: [UInt8] = []
        try journal.forEach(after: 0, matching: JournalFilter()) { record in
            if [1, 3, 6, 7, 8, 9].contains(record.pointee.seq) { journaled += RecordPointer(record).bytes }
            return true
        }
        let kept = try store.records(after: 0, before: 100)
        #expect(kept.records == journaled && kept.last == 99)
        #expect(try store.earliest() == 1)
    }

    @Test(
        "after a crash between journal and store following goes on without loss or double", arguments: [1, 2, 3, 4, 5])
    func crash(seed: UInt64) throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.journalOptions())
        var recorder = Recorder(journal)
        let store = try Store.open(folder: folder.path)
        try recorder.define(1, "NSE:A")
        let before = Int(seed) * 37
        for number in 1...before {
            try recorder.trade(1)
            try recorder.bar(1, 60, time: Int64(number), close: Double(number))
        }
        recorder.publish()
        try store.follow(journal)
        // Taken in by the journal, but not by the store; then the process dies.
        for number in 1...500 { try recorder.bar(1, 60, time: Int64(before + number), close: Double(number)) }
        recorder.publish()
        let left = folder.copy()
        let again = try Journal.open(left.journalOptions())
        let reopened = try Store.open(folder: left.path)
        #expect(reopened.position == UInt64(1 + before * 2))
        try reopened.follow(again)
        #expect(reopened.position == again.head)
        #expect(try reopened.closes("NSE:A", 60, SeriesRange(limit: 10_000)).count == before + 500)
        #expect(try reopened.seqs(KindSet([HUB_BAR])).count == before + 500)
    }

    @Test("taking in twice what was taken in changes nothing")
    func idempotent() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.journalOptions())
        var recorder = Recorder(journal)
        try recorder.define(1, "NSE:A")
        for number in 1...50 { try recorder.bar(1, 60, time: Int64(number), close: 1) }
        recorder.publish()
        let store = try Store.open(folder: folder.path)
        try store.follow(journal)
        let once = try store.records(after: 0, before: .max)
        try store.pool.write { db in try db.execute(sql: "UPDATE fact SET value = 0 WHERE name = 'position'") }
        try store.close()
        let again = try Store.open(folder: folder.path)
        #expect(again.position == 0)
        try again.follow(journal)
        #expect(try again.records(after: 0, before: .max) == once)
        #expect(try again.closes("NSE:A", 60).count == 50)
    }

    @Test("what power loss took from the journal is taken back from the store and from the sinks")
    func lostTail() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.journalOptions())
        var recorder = Recorder(journal)
        try recorder.define(1, "NSE:A")
        for number in 1...20 { try recorder.bar(1, 60, time: Int64(number), close: Double(number)) }
        recorder.publish()
        let early = folder.copy()
        for number in 21...40 { try recorder.bar(1, 60, time: Int64(number), close: Double(number)) }
        recorder.publish()
        let store = try Store.open(folder: folder.path)
        try store.follow(journal)
        try store.setSinkCursor("ahead", to: 35)
        try store.setSinkCursor("behind", to: 10)
        try store.close()
        // The journal as it was earlier beside the store as it is now.
        let left = folder.copy()
        for name in try SystemFiles().names(in: "\(early.path)/journal") {
            let bytes = try #require(try SystemFiles().read("\(early.path)/journal/\(name)"))
            let file = try SystemFiles().open("\(left.path)/journal/\(name)", .creating)
            try SystemFiles().write(bytes, to: file, path: name)
            SystemFiles().close(file)
        }
        let shorter = try Journal.open(left.journalOptions(boot: "boot-2"))
        #expect(shorter.head == 21)
        let reopened = try Store.open(folder: left.path)
        try reopened.reconcile(with: shorter)
        #expect(reopened.position == 21)
        #expect(try reopened.sinkCursors().map(\.seq) == [21, 10])
        #expect(try reopened.closes("NSE:A", 60) == (1...20).map { Double($0) })
        var next = Recorder(shorter)
        try next.bar(1, 60, time: 21, close: 99)
        next.publish()
        try reopened.follow(shorter)
        #expect(try reopened.closes("NSE:A", 60).last == 99)
        #expect(try reopened.seqs().last == 22)
    }

    @Test("a journal that the store has never followed is refused")
    func otherJournal() throws {
        let folder = TestFolder()
        let first = try Journal.open(folder.journalOptions())
        var recorder = Recorder(first)
        try recorder.control(HUB_CONTROL_SOURCE)
        recorder.publish()
        let store = try Store.open(folder: folder.path)
        try store.follow(first)
        try store.close()
        let other = TestFolder()
        let second = try Journal.open(other.journalOptions())
        let reopened = try Store.open(folder: folder.path)
        #expect(throws: StoreError.otherJournal(path: reopened.path, epoch: first.epoch)) {
            try reopened.follow(second)
        }
    }

    @Test("where retention was faster, the definitions come from the segment's head")
    func holeInJournal() throws {
        let folder = TestFolder()
        var options = folder.journalOptions()
        options.retentionBytes = 1
        let journal = try Journal.open(options)
        var recorder = Recorder(journal)
        let definition = StreamDefinition(id: 1, symbol: "NSE:A", source: "tape")
        journal.definitionsAtSegmentHead = {
            var bytes = [UInt8](repeating: 0, count: DefineRecord.lines(definition) * 64)
            bytes.withUnsafeMutableBytes { DefineRecord.write(definition, to: $0.baseAddress!) }
            return bytes
        }
        try recorder.define(1, "NSE:A")
        for number in 1...2000 { try recorder.bar(1, 60, time: Int64(number), close: Double(number)) }
        recorder.publish()
        try journal.seal()
        try recorder.bar(1, 60, time: 2001, close: 2001)
        recorder.publish()
        try journal.applyRetention(nowNanoseconds: .max, keepFrom: .max)
        let store = try Store.open(folder: folder.path)
        try store.follow(journal)
        #expect(try store.symbols() == ["NSE:A"])
        #expect(try store.closes("NSE:A", 60).last == 2001)
        #expect(store.definitions.stream(1) == definition)
    }

    @Test("market data alone is not written down each time, and makeDurable does it")
    func deferred() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.journalOptions())
        var recorder = Recorder(journal)
        try recorder.define(1, "NSE:A")
        recorder.publish()
        let store = try Store.open(folder: folder.path)
        try store.follow(journal)
        try recorder.trade(1)
        recorder.publish()
        try store.follow(journal)
        #expect(store.position == 2)
        #expect(store.durablePosition <= 2)
        try store.makeDurable()
        #expect(store.durablePosition == 2)
        try store.close()
        #expect(try Store.open(folder: folder.path).position == 2)
    }

    @Test("who waits for a position makes itself known, and goes on when the store has it")
    func waiting() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.journalOptions())
        var recorder = Recorder(journal)
        for _ in 1...100 { try recorder.control(HUB_CONTROL_SOURCE) }
        recorder.publish()
        let store = try Store.open(folder: folder.path)
        let calls = Atomic<Int>(0)
        #expect(!store.waitUntil(100, timeoutMilliseconds: 1))
        // Following on the thread that asks is what a follower does on its own.
        store.onWanted {
            calls.add(1, ordering: .relaxed)
            try? store.follow(journal)
        }
        #expect(store.waitUntil(100))
        #expect(store.waitUntil(100))
        #expect(calls.load(ordering: .relaxed) == 1)
    }
}

@Suite("Asking the store")
struct QueryTests {
    private func filled(_ folder: TestFolder) throws -> (Journal, Store) {
        let journal = try Journal.open(folder.journalOptions())
        var recorder = Recorder(journal)
        try recorder.define(1, "NSE:A", source: "first")
        try recorder.define(2, "NSE:B", source: "first")
        try recorder.define(3, "NSE:A", source: "second")
        try recorder.defineValue(1, "rsi(14)", interval: 60, outputs: ["rsi"])
        for number in 1...100 {
            // The source of an instrument changes on the way: the series does not.
            let stream: UInt32 = number > 50 ? 3 : 1
            try recorder.bar(stream, 60, time: Int64(number) * 60, close: Double(number))
            try recorder.value(stream, 1, time: Int64(number) * 60, Double(number) / 2)
            if number % 5 == 0 { try recorder.bar(stream, 300, time: Int64(number) * 60, close: Double(number)) }
            try recorder.bar(2, 60, time: Int64(number) * 60, close: -Double(number))
            if number == 30 { try recorder.gap(1) }
        }
        recorder.publish()
        let store = try Store.open(folder: folder.path)
        try store.follow(journal)
        return (journal, store)
    }

    @Test("bars come by time, oldest first: all of a range, its newest, its first, page by page")
    func bars() throws {
        let folder = TestFolder()
        let (_, store) = try filled(folder)
        #expect(try store.closes("NSE:A", 60) == (1...100).map { Double($0) })
        #expect(try store.closes("NSE:B", 60).first == -1)
        #expect(try store.closes("NSE:A", 300).count == 20)
        #expect(try store.closes("NSE:A", 900) == [])
        #expect(try store.closes("NSE:C", 60) == [])
        let part = SeriesRange(fromNanoseconds: 600, toNanoseconds: 900)
        #expect(try store.closes("NSE:A", 60, part) == [10, 11, 12, 13, 14])
        #expect(try store.closes("NSE:A", 60, SeriesRange(limit: 3)) == [1, 2, 3])
        #expect(try store.closes("NSE:A", 60, SeriesRange(limit: 3, takesNewest: true)) == [98, 99, 100])
        #expect(
            try store.closes("NSE:A", 60, SeriesRange(toNanoseconds: 600, limit: 2, takesNewest: true)) == [8, 9])
        var pages: [Double] = []
        var from: Int64 = 0
        while true {
            let page = try store.bars(symbol: "NSE:A", interval: 60, SeriesRange(fromNanoseconds: from, limit: 7))
            guard let last = page.last else { break }
            pages += page.map(\.close)
            from = last.head.ts_event + 1
        }
        #expect(pages == (1...100).map { Double($0) })
    }

    @Test("of each bar the newest revision counts, as known at a position")
    func revisions() throws {
        let folder = TestFolder()
        let (journal, store) = try filled(folder)
        let before = journal.head
        var recorder = Recorder(journal)
        recorder.received = 9_000_000
        try recorder.bar(1, 60, time: 600, close: 1000, revision: 1)
        let second = try recorder.bar(3, 60, time: 600, close: 2000, revision: 2)
        recorder.publish()
        try store.follow(journal)
        #expect(try store.closes("NSE:A", 60)[9] == 2000)
        #expect(try store.closes("NSE:A", 60).count == 100)
        #expect(try store.closes("NSE:A", 60, SeriesRange(through: second - 1))[9] == 1000)
        #expect(try store.closes("NSE:A", 60, SeriesRange(through: before))[9] == 10)
        let asServer = try store.bars(
            symbol: "NSE:A", interval: 60, from: 600, to: 660, through: .max, limit: 5, newest: true)
        #expect(asServer.map(\.revision) == [2])

        var events: [Double] = []
        try store.forEachBar(symbol: "NSE:A", interval: 60, before: second) { events.append($0.pointee.close) }
        #expect(events == (1...100).map { Double($0) } + [1000])
    }

    @Test("values of a definition come by time")
    func values() throws {
        let folder = TestFolder()
        let (_, store) = try filled(folder)
        var values: [Double] = []
        try store.forEachValue(symbol: "NSE:A", definition: 1, SeriesRange(limit: 2, takesNewest: true)) {
            values.append($0.pointee.values)
        }
        #expect(values == [49.5, 50])
    }

    @Test("events come by seq, of some kinds, in pieces, and backwards")
    func events() throws {
        let folder = TestFolder()
        let (journal, store) = try filled(folder)
        #expect(try store.seqs().count == Int(journal.head))
        let gaps = try store.seqs(KindSet([HUB_GAP]))
        #expect(gaps.count == 1)
        #expect(try store.seqs(KindSet([HUB_GAP, HUB_DEFINE])) == [1, 2, 3, 4] + gaps)
        var told: [UInt64] = []
        try store.gaps(through: .max) { told.append($0.pointee.seq) }
        #expect(told == gaps)
        try store.gaps(through: gaps[0] - 1) { _ in Issue.record("the gap is later") }

        // In pieces, each going on where the last ended.
        var position: UInt64 = 3
        var whole: [UInt8] = []
        while position < 60 {
            let piece = try store.records(after: position, before: 61, maxBytes: 500)
            #expect(piece.last > position)
            whole += piece.records
            position = piece.last
        }
        #expect(whole == (try store.records(after: 3, before: 61).records))
        #expect(position == 60)

        let newest = try store.newestRecords(2, before: journal.head + 1, kinds: KindSet([HUB_VALUE]))
        #expect(newest.count == 128)
        let seqs = [24, 88].map { offset in
            newest.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
        }
        #expect(seqs[0] < seqs[1] && seqs[1] > journal.head - 4)
        let wanted = try store.newestRecords(1, before: 50, where: { $0.pointee.kind == UInt8(HUB_DEFINE) })
        #expect(wanted.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 24, as: UInt64.self) } == 4)
    }

    @Test("instruments tell what is stored of them")
    func instruments() throws {
        let folder = TestFolder()
        let (_, store) = try filled(folder)
        #expect(try store.symbols() == ["NSE:A", "NSE:B"])
        let found = try #require(try store.instrument("NSE:A"))
        #expect(found.streams.map(\.source) == ["first", "second"])
        #expect(found.intervals == [60, 300] && found.values == [1])
        #expect(found.firstNanoseconds == 60 && found.lastNanoseconds == 6000)
        #expect(try store.instrument("NSE:C") == nil)
        #expect(try store.instruments(["NSE:B", "NSE:X", "NSE:A"]).map(\.symbol) == ["NSE:B", "NSE:A"])
    }

    @Test("retention removes what was received before a time, and definitions stay known")
    func retention() throws {
        let folder = TestFolder()
        let (_, store) = try filled(folder)
        let all = try store.seqs()
        let middle: UInt64 = 200
        let time = 1_000_000 + Int64(middle) * 1000
        #expect(try store.retain(receivedAtOrAfter: time) == Int(middle) - 1)
        #expect(try store.seqs() == all.filter { $0 >= middle })
        let left = try store.closes("NSE:A", 60)
        #expect(left.count > 10 && left.count < 60 && left.last == 100)
        #expect(
            try store.pool.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM entry") } == all.count
                - Int(middle) + 1)
        #expect(try store.retain(receivedAtOrAfter: time) == 0)
        try store.close()
        #expect(try Store.open(folder: folder.path).definitions.streams.count == 3)
    }
}

@Suite("What the store remembers and refuses")
struct MemoryTests {
    @Test("a sink's cursor moves forward only, and survives")
    func cursors() throws {
        let folder = TestFolder()
        let store = try Store.open(folder: folder.path)
        #expect(try store.sinkCursor("file") == nil)
        try store.setSinkCursor("file", to: 0)
        #expect(try store.sinkCursor("file") == 0)
        try store.setSinkCursor("file", to: 50)
        try store.setSinkCursor("file", to: 40)
        try store.setSinkCursor("other", to: 7)
        try store.close()
        let again = try Store.open(folder: folder.path)
        #expect(try again.sinkCursor("file") == 50)
        #expect(try again.sinkCursors().map(\.name) == ["file", "other"])
        try again.removeSinkCursor("file")
        #expect(try again.sinkCursor("file") == nil)
    }

    @Test("texts are kept under keys, apart from the store's own")
    func texts() throws {
        let folder = TestFolder()
        let store = try Store.open(folder: folder.path)
        try store.setText("x", forKey: "position")
        try store.setText("y", forKey: "position")
        #expect(try store.text(forKey: "position") == "y")
        #expect(store.position == 0)
        try store.setText(nil, forKey: "position")
        #expect(try store.text(forKey: "position") == nil)
    }

    @Test("a newer schema, a foreign database and a file that is none are refused in words")
    func refusals() throws {
        let folder = TestFolder()
        let store = try Store.open(folder: folder.path)
        let path = store.path
        try store.pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA user_version = 99") }
        try store.close()
        let newer = StoreError.newerSchema(path: path, found: 99, supported: Schema.version)
        #expect(throws: newer) { try Store.open(folder: folder.path) }
        #expect("\(newer)".contains("schema 99"))

        let foreign = TestFolder()
        let queue = try DatabaseQueue(path: "\(foreign.path)/store.sqlite")
        try queue.write { db in try db.execute(sql: "CREATE TABLE others (a)") }
        try queue.close()
        #expect(throws: StoreError.notAStore(path: "\(foreign.path)/store.sqlite")) {
            try Store.open(folder: foreign.path)
        }

        let none = TestFolder()
        let file = try SystemFiles().open("\(none.path)/store.sqlite", .creating)
        try SystemFiles().write([UInt8](repeating: 65, count: 5000), to: file, path: "")
        SystemFiles().close(file)
        #expect(throws: StoreError.notAStore(path: "\(none.path)/store.sqlite")) { try Store.open(folder: none.path) }
    }

    @Test("a folder that cannot be is told")
    func badFolder() throws {
        let folder = TestFolder()
        let file = try SystemFiles().open("\(folder.path)/file", .creating)
        SystemFiles().close(file)
        #expect(throws: StoreError.self) { try Store.open(folder: "\(folder.path)/file") }
        #expect(throws: StoreError.self) { try Store.open(folder: "\(folder.path)/no/such") }
    }
}
