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
        let compaction = try seconds {
            while let done = try store.compactNext(journal) {
                packed += done.records
                bytes += done.bytes
            }
        }
        var read = 0
        let reading = try seconds {
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
                + #""read_per_second":\#(Int(Double(read) / reading)),"#
                + #""bytes_per_record":\#(Double(bytes) / Double(packed)),"records":\#(packed)}"#)
    }

    private func fill(_ journal: Journal) throws {
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

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = now()
        try body()
        return Double(now() - start) / 1e9
    }

    private func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
