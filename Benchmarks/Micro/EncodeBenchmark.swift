import ArgumentParser
import EventFormat
import Glibc
import PluginABI

/// Trades as JSON, and that JSON as MessagePack: what an event costs once an encoding, however many clients get it.
struct EncodeBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "encode")

    @Option var seconds = 2.0

    func run() throws {
        var definitions = DefinitionTable()
        for id in UInt32(1)...16 {
            definitions.learn(
                StreamDefinition(
                    id: id, symbol: "SIM:S\(id)", source: "simulator", marketCentre: "", instrumentType: 11,
                    currency: "USD", calendar: "always", tickSize: 0.01, lotSize: 1, simulated: true))
        }
        var trades: [hub_trade] = []
        for number in 0..<4096 {
            var trade = hub_trade()
            trade.head.lines = 1
            trade.head.kind = UInt8(HUB_TRADE)
            trade.head.flags = UInt16(HUB_FLAG_SIMULATED)
            trade.head.stream = UInt32(1 + number % 16)
            trade.head.ts_event = 1_736_174_100_123_456_789 + Int64(number) * 20_000
            trade.head.ts_recv = trade.head.ts_event + 12_345
            trade.head.seq = UInt64(184_467 + number)
            trade.price = 100 + Double(number % 1000) / 100
            trade.size = Double(1 + number % 300)
            trade.trade_id = UInt64(7194 + number)
            trade.side = UInt8(1 + number % 2)
            trades.append(trade)
        }
        var encoder = EventEncoder()
        var text = TextBuffer()
        var packed = TextBuffer()
        let json = measure {
            Self.forEach(&trades) { record in
                text.clear()
                encoder.encode(record, definitions: definitions, into: &text)
            }
        }
        let both = measure {
            Self.forEach(&trades) { record in
                text.clear()
                encoder.encode(record, definitions: definitions, into: &text)
                packed.clear()
                MessagePack.append(json: text.bytes, to: &packed)
            }
        }
        print(
            #"{"json_ns":\#(json),"msgpack_ns":\#(both),"json_bytes":\#(text.count),"msgpack_bytes":\#(packed.count)}"#)
    }

    private static func forEach(_ trades: inout [hub_trade], _ body: (UnsafePointer<hub_record>) -> Void) {
        trades.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: bytes.count, by: Int(HUB_LINE)) {
                body((bytes.baseAddress! + offset).assumingMemoryBound(to: hub_record.self))
            }
        }
    }

    /// Nanoseconds a trade: the least of many rounds, since others use the machine too.
    private func measure(_ round: () -> Void) -> Double {
        var least = Double.infinity
        let start = monotonic()
        while Double(monotonic() - start) / 1e9 < seconds / 2 {
            let begun = monotonic()
            round()
            least = min(least, Double(monotonic() - begun) / 4096)
        }
        return (least * 10).rounded() / 10
    }

    private func monotonic() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
