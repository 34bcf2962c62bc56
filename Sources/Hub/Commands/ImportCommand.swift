import ArgumentParser
import EventFormat
import Foundation

/// Recorded data into a running hub.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Bring recorded trades, quotes, ticks or bars into a running hub, as backfill.",
        discussion: """
            hub import spy-20131008.csv.gz --symbol ARCA:SPY --kind trade
            hub import aapl-1d.csv --symbol NASDAQ:AAPL --kind bar:1d
            hub import events.ndjson.gz

            CSV files name their columns in the first line: ts_event_ns,price,size for trades,
            ts_event_ns,bid,bid_size,ask,ask_size for quotes, ts_event_ns,last for ticks,
            ts_open_ns,open,high,low,close,volume for bars; 'time' and 'symbol' as in exports of a hub do too.
            NDJSON files hold events as the hub writes them, one a line. Files may be packed with gzip.

            Everything is journaled with the flag 'backfilled'; bars that it touches come again as revised.
            A bar the hub has itself is kept and the imported one dropped. A file that the hub has taken in
            before, as a whole or in part, is known by its content: rows it has of it are dropped, so an import that was
            cut is simply begun again (--again takes them once more). Trades and quotes of other files are not
            compared with what is there.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case csv, ndjson
    }

    @Argument(help: "Files to read, in this order; gzip or plain.") var files: [String]
    @Option(help: "VENUE:NAME, whose rows a CSV file without a column 'symbol' holds.") var symbol: String?
    @Option(help: "What the rows of a CSV file are: trade, quote, tick or bar:1m.") var kind: String?
    @Option(help: "csv or ndjson; by default what the file's name says.") var format: Format?
    @Option(help: "Under which name the hub keeps the events: import, or a provider of hub.yaml.") var source = "import"
    @Flag(help: "Take the rows in even if the hub has taken in the same file before.") var again = false
    @Option(help: "Where the hub listens.") var address = "http://127.0.0.1:8080"

    func validate() throws {
        if let kind, CSVEvents.Kind(kind) == nil {
            let intervals = Interval.allCases.map(\.text).joined(separator: " ")
            throw ValidationError(
                "--kind: expected trade, quote, tick or bar: with one of \(intervals), found '\(kind)'")
        }
        for file in files where try format(of: file) == .csv && kind == nil {
            throw ValidationError(
                "\(file) is a CSV file: say with --kind what its rows are (trade, quote, tick, bar:1m)")
        }
    }

    func run() async throws {
        let run = ImportRun(client: HubClient(address: address), source: source, isAgain: again)
        for file in files {
            let isCSV = try format(of: file) == .csv
            try await run.bring(file, csv: isCSV ? kind.flatMap(CSVEvents.Kind.init).map { ($0, symbol) } : nil)
        }
        print(run.summary())
        if run.counts.refused > 0 { throw ExitCode(1) }
    }

    private func format(of file: String) throws -> Format {
        if let format { return format }
        var name = file.lowercased()
        if name.hasSuffix(".gz") { name = String(name.dropLast(3)) }
        if name.hasSuffix(".csv") { return .csv }
        if name.hasSuffix(".ndjson") || name.hasSuffix(".jsonl") { return .ndjson }
        throw ValidationError("\(file): its name does not say what it is; give --format csv or --format ndjson")
    }
}
