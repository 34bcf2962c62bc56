import ArgumentParser
import EventFormat
import Foundation
import HubCapture
import HubConfig
import HubRuntime

/// What a plugin makes of a recording.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Play a recording back through its provider's plugin and print the records it makes.",
        discussion: """
            hub replay upstox.hubcap                        as fast as it goes, one line of JSON a record
            hub replay upstox.hubcap --speed 1              as fast as it was
            hub replay data/captures/upstox                 what a hub keeps, without a copy
            hub replay upstox.hubcap --config hub.yaml      with the plugins of that installation

            No network, no clock: the same recording gives the same records, which are those that the hub's journal got, before
            the hub numbers them and marks what is late, simulated or suspect ('seq' counts the lines).

            Exit code 0: played to its end; 1: it cannot be played, or it is damaged or cut off, and standard error says where.
            """)

    @Argument(help: "A file of 'hub record', or a provider's folder under captures of a data folder.") var file: String
    @Option(help: "A configuration that says where plugins are; by default those that came with the hub and ./plugins.")
    var config: String?
    @Option(help: "max, or how many times as fast as it was.") var speed = "max"
    @Option(help: "Times as us, ms, s, ns or iso.") var ts = "us"
    @Flag(help: "Play with another version of the plugin than it was recorded with.") var anyVersion = false

    func validate() throws {
        if speed != "max", !(Double(speed).map { $0 > 0 && $0.isFinite } ?? false) {
            throw ValidationError("--speed: expected max or a factor such as 1 or 10; found '\(speed)'")
        }
        if TimeStyle(ts) == nil { throw ValidationError("--ts is one of us, ms, s, ns, iso; found '\(ts)'") }
    }

    func run() throws {
        guard let style = TimeStyle(ts) else { return }
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: file, isDirectory: &isFolder)
        let source = try isFolder.boolValue ? CaptureSource(folder: file) : CaptureSource(file: file)
        let player = CapturePlayer(
            plugins: try plugins(), speed: speed == "max" ? nil : Double(speed), takesAnyVersion: anyVersion,
            logger: HubLogging.quiet("replay"))
        let summary = try player.run(source, timeStyle: style) { text in
            var offset = 0
            while offset < text.count {
                let written = write(1, text.bytes.baseAddress! + offset, text.count - offset)
                // The reader at the other end of the pipe has seen enough.
                if written <= 0 { return false }
                offset += written
            }
            return true
        }
        tell(summary)
        if !summary.problems.isEmpty, !isFolder.boolValue { throw ExitCode(1) }
    }

    private func tell(_ summary: CapturePlayer.Summary) {
        for problem in summary.problems { complain("\(problem). What stands before was played.") }
        if summary.isBeheaded || summary.sessions == 0 {
            complain("note: it does not begin with the start of the plugin; what came before that was not played")
        }
        if summary.lost > 0 { complain("note: \(summary.lost) inputs were lost when it was recorded") }
        if summary.missing > 0 {
            complain(
                "note: \(summary.missing) inputs are not in it (too old, or outside the range that was copied): "
                    + "what the plugin had gathered from them is missing at first")
        }
        if summary.differenceCount > 0 {
            complain(
                "note: the plugin behaved otherwise than when it was recorded, \(summary.differenceCount) times: it "
                    + summary.differences.joined(separator: "; it "))
        }
        complain("\(summary.records) records of \(summary.frames) inputs")
    }

    private func plugins() throws -> PluginRegistry {
        guard let config else { return Installation.scan(PluginsSettings(path: ["./plugins"])) }
        let (_, diagnostics, plugins) = Installation.load(config, overrides: [])
        guard let plugins else {
            complain(diagnostics.text())
            throw ExitCode(1)
        }
        return plugins
    }

    private func complain(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
