import ArgumentParser
import Foundation
import HubConfig
import HubRuntime
import HubServer
import Logging
import ServiceLifecycle

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs what a configuration describes, until SIGTERM or SIGINT.",
        discussion: """
            hub run hub.yaml
            hub run hub.yaml --set hub.listen=127.0.0.1:9000
            hub run research.yaml --exit-when-done

            Exit code 0: stopped as told; 1: it could not start or go on, and standard error says why.
            """)

    @Argument(help: "The configuration.") var file = "hub.yaml"
    @Option(name: .customLong("set"), help: "path=value, as if it stood in the file; may be repeated.")
    var overrides: [String] = []
    @Flag(help: "End when all recorded sources have ended and everything is written.") var exitWhenDone = false

    func run() async throws {
        let (found, diagnostics, plugins) = Installation.load(file, overrides: overrides)
        if !diagnostics.isEmpty { Self.complain(diagnostics.text()) }
        guard let configuration = found, let plugins else { throw ExitCode(1) }
        let makeLogger = HubLogging.factory(configuration.hub.log)
        let logger = makeLogger("hub")
        for problem in plugins.problems { logger.warning("\(problem)") }
        do {
            let engine = try Engine(
                configuration: configuration, plugins: plugins, version: HubVersion.hub, logger: makeLogger)
            let hub = EngineService(engine: engine, exitsWhenDone: exitWhenDone, logger: logger)
            let server = HubServer(
                engine: engine, logger: makeLogger("server"), pageFolders: Installation.pageFolders
            ) { addresses in
                for address in addresses { logger.info("listening on \(address)") }
            }
            // Stopped in the opposite order: clients are told goodbye while the engine is still there.
            var group = ServiceGroupConfiguration(
                services: [
                    .init(
                        service: hub, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: server, failureTerminationBehavior: .gracefullyShutdownGroup),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: makeLogger("lifecycle"))
            group.maximumGracefulShutdownDuration = .nanoseconds(configuration.hub.shutdownNanoseconds + 5_000_000_000)
            try await ServiceGroup(configuration: group).run()
        } catch {
            Self.complain("error: \(error)")
            throw ExitCode(1)
        }
    }

    private static func complain(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
