import EventFormat
import HubJournal
import PluginABI
import Testing

@testable import HubStore

@Suite("Chunks told apart by their headers")
struct TimeSearchTests {
    /// Events over several segments and days, which overlap in time.
    private func past() throws -> Past {
        var past = try Past(seed: 31)
        try past.define()
        for round in 0..<6 {
            if round == 3 { past.nextDay() }
            try past.add(900, stepNanoseconds: 400_000_000)
            try past.sealAndCompact()
        }
        return past
    }

    private let kinds = KindSet([HUB_TRADE, HUB_QUOTE, HUB_BOOK, HUB_TICK])

    @Test("counts by stream and kind are those of the records, whatever the range cuts through")
    func counts() throws {
        let past = try past()
        var generator = SeededGenerator(state: 5)
        let head = past.store.compactedTo
        let times = past.model.records.map(Model.time)
        for round in 0..<40 {
            let from = round == 0 ? nil : Bool.random(using: &generator) ? times.randomElement(using: &generator) : nil
            let to = round == 0 ? nil : Bool.random(using: &generator) ? times.randomElement(using: &generator) : nil
            let through = round % 3 == 0 ? head : UInt64.random(in: 1...head, using: &generator)
            let streams = round % 2 == 0 ? nil : StreamSet([1, 3])
            let filter = JournalFilter(
                streams: streams, kinds: kinds, fromNanoseconds: from, toNanoseconds: to)
            var expected: [UInt64: EventCount] = [:]
            for record in past.model.records.prefix(Int(through)) {
                let head = Model.head(of: record)
                let time = Model.time(of: record)
                guard kinds.contains(head.kind), streams?.contains(head.stream) ?? true, time >= from ?? .min,
                    time < to ?? .max
                else { continue }
                let key = UInt64(head.stream) << 8 | UInt64(head.kind)
                expected[
                    key,
                    default: EventCount(
                        stream: head.stream, kind: head.kind, count: 0, firstNanoseconds: time, lastNanoseconds: time)
                ].add(count: 1, first: time, last: time)
            }
            let counted = try past.store.countPacked(through: through, matching: filter)
            #expect(Set(counted) == Set(expected.values), "round \(round)")
        }
    }

    @Test("retention and damage take what they take from the counts")
    func gone() throws {
        let past = try past()
        let before = try past.store.countPacked(through: .max, matching: JournalFilter(kinds: kinds))
        let retention = StoreRetention(ages: StoreAges()) { symbol in
            symbol == "NSE:B" ? StoreAges(ticks: 0, books: 0, bars: .max) : nil
        }
        try past.store.retain(retention, now: past.recorder.received + 2 * dayNanoseconds)
        let after = try past.store.countPacked(through: .max, matching: JournalFilter(kinds: kinds))
        #expect(Set(before.map(\.stream)) == [1, 2, 3, 4, 5] && Set(after.map(\.stream)) == [1, 3, 4, 5])
        #expect(after == before.filter { $0.stream != 2 })
    }

    @Test("what is in force at a time is found, and little is unpacked for it")
    func inForce() throws {
        let past = try past()
        var generator = SeededGenerator(state: 6)
        let head = past.store.compactedTo
        let all = past.model.records.map { (head: Model.head(of: $0), time: Model.time(of: $0)) }
        for round in 0..<30 {
            let through = round % 3 == 0 ? head : UInt64.random(in: 1...head, using: &generator)
            let stream = UInt32.random(in: 1...5, using: &generator)
            let count = [1, 2, 30].randomElement(using: &generator)!
            var times = (0..<count).map { _ in
                all.randomElement(using: &generator)!.time + Int64.random(in: -5...5, using: &generator)
            }
            times.append(all[0].time - 1)
            times.sort()
            let filter = JournalFilter(
                streams: StreamSet([stream]), kinds: KindSet([HUB_TRADE]), toNanoseconds: times.last! + 1)
            var found = [(time: Int64, seq: UInt64)?](repeating: nil, count: times.count)
            var looked = 0
            try TimeSearch(past.store, through: through, matching: filter).run(streams: [stream], times: times) {
                found[$0]?.time ?? .min
            } take: { record in
                looked += 1
                let time = record.pointee.ts_event != 0 ? record.pointee.ts_event : record.pointee.ts_recv
                for number in times.indices where time <= times[number] {
                    if let known = found[number], (known.time, known.seq) > (time, record.pointee.seq) { continue }
                    found[number] = (time, record.pointee.seq)
                }
            }
            for (number, time) in times.enumerated() {
                let expected = all.filter {
                    Int($0.head.kind) == HUB_TRADE && $0.head.stream == stream && $0.head.seq <= through
                        && $0.time <= time
                }.max { ($0.time, $0.head.seq) < ($1.time, $1.head.seq) }
                #expect(found[number]?.seq == expected?.head.seq, "round \(round), time \(number)")
            }
            if count == 1 {
                let trades = all.filter { Int($0.head.kind) == HUB_TRADE && $0.head.stream == stream }.count
                #expect(looked < trades / 2, "round \(round): \(looked) of \(trades)")
            }
        }
    }
}
