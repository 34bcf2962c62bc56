import ArgumentParser

/// The parts measured alone, without processes and sockets between. One JSON line each, for `Benchmarks/run.py`.
@main
struct MicroBenchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hub-bench", abstract: "Measures the hub's inner loops.",
        subcommands: [
            ABIBenchmark.self, SequencerBenchmark.self, ChunksBenchmark.self, EncodeBenchmark.self, StoreBenchmark.self,
            DecodeBenchmark.self,
        ])
}
