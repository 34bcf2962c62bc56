import ArgumentParser
import HubConfig
import HubRuntime

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Says everything that is wrong with a configuration, without running it.",
        discussion: """
            hub check hub.yaml
            hub check hub.yaml --set pipelines.demo.enabled=false --json
            hub check hub.yaml --connect

            With --connect every provider is started by itself, without sinks and in a data folder that is thrown away, until
            its vendor has let it in or not. It is a connection more for the vendor: where a plan has only one, not while the
            hub runs.

            Exit code 0: it can run; 1: it cannot; 2: it can, and with --connect some provider was not let in.
            """)

    @Argument(help: "The configuration.") var file = "hub.yaml"
    @Option(name: .customLong("set"), help: "path=value, as if it stood in the file; may be repeated.")
    var overrides: [String] = []
    @Flag(help: "As a JSON list; with --connect an object with diagnostics and providers.") var json = false
    @Flag(help: "Log in at every provider's vendor too.") var connect = false
    @Option(help: ArgumentHelp("With --connect: how long to wait for vendors.", valueName: "seconds"))
    var timeout = 30.0

    func run() throws {
        var (configuration, diagnostics, plugins) = Installation.load(file, overrides: overrides)
        if let configuration, let plugins {
            diagnostics += Engine.checkPlugins(configuration, plugins, makeLogger: { HubLogging.quiet($0) })
        }
        var rows: [ConnectionCheck.Row] = []
        if connect, !diagnostics.hasErrors, let configuration, let plugins {
            do {
                rows = try ConnectionCheck(configuration: configuration, plugins: plugins, limitSeconds: timeout).run()
            } catch {
                print("\(file): the providers cannot be started: \(error)")
                throw ExitCode(1)
            }
        }
        if json {
            print((connect ? ConnectionCheck.json(diagnostics.json, rows) : diagnostics.json).jsonText)
        } else {
            if !diagnostics.isEmpty { print(diagnostics.text()) }
            for problem in plugins?.problems ?? [] { print("note: \(problem)") }
            if !diagnostics.hasErrors {
                print("\(file): fine" + (diagnostics.isEmpty ? "" : " (\(diagnostics.summary))"))
            }
        }
        if !json { for row in rows { print(row.line) } }
        if diagnostics.hasErrors { throw ExitCode(1) }
        if !rows.allSatisfy(\.isReached) { throw ExitCode(2) }
    }
}
