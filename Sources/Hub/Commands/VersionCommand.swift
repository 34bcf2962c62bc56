import ArgumentParser
import HubJournal
import HubRuntime

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "The versions of the hub, its plugin ABI and its journal format.",
        discussion: "hub version --json")

    @Flag(help: "As one JSON object.")
    var json = false

    func run() {
        if json {
            print(
                """
                {"version":"\(HubVersion.hub)","abi":"\(PluginABIVersion.major).\(PluginABIVersion.minor)",\
                "journal_format":\(JournalFormat.version)}
                """)
        } else {
            print(HubVersion.text)
        }
    }
}
