import ArgumentParser
import HubConfig
import HubModel
import HubRuntime

struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin",
        abstract: "The plugins this hub can load.",
        discussion: """
            hub plugin list
            hub plugin show simulator
            """,
        subcommands: [List.self, Show.self])

    struct Folders: ParsableArguments {
        @Option(
            help: "A configuration that says where plugins are (plugins.path) and what they must be (plugins.pins).")
        var config: String?

        @Option(help: "A further folder of plugins; may be repeated.") var path: [String] = []

        func registry() -> PluginRegistry {
            var settings =
                config.flatMap { Installation.load($0, overrides: []).configuration?.plugins }
                ?? PluginsSettings(path: ["./plugins"])
            settings.path += path
            return Installation.scan(settings)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "All plugins found, and why others were refused.",
            discussion: "hub plugin list --json")

        @OptionGroup var folders: Folders
        @Flag(help: "As JSON.") var json = false

        func run() {
            let registry = folders.registry()
            if json {
                print(PluginText.json(registry))
                return
            }
            for entry in registry.entries { print(PluginText.line(entry)) }
            for problem in registry.problems { print("refused: \(problem)") }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "One plugin, with its settings.", discussion: "hub plugin show simulator")

        @Argument(help: "The plugin's id.") var id: String
        @OptionGroup var folders: Folders
        @Flag(help: "As JSON, with the JSON Schema of the settings.") var json = false

        func run() throws {
            let registry = folders.registry()
            guard let entry = registry.entry(id) else {
                throw ValidationError(
                    registry.refusal(id)
                        ?? "there is no plugin '\(id)'; there are: \(registry.ids.sorted().joined(separator: ", "))")
            }
            print(json ? PluginText.json(entry).jsonText : PluginText.page(entry))
        }
    }
}

/// What the parent of a scan runs: examines libraries and prints a line of JSON for each.
struct PluginScanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: PluginScan.command, abstract: "Examines plugin libraries; used by the hub itself.",
        shouldDisplay: false)

    @Argument var files: [String] = []

    func run() {
        PluginScan.runChild(paths: files)
    }
}
