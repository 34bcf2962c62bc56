import ArgumentParser
import EventFormat
import Foundation
import HubCapture
import HubModel

/// A piece of what a hub recorded, as one file.
struct RecordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Copy what came from a provider's vendor into a file that 'hub replay' plays back.",
        discussion: """
            hub record upstox --output upstox.hubcap                            everything that is kept
            hub record upstox --from -10m --output upstox.hubcap                the last ten minutes
            hub record upstox --for 10m --output upstox.hubcap                  the next ten minutes
            hub record upstox --data /var/lib/hub --output upstox.hubcap        without a configuration

            The hub itself records, where hub.yaml says 'record: true' of a provider, into the data folder; this copies a range
            of time out of it, whether the hub runs or not. What came before the range is copied as far as the plugin needs it
            to be where it was. No key, token or login is in the file.

            Exit code 0: written; 1: there is nothing to copy, and standard error says why.
            """)

    @Argument(help: "The provider's name in hub.yaml.") var name: String
    @Option(help: "The configuration.") var config = "hub.yaml"
    @Option(help: "The data folder, in place of the one of the configuration.") var data: String?
    @Option(help: "First time: RFC 3339, a date, microseconds since 1970, or a distance back such as -10m.")
    var from: String?
    @Option(help: "End, exclusive; as --from.") var to: String?
    @Option(name: .customLong("for"), help: "Wait so long and copy what comes meanwhile: 30s 10m 1h.") var length:
        String?
    @Option(help: "The file to make.") var output: String

    func validate() throws {
        if length != nil, from != nil || to != nil {
            throw ValidationError("--for counts from now on; leave out --from and --to, or --for")
        }
        if let length, nanoseconds(length) == nil {
            throw ValidationError("--for: expected a time with a unit, such as 30s, 10m or 1h; found '\(length)'")
        }
        for (option, text) in [("--from", from), ("--to", to)] {
            guard let text else { continue }
            do {
                _ = try TimeParameter.parse(text, now: 0)
            } catch {
                throw ValidationError("\(option): \(error)")
            }
        }
    }

    func run() async throws {
        let folder = CaptureFile.folder(of: name, data: try dataFolder())
        if FileManager.default.fileExists(atPath: output) {
            throw CaptureError("\(output) is there already; name another file, or remove it")
        }
        let begun = Self.now
        var from = try self.from.map { try TimeParameter.parse($0, now: begun) } ?? .min
        var until = try to.map { try TimeParameter.parse($0, now: begun) } ?? .max
        if let length, let span = nanoseconds(length) {
            try await wait(span)
            (from, until) = (begun, begun + span)
        }
        let result: CaptureCopy.Result
        do throws(CaptureError) {
            result = try CaptureCopy.run(try CaptureSource(folder: folder), to: output, from: from, until: until)
        } catch {
            throw CaptureError(
                "\(error)\nA provider is recorded where hub.yaml says 'record: true' of it (providers.\(name).record), "
                    + "while its hub runs.")
        }
        for problem in result.problems { Self.complain("note: \(problem)") }
        let first = TimeText.iso(result.firstNanoseconds)
        let last = TimeText.iso(result.lastNanoseconds)
        print("\(result.frames) inputs of \(name) from \(first) to \(last) in \(output) (\(result.bytes) bytes)")
    }

    /// Of the configuration, even where that is not whole here: its secrets need not be in this shell.
    private func dataFolder() throws -> String {
        if let data { return data }
        let (configuration, diagnostics, _) = Installation.load(config, overrides: [])
        guard let configuration else {
            Self.complain(diagnostics.text())
            throw CaptureError(
                "\(config) cannot be read here as it stands; name the data folder with --data instead")
        }
        guard configuration.provider(name) != nil else {
            let names = configuration.providers.map(\.name).joined(separator: ", ")
            throw CaptureError("\(config) has no provider '\(name)'; it has \(names.isEmpty ? "none" : names)")
        }
        return configuration.hub.data
    }

    private func wait(_ nanoseconds: Int64) async throws {
        let line = StepLine("recording \(name)")
        let total = Int((nanoseconds + 999_999_999) / 1_000_000_000)
        for second in 0..<total {
            line.update(done: second, total: total, note: "seconds")
            try await Task.sleep(nanoseconds: UInt64(min(1_000_000_000, nanoseconds - Int64(second) * 1_000_000_000)))
        }
        line.finish(done: total, total: total, note: "seconds")
        // What arrived last is on its way to the disk.
        try await Task.sleep(nanoseconds: 500_000_000)
    }

    private func nanoseconds(_ text: String) -> Int64? {
        guard case .nanoseconds(let span)? = try? ConfiguredDuration(text), span > 0 else { return nil }
        return span
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) * 1000 }

    private static func complain(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
