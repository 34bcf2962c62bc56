import Glibc
import HubChunks
import PluginABI

/// Packs chunks again and again, unpacks them again and again, and checks that what comes back is what went in.
struct ChunkMeasure {
    private(set) var bytesPerRecord = 0.0
    private(set) var encodedPerSecond = 0.0
    private(set) var decodedPerSecond = 0.0

    init(_ chunks: [[UnsafePointer<hub_record>]], seconds: Double) throws {
        let records = chunks.reduce(0) { $0 + $1.count }
        var encoder = ChunkEncoder()
        var decoder = ChunkDecoder()
        let packed = chunks.map { $0.withUnsafeBufferPointer { encoder.encode($0) } }
        let size = packed.reduce(0) { $0 + $1.count }
        bytesPerRecord = Double(size) / Double(records)
        encodedPerSecond = try Self.rate(records, seconds) {
            let again = chunks.reduce(0) { $0 + $1.withUnsafeBufferPointer { encoder.encode($0) }.count }
            guard again == size else { throw TapeError("the same records pack into other bytes") }
        }
        var output = RecordBuffer(capacity: ChunkEncoder.mostRecords * Int(HUB_LINE))
        decodedPerSecond = try Self.rate(records, seconds) {
            for chunk in packed {
                output.removeAll()
                try chunk.withUnsafeBytes { try decoder.decode($0, into: &output) }
            }
        }
        for (chunk, bytes) in zip(chunks, packed) {
            output.removeAll()
            try bytes.withUnsafeBytes { try decoder.decode($0, into: &output) }
            for (index, record) in chunk.enumerated() {
                let isSame = memcmp(record, output.bytes.baseAddress! + index * Int(HUB_LINE), Int(HUB_LINE)) == 0
                guard isSame else { throw TapeError("record \(record.pointee.seq) comes back changed") }
            }
        }
    }

    private static func rate(_ records: Int, _ seconds: Double, _ body: () throws -> Void) rethrows -> Double {
        try body()
        var (count, took) = (0, 0.0)
        let start = coreTime()
        repeat {
            try body()
            count += records
            took = Double(coreTime() - start) / 1e9
        } while took < seconds
        return Double(count) / took
    }

    /// Time that this thread has had on a core: what else the machine does meanwhile is not measured.
    private static func coreTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
