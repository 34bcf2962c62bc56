import ArgumentParser

/// The executable: commands and the place where the parts are put together, nothing else.
@main
struct Hub: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hub",
        abstract: "Many market data feeds, one ordered stream.",
        discussion: """
            hub run hub.yaml            run what the file describes
            hub check hub.yaml          say everything that is wrong with it
            hub query bars SIM:ALPHA    ask a running hub from the shell
            """,
        version: HubVersion.text,
        subcommands: [
            RunCommand.self, CheckCommand.self, JournalCommand.self, PluginCommand.self, PluginScanCommand.self,
            QueryCommand.self, AuthCommand.self, BackfillCommand.self, ImportCommand.self, ExportCommand.self,
            RecordCommand.self, ReplayCommand.self, VersionCommand.self,
        ]
    )
}
