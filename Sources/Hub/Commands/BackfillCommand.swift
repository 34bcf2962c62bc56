import ArgumentParser
import EventFormat
import Foundation

/// History from a provider into a running hub.
struct BackfillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill",
        abstract: "Fetch bars of the past from a provider of a running hub, and keep them.",
        discussion: """
            hub backfill NSE:TCS NSE:INFY --interval 1d --from -5y
            hub backfill NASDAQ:AAPL --provider twelvedata --interval 1m --from 2025-01-06 --to 2025-01-10

            The hub does the work: interrupted, it goes on, and the same command shows how far it is. Bars the hub has itself
            are kept. Everything is journaled with the flag 'backfilled'.
            """)

    @Argument(help: "VENUE:NAME, one or several.") var symbols: [String]
    @Option(help: "A provider of hub.yaml; by default those of the instrument's pipeline, in their order.")
    var provider: String?
    @Option(help: "1m 5m 15m 1h 1d …") var interval = "1m"
    @Option(help: "First time: RFC 3339, a date, microseconds since 1970, or a distance back such as -30d.")
    var from: String
    @Option(help: "End, exclusive; as --from. By default now.") var to: String?
    @Option(help: "Where the hub listens.") var address = "http://127.0.0.1:8080"

    func validate() throws {
        guard Interval(interval) != nil else {
            let intervals = Interval.allCases.map(\.text).joined(separator: " ")
            throw ValidationError("--interval: expected one of \(intervals), found '\(interval)'")
        }
    }

    func run() async throws {
        let client = HubClient(address: address)
        var wish: [String: Any] = ["symbols": symbols, "interval": interval, "from": from]
        wish["to"] = to
        wish["provider"] = provider
        var job = try await client.post("/v1/backfills", [], try JSONSerialization.data(withJSONObject: wish))
        guard let id = job["id"] as? String else {
            throw HubClient.Failure(description: "\(address) does not answer as a hub does")
        }
        let title = symbols.count == 1 ? symbols[0] : "\(symbols.count) instruments"
        let progress = StepLine("\(title) \(interval)")
        while let state = job["state"] as? String, state == "queued" || state == "running" {
            progress.update(done: number(job["done"]), total: number(job["total"]), note: note(job))
            try await Task.sleep(nanoseconds: 200_000_000)
            job = try await client.get("/v1/backfills/\(id)", [])
        }
        progress.finish(done: number(job["done"]), total: number(job["total"]), note: note(job))
        if let error = job["error"] as? String {
            throw HubClient.Failure(
                description:
                    "\(id) \(job["state"] ?? "failed") after \(number(job["done"])) of \(number(job["total"])) "
                    + "parts: \(error)\nThe same command goes on from there.")
        }
        print("\(number(job["rows"])) bars taken in (\(id))")
    }

    private func number(_ value: Any?) -> Int { (value as? NSNumber)?.intValue ?? 0 }

    private func note(_ job: [String: Any]) -> String { "\(number(job["rows"])) bars" }
}

/// How far something is that goes in steps: a bar on a terminal, a plain line every few seconds elsewhere.
final class StepLine {
    private let title: String
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var shown: ContinuousClock.Instant?
    private var width = 0

    init(_ title: String) {
        self.title = title
    }

    func update(done: Int, total: Int, note: String) {
        let now = ContinuousClock.now
        if let shown, now - shown < (isTerminal ? .milliseconds(100) : .seconds(5)) { return }
        shown = now
        write(done, total, note)
    }

    func finish(done: Int, total: Int, note: String) {
        write(done, total, note)
        if isTerminal { FileHandle.standardError.write(Data("\n".utf8)) }
    }

    private func write(_ done: Int, _ total: Int, _ note: String) {
        let part = total > 0 ? min(1, Double(done) / Double(total)) : 0
        var text = title
        if isTerminal {
            let filled = Int(part * 24)
            text += " [" + String(repeating: "#", count: filled) + String(repeating: ".", count: 24 - filled) + "]"
        }
        text += " \(Int(part * 100)) %  \(done)/\(total)  \(note)"
        let padding = String(repeating: " ", count: max(0, width - text.count))
        width = text.count
        FileHandle.standardError.write(Data((isTerminal ? "\r" + text + padding : text + "\n").utf8))
    }
}
