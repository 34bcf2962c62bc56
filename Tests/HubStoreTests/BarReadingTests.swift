import Foundation
import GRDB
import HubJournal
import PluginABI
import Testing

@testable import HubStore

/// Random numbers that can be had again.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    init() {
        state = ProcessInfo.processInfo.environment["HUB_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
        print("HUB_SEED=\(state)")
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

private func row(_ time: Int64, _ seq: UInt64, _ dice: inout Dice, wild: Bool) -> StoredBar {
    var bar = hub_bar()
    bar.head.ts_event = time
    bar.head.seq = seq
    bar.head.flags = UInt16.random(in: 0...3, using: &dice)
    func number() -> Double {
        if wild {
            let strange: [Double] = [.nan, -0.0, 0.1 + 0.2, 1e300, 5e-324, 1.0 / 3]
            return Bool.random(using: &dice)
                ? strange.randomElement(using: &dice)! : Double(bitPattern: UInt64.random(in: 0 ... .max, using: &dice))
        }
        return Double(Int.random(in: 0...1_000_000, using: &dice)) / 100
    }
    bar.open = number()
    bar.high = number()
    bar.low = number()
    bar.close = number()
    bar.volume = number()
    bar.notional = number()
    bar.open_interest = .nan
    bar.count = UInt64.random(in: 0...(wild ? .max : 5000), using: &dice)
    bar.revision = UInt16.random(in: 0...3, using: &dice)
    return StoredBar(bar)
}

private func bytes(_ bars: some Sequence<StoredBar>) -> [[UInt8]] { bars.map { withUnsafeBytes(of: $0) { Array($0) } } }

@Suite("Blocks of bars")
struct BarBlockTests {
    @Test("bars come out of a block as they went in, to the last bit", arguments: [false, true])
    func roundTrip(wild: Bool) throws {
        var dice = Dice()
        for count in [0, 1, 2, 255, 1024, 2048] {
            var time = wild ? Int64.min : 1_736_135_100_000_000_000
            let bars = (0..<count).map { index in
                time &+= wild ? Int64.random(in: 0...(1 << 52), using: &dice) : 60_000_000_000
                return row(time, UInt64(index) * 7 + 3, &dice, wild: wild)
            }
            let block = bars.withUnsafeBufferPointer { BarBlock.encode($0) }
            let back = try block.withUnsafeBytes { try BarShelf.bars($0) }
            #expect(bytes(back) == bytes(bars))
            if !wild, count == 1024 { #expect(block.count < 45 * count) }
        }
    }

    @Test("bytes that were cut or are none give an error, never bars")
    func damage() throws {
        var dice = Dice()
        let bars = (0..<100).map { row(Int64($0), UInt64($0), &dice, wild: false) }
        let block = bars.withUnsafeBufferPointer { BarBlock.encode($0) }
        for length in 5..<block.count {
            #expect(throws: (any Error).self) { try block[..<length].withUnsafeBytes { try BarShelf.bars($0) } }
        }
    }
}

@Suite("Reading bars")
struct BarReadingTests {
    private let symbols = ["NSE:A", "NSE:B", "NSE:C"]

    /// What the events say, by the slow and simple way.
    private func expected(_ store: Store, _ symbol: String, _ range: SeriesRange) throws -> [[UInt8]] {
        bytes(try store.bars(symbol: symbol, interval: 60, range).map(StoredBar.init))
    }

    private func check(_ store: Store, _ dice: inout Dice, head: UInt64, times: Int64) throws {
        for _ in 0..<40 {
            var range = SeriesRange(limit: Int.random(in: 1...3000, using: &dice))
            if Bool.random(using: &dice) { range.fromNanoseconds = Int64.random(in: -5...times, using: &dice) }
            if Bool.random(using: &dice) { range.toNanoseconds = Int64.random(in: 0...(times + 5), using: &dice) }
            if Bool.random(using: &dice) { range.through = UInt64.random(in: 0...head, using: &dice) }
            range.takesNewest = Bool.random(using: &dice)
            let asked = (0..<Int.random(in: 1...4, using: &dice)).map { _ in symbols.randomElement(using: &dice)! }
            for isExact in [false, true] {
                var got = [[StoredBar]](repeating: [], count: asked.count)
                var order: [Int] = []
                let whole = try store.readBars(of: asked, interval: 60, range, isExact: isExact) { index, run in
                    got[index] += run
                    if order.last != index { order.append(index) }
                    return true
                }
                #expect(order == order.sorted())
                for (index, symbol) in asked.enumerated() {
                    let rows = range.takesNewest ? Array(got[index].suffix(range.limit)) : got[index]
                    let expected = try expected(store, symbol, range)
                    if whole || isExact {
                        try #require(bytes(rows) == expected, "\(symbol) \(range) \(isExact)")
                    } else {
                        // Told to ask again: what came is at least the end of it.
                        try #require(bytes(rows) == expected.suffix(rows.count) || rows.count < range.limit)
                    }
                }
            }
        }
    }

    @Test("bars read from blocks are those of the events: random times, revisions, retention, any range and position")
    func model() throws {
        var dice = Dice()
        let folder = TestFolder()
        let journal = try Journal.open(folder.journalOptions())
        var recorder = Recorder(journal)
        for (index, symbol) in symbols.enumerated() { try recorder.define(UInt32(index + 1), symbol) }
        var store = try Store.open(folder: folder.path)
        var next: [Int64] = [0, 0, 0]
        for round in 0..<24 {
            for _ in 0..<Int.random(in: 0...900, using: &dice) {
                let series = Int.random(in: 0..<3, using: &dice)
                let goesBack = Int.random(in: 0..<12, using: &dice) == 0
                let time = goesBack ? Int64.random(in: 0...next[series], using: &dice) : next[series]
                if !goesBack { next[series] += Int64.random(in: 1...3, using: &dice) }
                try recorder.bar(
                    UInt32(series + 1), 60, time: time, close: Double.random(in: 1...2, using: &dice),
                    revision: goesBack ? 1 : 0)
            }
            recorder.publish()
            try store.follow(journal)
            if round % 9 == 8 {
                try store.retain(receivedAtOrAfter: recorder.received - Int64.random(in: 0...2_000_000, using: &dice))
            }
            if round % 7 == 6 {
                try store.close()
                store = try Store.open(folder: folder.path)
            }
            try check(store, &dice, head: journal.head, times: next.max()!)
        }
        try store.close()
    }

    @Test("older bars that come later are put in front and between")
    func backfill() throws {
        var dice = Dice()
        let folder = TestFolder()
        let journal = try Journal.open(folder.journalOptions())
        var recorder = Recorder(journal)
        try recorder.define(1, "NSE:A")
        let store = try Store.open(folder: folder.path)
        for stretch in [40_000..<43_000, 10_000..<12_500, 20_000..<26_000, 9_000..<10_000, 0..<100] {
            for time in stretch { try recorder.bar(1, 60, time: Int64(time), close: Double(time)) }
            recorder.publish()
            try store.follow(journal)
            try check(store, &dice, head: journal.head, times: 43_000)
        }
        // Nothing is left piecemeal: full blocks, and no more rows beside them than one gathers.
        let (blocks, single) = try store.pool.read { db in
            (
                try Int.fetchOne(db, sql: "SELECT count(*) FROM bar_block")!,
                try Int.fetchOne(db, sql: "SELECT count(*) FROM bar_tail")!
            )
        }
        #expect(blocks <= 12_600 / 512 + 6)
        #expect(single < BarShelf.tailRows)
    }

    @Test("a store of the version before is brought up to date, with every bar")
    func migration() throws {
        var dice = Dice()
        let folder = TestFolder()
        let journal = try Journal.open(folder.journalOptions())
        var recorder = Recorder(journal)
        for (index, symbol) in symbols.enumerated() { try recorder.define(UInt32(index + 1), symbol) }
        for time in 0..<3000 {
            try recorder.bar(1, 60, time: Int64(time), close: 1)
            if time % 3 == 0 { try recorder.bar(2, 60, time: Int64(time), close: 2) }
            if time % 50 == 0 { try recorder.bar(1, 60, time: Int64(time / 2), close: 3, revision: 1) }
        }
        recorder.publish()
        let store = try Store.open(folder: folder.path)
        try store.follow(journal)
        // What version 2 had.
        try store.pool.write { db in
            try db.execute(sql: "DROP TABLE bar_block; DROP TABLE bar_tail; PRAGMA user_version = 2")
        }
        try store.close()
        let migrated = try Store.open(folder: folder.path)
        let version = try migrated.pool.read { db in try Int.fetchOne(db, sql: "PRAGMA user_version") }
        #expect(version == Schema.version)
        try check(migrated, &dice, head: journal.head, times: 3000)
        try recorder.bar(1, 60, time: 3000, close: 9)
        recorder.publish()
        try migrated.follow(journal)
        try check(migrated, &dice, head: journal.head, times: 3001)
    }

    @Test("what power loss took from the journal is taken back from the bars, too")
    func powerLoss() throws {
        var dice = Dice()
        let folder = TestFolder()
        var journal: Journal? = try Journal.open(folder.journalOptions())
        var recorder = Recorder(journal!)
        try recorder.define(1, "NSE:A")
        for time in 0..<500 { try recorder.bar(1, 60, time: Int64(time), close: 1) }
        recorder.publish()
        let before = folder.copy()
        for time in 400..<700 { try recorder.bar(1, 60, time: Int64(time), close: 2, revision: 1) }
        recorder.publish()
        let store = try Store.open(folder: folder.path)
        try store.follow(journal!)
        try store.close()
        journal = nil
        // The journal as it was, the store as it is now.
        for name in ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"] {
            try? FileManager.default.copyItem(atPath: "\(folder.path)/\(name)", toPath: "\(before.path)/\(name)")
        }
        let older = try Journal.open(before.journalOptions(boot: "boot-2"))
        let reopened = try Store.open(folder: before.path)
        try reopened.follow(older)
        var closes: [Double] = []
        try reopened.readBars(of: ["NSE:A"], interval: 60, SeriesRange()) {
            closes += $1.map(\.close)
            return true
        }
        #expect(closes == [Double](repeating: 1, count: 500))
        try check(reopened, &dice, head: older.head, times: 700)
    }
}
