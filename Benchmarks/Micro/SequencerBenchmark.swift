import ArgumentParser
import EventFormat
import Glibc
import HubFold
import HubJournal
import HubModel
import HubRuntime
import PluginABI

/// Trades of sixteen instruments through numbering, journal and fold with bars of five intervals, on one core.
struct SequencerBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "sequencer")

    @Option var seconds = 10.0
    @Option var folder: String
    @Flag(help: "without the checks of data quality") var unchecked = false

    func run() throws {
        let symbols = try (0..<16).map { try Symbol("SIM:S\($0)") }
        var options = JournalOptions(folder: folder)
        options.retentionBytes = 1 << 30
        let journal = try Journal.open(options)
        let plan = FoldPlan(
            pipelines: [
                PipelinePlan(
                    name: "bench", sources: ["feed"], instruments: symbols,
                    bars: [.s1, .m1, .m5, .h1, .d1], quality: unchecked ? .off : QualityPlan())
            ],
            sources: [SourcePlan(name: "feed")])
        let fold = Fold(plan: plan)
        let sequencer = Sequencer(
            journal: journal, fold: fold, definitions: SharedDefinitions(DefinitionTable()), last: 0,
            lastReceivedNanoseconds: 0, clock: { 1 })
        let source = Source(name: "feed") { handle in
            StreamDefinition(
                id: 0, symbol: symbols[Int(handle) - 1].text, source: "feed", marketCentre: "", instrumentType: 0,
                currency: "", calendar: "always", tickSize: .nan, lotSize: .nan, simulated: false)
        }
        let batch = 256
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: batch * 64, alignment: 64)
        defer { space.deallocate() }
        var state: UInt64 = 1
        var time: Int64 = 1_700_000_000_000_000_000
        var count: UInt64 = 0
        var retained = 0
        let start = now()
        while Double(now() - start) / 1e9 < seconds {
            for index in 0..<batch {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let trade = (space.baseAddress! + index * 64).assumingMemoryBound(to: hub_trade.self)
                trade.pointee = hub_trade()
                trade.pointee.head.lines = 1
                trade.pointee.head.kind = UInt8(HUB_TRADE)
                trade.pointee.head.stream = UInt32(state >> 60) + 1
                time += 100_000
                trade.pointee.head.ts_event = time
                trade.pointee.head.ts_recv = time + 1_000_000
                trade.pointee.price = 100 + Double(state >> 54 & 0xff) / 100
                trade.pointee.size = Double(state >> 40 & 0x3f) + 1
            }
            let (bytes, refusal) = sequencer.take(space, from: source)
            if let refusal { throw refusal }
            sequencer.publish()
            count += UInt64(bytes / 64)
            // As the running hub does: old segments go while it works.
            if count / 4_000_000 > retained {
                retained += 1
                _ = try journal.applyRetention(nowNanoseconds: time, keepFrom: sequencer.last)
            }
        }
        let took = Double(now() - start) / 1e9
        try journal.close(clean: true)
        print(
            #"{"records_per_second":\#(Int(Double(count) / took)),"records":\#(count),"journaled":\#(sequencer.last)}"#)
    }

    private func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
