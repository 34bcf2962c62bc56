import EventFormat
import PluginABI
import PluginKit

/// A journal in memory: a definition, then trades, each received a millisecond after the one before.
final class TestJournal {
    /// Of every record but the definition: its number and its line.
    private(set) var lines: [(seq: UInt64, bytes: [UInt8])] = []
    private var records: [UnsafeMutableRawPointer] = []
    private let firstReceived: Int64
    private let step: Int64

    /// `price` of the first trade tells journals apart.
    init(trades: Int, received: Int64 = 1_736_174_100_000_000_000, step: Int64 = 1_000_000, price: Double = 100) {
        firstReceived = received
        self.step = step
        var table = DefinitionTable()
        var encoder = EventEncoder(timeStyle: .microseconds)
        let stream = StreamDefinition(id: 1, symbol: "ARCA:SPY", source: "tape", currency: "USD")
        let definition = record(DefineRecord.lines(stream))
        DefineRecord.write(stream, to: definition)
        stamp(definition, 1)
        table.learn(head(definition))
        for index in 0..<trades {
            let space = record(1)
            let trade = space.assumingMemoryBound(to: hub_trade.self)
            trade.pointee.head.lines = 1
            trade.pointee.head.kind = UInt8(HUB_TRADE)
            trade.pointee.head.stream = 1
            trade.pointee.head.ts_event = received + Int64(index) * step - 500_000
            trade.pointee.price = price + Double(index % 7) / 100
            trade.pointee.size = Double(1 + index % 50)
            stamp(space, UInt64(index + 2))
            var buffer = TextBuffer()
            encoder.encode(head(space), definitions: table, into: &buffer)
            lines.append((UInt64(index + 2), buffer.array))
        }
    }

    deinit { for record in records { record.deallocate() } }

    /// The lines of some records, with newlines.
    func text(_ seqs: ClosedRange<UInt64>) -> String {
        lines.filter { seqs.contains($0.seq) }.map { String(decoding: $0.bytes, as: UTF8.self) + "\n" }.joined()
    }

    /// Hands a batch over as the hub does; the definition comes first when `defining`.
    func write(_ seqs: ClosedRange<UInt64>, to test: TestSink, defining: Bool = true) throws {
        var chosen: [UnsafePointer<hub_record>?] = defining ? [head(records[0])] : []
        for seq in seqs where seq > 1 { chosen.append(head(records[Int(seq) - 1])) }
        try chosen.withUnsafeBufferPointer { pointers in
            var batch = hub_batch()
            batch.struct_size = UInt32(MemoryLayout<hub_batch>.size)
            batch.first_seq = seqs.lowerBound
            batch.last_seq = seqs.upperBound
            batch.records = pointers.baseAddress
            batch.count = UInt64(pointers.count)
            let now = Now(wallNanoseconds: firstReceived, monotonicNanoseconds: 0)
            // The sink holds no reference to its host, which must live as long.
            try withExtendedLifetime(test) {
                try withUnsafePointer(to: batch) { try test.sink.write(SinkBatch($0), now: now) }
            }
        }
    }

    private func record(_ lines: Int) -> UnsafeMutableRawPointer {
        let space = UnsafeMutableRawPointer.allocate(byteCount: lines * 64, alignment: 64)
        space.initializeMemory(as: UInt8.self, repeating: 0, count: lines * 64)
        records.append(space)
        return space
    }

    private func stamp(_ record: UnsafeMutableRawPointer, _ seq: UInt64) {
        let head = record.assumingMemoryBound(to: hub_record.self)
        head.pointee.seq = seq
        head.pointee.ts_recv = firstReceived + Int64(seq) * step
    }

    private func head(_ record: UnsafeMutableRawPointer) -> UnsafePointer<hub_record> {
        UnsafePointer(record.assumingMemoryBound(to: hub_record.self))
    }
}
