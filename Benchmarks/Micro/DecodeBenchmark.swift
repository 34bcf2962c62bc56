import ArgumentParser
import PluginKit

/// Plugins of vendors on one core: from bytes to records in the host's memory, and from bytes to events in the journal.
struct DecodeBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "decode")

    @Option var seconds = 2.0
    @Option(help: "Only this vendor.") var vendor: String?
    @Option(help: "Where the journals go; without it nothing is journaled.") var folder: String?
    @Option(help: "Write the messages there and measure nothing.") var write: String?

    func run() throws {
        let tapes = VendorTape.Vendor.allCases.filter { vendor == nil || $0.rawValue == vendor }.map(VendorTape.init)
        if let write {
            for tape in tapes { try tape.write(to: write) }
            return
        }
        let fields = try tapes.flatMap { tape in
            let kinds = Self.kinds(tape.vendor)
            var fields = [("decoded", try DecodeMeasure.run(tape, kinds: kinds, seconds: seconds).json)]
            if let folder {
                let journal = "\(folder)/\(tape.vendor.rawValue)"
                fields.append(
                    ("journaled", try JournalMeasure.run(tape, kinds: kinds, seconds: seconds, folder: journal).json))
            }
            return [#""\#(tape.vendor.rawValue)":{\#(fields.map { #""\#($0.0)":\#($0.1)"# }.joined(separator: ","))}"#]
        }
        print("{\(fields.joined(separator: ","))}")
    }

    /// What a pipeline takes that asks for nothing special.
    private static func kinds(_ vendor: VendorTape.Vendor) -> KindSet {
        switch vendor {
        case .zerodha, .upstox, .twelvedata: [.tick, .quote]
        case .finnhub: .trade
        }
    }
}
