import ArgumentParser
import HubChunks

/// Trades of a day packed into chunks and unpacked, on one core: bytes a trade, and trades a second both ways.
struct ChunksBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "chunks")

    @Option(help: "Trades as the replay plugin reads them, packed or not; without it, made ones.")
    var file: String?
    @Option var seconds = 3.0

    func run() throws {
        let trades = try file.map { try Tape.trades(path: $0, venues: true) } ?? Tape.synthetic(450_000)
        let ofOneStream = trades.map { trade in
            var trade = trade
            trade.head.stream = 1
            return trade
        }
        let cases = [
            ("replayed", try measure(Tape(ofOneStream, received: .replayed), byStream: false)),
            ("live", try measure(Tape(ofOneStream, received: .live), byStream: false)),
            ("by_venue", try measure(Tape(trades, received: .replayed), byStream: true)),
        ]
        let fields = cases.map { name, measure in
            #""\#(name)":{"bytes_per_trade":\#(measure.bytesPerRecord),"encoded_per_second":"#
                + #"\#(Int(measure.encodedPerSecond)),"decoded_per_second":\#(Int(measure.decodedPerSecond))}"#
        }
        print(#"{"trades":\#(trades.count),\#(fields.joined(separator: ","))}"#)
    }
    private func measure(_ tape: Tape, byStream: Bool) throws -> ChunkMeasure {
        let measure = try ChunkMeasure(
            tape.chunks(most: ChunkEncoder.mostRecords, byStream: byStream), seconds: seconds)
        withExtendedLifetime(tape) {}
        return measure
    }
}
