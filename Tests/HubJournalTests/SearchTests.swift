import PluginABI
import Testing

@testable import HubJournal

@Suite("Searching by the index")
struct SearchTests {
    private let count: UInt64 = 2500

    private func matches(_ seq: UInt64, _ streams: [UInt32]?, _ kinds: [Int], _ from: Int64?, _ to: Int64?) -> Bool {
        streams?.contains(Sample.stream(seq)) ?? true && kinds.contains(Int(Sample.kind(seq)))
            && Sample.event(seq) >= from ?? .min && Sample.event(seq) < to ?? .max
    }

    private func compare(_ journal: Journal, seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        let every = [HUB_TRADE, HUB_QUOTE, HUB_BAR, HUB_VALUE, HUB_CONTROL]
        for _ in 0..<20 {
            let streams =
                Bool.random(using: &generator)
                ? nil
                : (0..<Int.random(in: 1...3, using: &generator)).map { _ in UInt32.random(in: 0..<13, using: &generator)
                }
            let kinds = every.filter { _ in Bool.random(using: &generator) }
            let from: Int64? =
                Bool.random(using: &generator) ? Sample.event(.random(in: 1...count, using: &generator)) : nil
            let to: Int64? =
                Bool.random(using: &generator) ? Sample.event(.random(in: 1...count, using: &generator)) : nil
            let after = UInt64.random(in: 0...count, using: &generator)
            let last = UInt64.random(in: 0...(count + 5), using: &generator)
            let filter = JournalFilter(
                streams: streams.map { StreamSet($0) }, kinds: KindSet(kinds), fromNanoseconds: from, toNanoseconds: to)
            let all = (1...count).filter { matches($0, streams, kinds, from, to) }

            var found: [UInt64] = []
            try journal.forEach(after: after, through: last, matching: filter) {
                found.append($0.pointee.seq)
                return true
            }
            #expect(found == all.filter { $0 > after && $0 <= last }, "seed \(seed)")
            #expect(try journal.firstSeq(after: after, matching: filter) == all.first { $0 > after }, "seed \(seed)")

            let wanted = Int.random(in: 1...40, using: &generator)
            var newest: [UInt64] = []
            try journal.newest(wanted, before: last, floor: after, matching: filter) { newest.append($0.pointee.seq) }
            #expect(newest == all.filter { $0 > after && $0 < last }.suffix(wanted), "seed \(seed)")

            let time =
                Sample.received(.random(in: 1...(count + 9), using: &generator))
                + .random(in: -5...5, using: &generator)
            let first = (1...count).first { Sample.received($0) >= time } ?? count + 1
            #expect(try journal.firstSeq(receivedAtOrAfter: time) == first, "seed \(seed)")
        }
    }

    @Test("agrees with looking at everything: open segment, sealed ones, and after a restart", arguments: [1, 2, 3])
    func searches(seed: UInt64) throws {
        let folder = TestFolder()
        var options = folder.options()
        options.segmentBytes = 128 << 10
        let journal = try Journal.open(options)
        // Searching while it grows brings the open segment's index up step by step.
        for _ in 0..<Int(count / 500) {
            try journal.append(500)
            _ = try journal.firstSeq(receivedAtOrAfter: .max)
        }
        try compare(journal, seed: seed)
        try journal.seal()
        try compare(journal, seed: seed + 100)
        try journal.close(clean: true)

        let left = folder.copy()
        try compare(try Journal.open(left.options()), seed: seed + 200)
        // Without an index, or with a damaged one, it is made anew.
        let other = folder.copy()
        let names = other.names(".index")
        other.change(names[0], at: 100, to: [1, 2, 3, 4])
        other.put([1], in: names[1])
        try compare(try Journal.open(other.options()), seed: seed + 300)
        try compare(try Journal.openReadOnly(folder: folder.path), seed: seed + 400)
    }

    @Test("a further condition narrows the newest ones, and ending early ends")
    func conditions() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(2000)
        var seqs: [UInt64] = []
        let isWanted: (UnsafePointer<hub_record>) -> Bool = { $0.pointee.seq % 500 == 1 }
        try journal.newest(3, matching: JournalFilter(), where: isWanted) {
            seqs.append($0.pointee.seq)
        }
        #expect(seqs == [501, 1001, 1501])
        let last = try journal.forEach(after: 10, matching: JournalFilter()) { $0.pointee.seq < 1234 }
        #expect(last == 1234)
    }

    @Test("an empty journal has nothing")
    func empty() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        #expect(try journal.newest(5, matching: JournalFilter()) { _ in } == 0)
        #expect(try journal.firstSeq(receivedAtOrAfter: 0) == 1)
        #expect(try journal.firstSeq(after: 0, matching: JournalFilter()) == nil)
        #expect(try journal.verify().faults == [])
    }

    @Test("kinds and streams are sets")
    func sets() {
        let kinds = KindSet([1, 63, 64, 128, 255])
        #expect(kinds.kinds == [1, 63, 64, 128, 255])
        #expect(KindSet.all.kinds.count == 256)
        let streams = StreamSet([5, 1, 5, 4_000_000_000])
        #expect(streams.ids == [1, 5, 4_000_000_000])
        #expect(streams.contains(1) && streams.contains(4_000_000_000))
        #expect(!streams.contains(0) && !streams.contains(64) && !streams.contains(4_000_000_001))
    }
}

@Suite("Verification")
struct VerificationTests {
    private func damaged(_ change: (TestFolder) throws -> Void) throws -> [JournalFault] {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(3000)
        try journal.close(clean: true)
        let left = folder.copy()
        try change(left)
        return try Journal.openReadOnly(folder: left.path).verify().faults
    }

    @Test("a whole journal has no faults, and is counted")
    func whole() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(3000)
        let result = try journal.verify()
        #expect(result.faults == [] && result.records == 3000 && result.first == 1 && result.last == 3000)
        #expect(result.segments == folder.names(".segment").count)
        #expect(result.bytes == Int64(result.segments * 64 << 10))
    }

    @Test("a flipped bit is found, with its block")
    func flippedBit() throws {
        let faults = try damaged { folder in
            let name = folder.names(".segment")[1]
            let byte = folder.bytes(of: name)[20000]
            folder.change(name, at: 20000, to: [byte ^ 4])
        }
        #expect(faults.count == 1 && faults.first?.offset == 0)
        #expect(faults.first?.text.contains("checksum") == true)
    }

    @Test("a missing seq is found, with its place")
    func missingSeq() throws {
        var place = 0
        var seq: UInt64 = 0
        let faults = try damaged { folder in
            let name = folder.names(".segment")[1]
            let bytes = folder.bytes(of: name)
            seq = try #require(Names.number(of: name, suffix: ".segment")) + 1
            place = 4096 + Int(bytes[4096]) * 64
            folder.change(name, at: place + 24, to: [0, 0, 0, 0, 0, 0, 0, 0])
        }
        #expect(faults.contains { $0.offset == place && $0.seq == seq })
    }

    @Test("a ts_recv that goes backwards, a damaged index, definitions and header are found")
    func others() throws {
        let backwards = try damaged { folder in
            folder.change(folder.names(".segment").last!, at: 4096 + 16, to: [0, 0, 0, 0, 0, 0, 0, 0])
        }
        #expect(backwards.map(\.offset) == [4096])
        #expect(backwards.first?.text.contains("ts_recv") == true)
        let index = try damaged { folder in folder.change(folder.names(".index")[0], at: 90, to: [1, 1, 1, 1]) }
        #expect(index.map(\.text) == ["the index is damaged"])
        let header = try damaged { folder in folder.change(folder.names(".segment")[0], at: 17, to: [1]) }
        #expect(header.map(\.offset) == [0])
        #expect(header.first?.text.contains("header") == true)
    }
}
