import EventFormat
import HubConfig
import HubFold
import HubJournal
import HubModel
import HubRuntime
import Logging
import PluginABI
import PluginKit
import VendorStages

/// A vendor's bytes in, events in the journal out, on one core: the plugin, the host's checks, the ring, numbering, fold with
/// bars of a minute, journal.
struct JournalMeasure {
    static func run(_ tape: VendorTape, kinds: PluginKit.KindSet, seconds: Double, folder: String) throws
        -> DecodeMeasure.Result
    {
        let stage = try VendorStage.of(tape, kinds: kinds)
        let context = InstanceContext(
            name: "feed", settings: PluginSettings(.empty, integers: [:]), isSimulated: false,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }, takes: { _ in true })
        let base = try PluginInstance(entry: PluginRelay.entry(to: stage), id: "feed", context: context)
        let provider = try ProviderInstance(base, name: "feed", maximumLines: 16_384)
        let now = hub_now(wall_ns: stage.hub.now + 60_000_000_000, mono_ns: 1)
        try provider.start(wanted: stage.symbols.map { ($0, kinds.rawValue) }, now: now)

        var options = JournalOptions(folder: folder)
        options.retentionBytes = 1 << 30
        let journal = try Journal.open(options)
        let plan = FoldPlan(
            pipelines: [
                PipelinePlan(
                    name: "bench", sources: ["feed"], instruments: try stage.symbols.map { try Symbol($0) },
                    bars: [.m1])
            ],
            sources: [SourcePlan(name: "feed")])
        let sequencer = Sequencer(
            journal: journal, fold: Fold(plan: plan), definitions: SharedDefinitions(DefinitionTable()), last: 0,
            lastReceivedNanoseconds: 0, clock: { 1 })
        let source = Source(name: "feed") { provider.definition(of: $0) }

        var result = DecodeMeasure.Result()
        var retained: UInt64 = 0
        let perTake = max(1, 256 * tape.messages.count / tape.items)
        let start = ThreadClock.worked
        repeat {
            for (number, message) in tape.messages.enumerated() {
                message.withUnsafeBufferPointer { provider.receive($0, isText: tape.isText, connection: 1, now: now) }
                // As two threads do when there is much: the one reads on while the other takes what is there.
                guard number % perTake == perTake - 1 || number == tape.messages.count - 1 else { continue }
                let waiting = provider.waiting(limit: 1 << 20)
                guard waiting.count > 0 else { continue }
                let (bytes, refusal) = sequencer.take(waiting, from: source)
                if let refusal { throw refusal }
                sequencer.publish()
                provider.consume(bytes)
            }
            result.items += tape.items
            result.bytes += tape.bytes
            // As the running hub does: old segments go while it works.
            if sequencer.last / 1_000_000 > retained {
                retained = sequencer.last / 1_000_000
                _ = try journal.applyRetention(nowNanoseconds: now.wall_ns, keepFrom: sequencer.last)
            }
            result.seconds = ThreadClock.worked - start
        } while result.seconds < seconds
        result.records = Int(sequencer.last)
        try journal.close(clean: true)
        return result
    }
}
