import EventFormat
import Foundation
import HubModel
import PluginABI
import Testing

@testable import HubServer

@Suite("Groups by what they want")
struct GroupIndexTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    private static var seed: UInt64 {
        ProcessInfo.processInfo.environment["HUB_SEED"].flatMap { UInt64($0) } ?? .random(in: 1...UInt64.max)
    }

    private static func record(_ stream: UInt32, _ values: UInt32, _ random: inout Generator) -> StreamRecord {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: .bar(stream: stream, interval: [60, 300, 7].randomElement(using: &random)!)
        case 1 where values > 0: .value(stream: stream, definition: .random(in: 1...values, using: &random))
        case 2: StreamRecord(HUB_SIGNAL, stream: stream)
        case 3: .control(HUB_CONTROL_CLOCK, stream: stream)
        default: StreamRecord(HUB_TRADE, stream: stream)
        }
    }

    @Test("a record reaches the groups whose filter takes it, each once, whatever groups and definitions come and go")
    func exact() throws {
        var random = Generator(state: Self.seed)
        let seed: Comment = "HUB_SEED=\(random.state)"
        let wishes = [["trade"], ["bar:1m"], ["bar"], ["value:rsi(14)@1m"], ["trade", "signal"], ["*"]]
        for _ in 0..<20 {
            var index = GroupIndex()
            var groups: [Group] = []
            var table = DefinitionTable()
            var streams: UInt32 = 0
            var values: UInt32 = 0
            let sealer = FrameSealer(epoch: StreamFixture.epoch)
            for _ in 0..<300 {
                switch Int.random(in: 0..<10, using: &random) {
                case 0, 1:
                    streams += 1
                    table.learn(StreamDefinition(id: streams, symbol: "NSE:S\(streams % 40)", source: "s\(streams)"))
                    index.update(table)
                case 2 where Int.random(in: 0..<8, using: &random) == 0:
                    values += 1
                    table.learn(ValueDefinition(id: values, name: "rsi(14)", interval: 60, outputs: ["rsi"]))
                    index.update(table)
                case 3, 4, 5:
                    let names =
                        Int.random(in: 0..<8, using: &random) == 0
                        ? ["NSE:*"] : (0..<2).map { _ in "NSE:S\(Int.random(in: 0..<40, using: &random))" }
                    let filter = SubscriptionFilter(
                        patterns: try StreamFixture.patterns(names),
                        selector: try EventSelector(wishes.randomElement(using: &random)!), excludedFlags: 0)
                    let group = Group(
                        key: GroupKey(filter: filter, style: .microseconds),
                        filter: CompiledFilter(filter, definitions: table), encoder: 0, sealer: sealer)
                    index.add(group, table)
                    groups.append(group)
                case 6 where !groups.isEmpty:
                    index.remove(groups.remove(at: .random(in: groups.indices, using: &random)))
                default:
                    let record = Self.record(.random(in: 0...streams, using: &random), values, &random)
                    var reached: [ObjectIdentifier] = []
                    index.forEach(record.pointer) { reached.append(ObjectIdentifier($0)) }
                    let wanted = groups.filter { $0.filter.compiled.accepts(record) }.map(ObjectIdentifier.init)
                    #expect(Set(reached) == Set(wanted) && reached.count == wanted.count, seed)
                }
            }
        }
    }
}
