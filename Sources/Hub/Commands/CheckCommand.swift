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

            Exit code 0: it can run; 1: it cannot.
            """)

    @Argument(help: "The configuration.") var file = "hub.yaml"
    @Option(name: .customLong("set"), help: "path=value, as if it stood in the file; may be repeated.")
    var overrides: [String] = []
    @Flag(help: "As a JSON list.") var json = false

    func run() throws {
        var (configuration, diagnostics, plugins) = Installation.load(file, overrides: overrides)
        if let configuration, let plugins {
            diagnostics += Engine.checkPlugins(configuration, plugins, makeLogger: { HubLogging.quiet($0) })
        }
        if json {
            print(diagnostics.json)
        } else {
            if !diagnostics.isEmpty { print(diagnostics.text()) }
            for problem in plugins?.problems ?? [] { print("note: \(problem)") }
            if !diagnostics.hasErrors {
                print("\(file): fine" + (diagnostics.isEmpty ? "" : " (\(diagnostics.summary))"))
            }
        }
        if diagnostics.hasErrors { throw ExitCode(1) }
    }
}
