import ArgumentParser
import HubConfig

/// The data of a running hub, from the shell.
struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Bars, trades and quotes of a running hub, as a table, CSV or NDJSON.",
        discussion: """
            hub query bars SIM:ALPHA --interval 5m --from -1d
            hub query trades ARCA:SPY --limit 20 --format csv
            hub query quotes SIM:ALPHA SIM:BETA
            """,
        subcommands: [Bars.self, Trades.self, Quotes.self])

    struct Options: ParsableArguments {
        @Option(help: "Where the hub listens.")
        var url = "http://127.0.0.1:8080"

        @Option(help: "table, csv or ndjson.")
        var format = RowFormat.table

        var client: HubClient { HubClient(base: url.hasSuffix("/") ? String(url.dropLast()) : url) }
    }

    struct Range: ParsableArguments {
        @Option(help: "First time: RFC 3339, a date, microseconds since 1970, or a distance back such as -2h.")
        var from: String?

        @Option(help: "End, exclusive; as --from.")
        var to: String?

        @Option(help: "How many rows at most; without --from the newest.")
        var limit = 1000

        var parameters: [(String, String)] {
            var result = [("limit", String(limit)), ("ts", "iso")]
            if let from { result.append(("from", from)) }
            if let to { result.append(("to", to)) }
            return result
        }
    }

    struct Bars: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "bars", abstract: "Bars of one instrument, oldest first.",
            discussion: "hub query bars SIM:ALPHA --interval 1m --from -2h")

        @Argument(help: "VENUE:NAME") var symbol: String
        @Option(help: "1s 5s 15s 30s 1m 3m 5m 15m 30m 1h 2h 4h 1d") var interval = "1m"
        @OptionGroup var range: Range
        @OptionGroup var options: Options

        func run() async throws {
            let answer = try await options.client.get(
                "/v1/bars/\(percentEncoded(symbol))", [("interval", interval)] + range.parameters)
            RowWriter(
                columns: ["time", "open", "high", "low", "close", "volume", "count", "vwap", "state", "revision"],
                format: options.format
            ).write(answer["data"] as? [[String: Any]] ?? [])
        }
    }

    struct Trades: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "trades", abstract: "Trades of one instrument, in the order of the journal.",
            discussion: "hub query trades ARCA:SPY --limit 20")

        @Argument(help: "VENUE:NAME") var symbol: String
        @OptionGroup var range: Range
        @OptionGroup var options: Options

        func run() async throws {
            let answer = try await options.client.get("/v1/trades/\(percentEncoded(symbol))", range.parameters)
            RowWriter(
                columns: ["seq", "time", "price", "size", "side", "venue", "conditions", "flags"],
                format: options.format
            ).write(answer["data"] as? [[String: Any]] ?? [])
        }
    }

    struct Quotes: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "quotes", abstract: "The latest state of instruments.",
            discussion: "hub query quotes SIM:ALPHA SIM:BETA")

        @Argument(help: "VENUE:NAME, or globs such as 'SIM:*'") var symbols: [String]
        @OptionGroup var options: Options

        func run() async throws {
            let answer = try await options.client.get(
                "/v1/quotes", [("symbols", symbols.joined(separator: ",")), ("ts", "iso")])
            RowWriter(
                columns: [
                    "symbol", "last", "change", "change_percent", "bid", "ask", "volume", "time", "source", "stale",
                ],
                format: options.format
            ).write(answer["data"] as? [[String: Any]] ?? [])
        }
    }
}

/// A symbol as one segment of a path.
private func percentEncoded(_ symbol: String) -> String {
    let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:".utf8)
    let digits = Array("0123456789ABCDEF".utf8)
    var result: [UInt8] = []
    for byte in symbol.utf8 {
        if allowed.contains(byte) {
            result.append(byte)
        } else {
            result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: result, as: UTF8.self)
}
