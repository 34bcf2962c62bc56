import ArgumentParser
import Foundation

/// History of a running hub into a file.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write events of a running hub into a file: CSV, NDJSON or Arrow.",
        discussion: """
            hub export --symbols 'SIM:*' --types trade --from -1d --output trades.csv
            hub export --symbols ARCA:SPY --types bar:1m --from 2024-01-01 --to 2025-01-01 --output spy.arrow

            A download that was cut goes on where it ended when the same command is run again: give --from and --to
            as times and not as distances back, so that it is the same.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case csv, ndjson, arrow
    }

    @Option(help: "VENUE:NAME and globs, with commas between them.") var symbols = "*"
    @Option(help: "trade, tick, quote, bar:1m … with commas between them; CSV and Arrow take one.") var types: String?
    @Option(help: "First time: RFC 3339, a date, microseconds since 1970, or a distance back such as -2h.")
    var from: String?
    @Option(help: "End, exclusive; as --from.") var to: String?
    @Option(help: "csv, ndjson or arrow; by default what the output's name says, else ndjson.") var format: Format?
    @Option(help: "us, ms, s, ns or iso: how times are written.") var ts: String?
    @Option(name: .shortAndLong, help: "The file; standard output if none is given.") var output: String?
    @Option(help: "Where the hub listens.") var address = "http://127.0.0.1:8080"

    func run() async throws {
        let client = HubClient(address: address)
        var parameters = [("symbols", symbols), ("format", chosen.rawValue)]
        for (name, value) in [("types", types), ("from", from), ("to", to), ("ts", ts)] {
            if let value { parameters.append((name, value)) }
        }
        let url = try client.url("/v1/export", parameters)
        try await Download(client: client, url: url, output: output).run()
    }

    private var chosen: Format {
        if let format { return format }
        let ending = output?.split(separator: ".").last.map { $0.lowercased() } ?? ""
        return ending == "arrows" ? .arrow : Format(rawValue: ending) ?? .ndjson
    }
}
