import ArgumentParser

/// Decoders of brokers' feeds, bytes to records, on one core.
struct DecodeBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "decode")

    @Option var seconds = 3.0

    func run() throws {
        print(
            #"{"kite_full":\#(DecodeMeasure.kite(seconds: seconds).json),"#
                + #""upstox_full":\#(DecodeMeasure.upstox(seconds: seconds).json)}"#)
    }
}
