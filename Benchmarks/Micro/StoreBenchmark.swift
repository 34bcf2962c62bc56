import ArgumentParser
import Glibc
import HubChunks
import HubJournal
import HubStore
import PluginABI

/// Trades through compaction and back, on one core.
struct StoreBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "store")

    @Option var records = 4_000_000
    @Option var streams = 16
    @Option var folder: String

    func run() throws {
        let journal = try Journal.open(JournalOptions(folder: folder))
        try fill(journal)
        let store = try Store.open(folder: folder)
        try store.follow(journal)

        var packed = 0
        var bytes = 0
        let (compaction, compactionOfCore) = try seconds {
            while let done = try store.compactNext(journal) {
                packed += done.records
                bytes += done.bytes
            }
        }
        var read = 0
        let (reading, readingOfCore) = try seconds {
            let reader = store.reader(after: 0, through: store.compactedTo)
            var buffer = RecordBuffer(capacity: 2 << 20)
            while true {
                buffer.removeAll()
                let stop = try reader.read(into: &buffer, maxBytes: 1 << 20)
                read += buffer.count / Int(HUB_LINE)
                if stop == .end { break }
            }
        }
        guard read == packed else { throw ValidationError("\(packed) records were packed and \(read) came back") }
        try store.close()
        try journal.close(clean: true)
        print(
            #"{"compacted_per_second":\#(Int(Double(packed) / compaction)),"#
                + #""compacted_per_cpu_second":\#(Int(Double(packed) / compactionOfCore)),"#
                + #""read_per_second":\#(Int(Double(read) / reading)),"#
                + #""read_per_cpu_second":\#(Int(Double(read) / readingOfCore)),"#
                + #""bytes_per_record":\#(Double(bytes) / Double(packed)),"records":\#(packed)}"#)
    }

    private func fill(_ journal: Journal) throws {
        let (records, streams) = (records, streams)
        var state: UInt64 = 1
        var time: Int64 = 1_700_000_000_000_000_000
        var price = [Double](repeating: 100, count: streams)
        for number in 0..<records {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let stream = Int(state >> 33) % streams
            price[stream] += Double(Int(state >> 20 & 7) - 3) / 100
            time += Int64(state >> 50)
            let seq = journal.nextSeq
            let place = try journal.reserve(lines: 1)
            var trade = hub_trade()
            trade.head.lines = 1
            trade.head.kind = UInt8(HUB_TRADE)
            trade.head.stream = UInt32(stream + 1)
            trade.head.ts_event = time / 1000 * 1000
            trade.head.ts_recv = time + 1_000_000
            trade.price = (price[stream] * 100).rounded() / 100
            trade.size = Double(state >> 40 & 0x3f) + 1
            place.storeBytes(of: trade, as: hub_trade.self)
            journal.commit(place, seq: seq)
            if number % 1000 == 0 { journal.publish() }
        }
        journal.publish()
        try journal.seal()
    }

    /// Seconds on the wall, and those in which the calling thread had a core: what others take says nothing about it.
    private func seconds(_ body: () throws -> Void) rethrows -> (wall: Double, core: Double) {
        let start = now(CLOCK_MONOTONIC)
        let worked = now(CLOCK_THREAD_CPUTIME_ID)
        try body()
        return (Double(now(CLOCK_MONOTONIC) - start) / 1e9, Double(now(CLOCK_THREAD_CPUTIME_ID) - worked) / 1e9)
    }

    private func now(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
