import EventFormat
import HubModel
import PluginABI
import Testing

@testable import HubServer

@Suite("Conflation: what a slow client is given of a range")
struct ConflationTests {
    /// Streams 1 and 2 are one instrument of two sources, 3 is another, 4 is not subscribed to.
    private func definitions() -> DefinitionTable {
        var table = DefinitionTable()
        for (id, symbol, source) in [(1, "NSE:TCS", "a"), (2, "NSE:TCS", "b"), (3, "NSE:INFY", "a"), (4, "BSE:X", "a")]
        {
            let record = StreamRecord.define(
                StreamDefinition(
                    id: UInt32(id), symbol: symbol, source: source, instrumentType: UInt8(HUB_TYPE_EQUITY),
                    currency: "INR",
                    calendar: "always", tickSize: 0.01))
            withExtendedLifetime(record) { _ = table.learn(record.pointer) }
        }
        return table
    }

    private func filter(_ table: DefinitionTable) throws -> CompiledFilter {
        CompiledFilter(
            SubscriptionFilter(patterns: try StreamFixture.patterns(["NSE:*"]), selector: .events), definitions: table)
    }

    private func plan(_ records: [StreamRecord], _ filter: CompiledFilter, _ table: DefinitionTable) -> ConflationPlan {
        var scan = ConflationScan(filter: filter, definitions: table)
        for record in records { scan.feed(record.pointer) }
        return scan.plan(after: 0, through: UInt64(records.count))
    }

    @Test("of quotes, ticks, books and greeks the newest of each instrument is kept, of everything else all")
    func newest() throws {
        let table = definitions()
        let kinds: [(kind: Int, stream: UInt32)] = [
            (HUB_QUOTE, 1), (HUB_TRADE, 1), (HUB_QUOTE, 2), (HUB_TICK, 3), (HUB_TRADE, 1), (HUB_BAR, 3), (HUB_QUOTE, 3),
            (HUB_TICK, 3), (HUB_BOOK, 1), (HUB_GREEKS, 1), (HUB_QUOTE, 1), (HUB_QUOTE, 4), (HUB_QUOTE, 4),
            (HUB_TICK, 3),
        ]
        let records = kinds.enumerated().map { StreamRecord($1.kind, stream: $1.stream, seq: UInt64($0 + 1)) }
        let plan = plan(records, try filter(table), table)
        let sent = records.filter { plan.keeps($0.pointer) }.map { $0.pointer.pointee.seq }
        #expect(sent == [2, 5, 6, 7, 9, 10, 11, 12, 13, 14])
        #expect(plan.dropped == 4)
        #expect(
            plan.items == [
                .init(symbol: "NSE:TCS", type: "quote", dropped: 2, firstSeq: 1, lastSeq: 3, keptSeq: 11),
                .init(symbol: "NSE:INFY", type: "tick", dropped: 2, firstSeq: 4, lastSeq: 8, keptSeq: 14),
            ])
        #expect(
            StreamFixture.text(plan.objects[0])
                == #"{"type":"conflated","first_seq":1,"last_seq":14,"dropped":4,"items":["#
                + #"{"symbol":"NSE:TCS","type":"quote","dropped":2,"first_seq":1,"last_seq":3,"kept_seq":11},"#
                + #"{"symbol":"NSE:INFY","type":"tick","dropped":2,"first_seq":4,"last_seq":8,"kept_seq":14}]}"#)
    }

    @Test("what a later subscription adds is not left out by a plan that does not know of it")
    func widened() throws {
        let table = definitions()
        let records = (1...6).map { StreamRecord(HUB_QUOTE, stream: $0 % 2 == 0 ? 4 : 1, seq: UInt64($0)) }
        let plan = plan(records, try filter(table), table)
        #expect(records.filter { plan.keeps($0.pointer) }.map { $0.pointer.pointee.seq } == [2, 4, 5, 6])
    }

    @Test("a range without anything to leave out is not announced")
    func nothing() throws {
        let table = definitions()
        let records = [StreamRecord(HUB_QUOTE, stream: 1, seq: 1), StreamRecord(HUB_TRADE, stream: 1, seq: 2)]
        let plan = plan(records, try filter(table), table)
        #expect(plan.objects.isEmpty && plan.dropped == 0)
    }

    @Test("more items than a message holds come in several objects whose counts add up")
    func many() throws {
        var table = DefinitionTable()
        var records: [StreamRecord] = []
        for number in 1...5000 {
            let record = StreamRecord.define(
                StreamDefinition(
                    id: UInt32(number), symbol: "NSE:S\(number)", source: "a", instrumentType: UInt8(HUB_TYPE_EQUITY),
                    currency: "INR", calendar: "always", tickSize: 0.01))
            withExtendedLifetime(record) { _ = table.learn(record.pointer) }
            for _ in 0..<3 {
                records.append(StreamRecord(HUB_QUOTE, stream: UInt32(number), seq: UInt64(records.count + 1)))
            }
        }
        let plan = plan(records, try filter(table), table)
        #expect(plan.objects.count == 3)
        var sum: UInt64 = 0
        for case .conflated(let part) in plan.objects {
            sum += part.dropped
            #expect(StreamFixture.text(.conflated(part)).utf8.count < FrameBuilder.limit)
        }
        #expect(sum == 10_000 && plan.dropped == 10_000)
    }
}
