import Dispatch
import HubRuntime
import Logging
import ServiceLifecycle

/// The engine as a service: starts it, and stops it when the process is told to end or its work is done.
struct EngineService: Service {
    let engine: Engine
    let exitsWhenDone: Bool
    let logger: Logger

    func run() async throws {
        let engine = engine
        try engine.start(endsWithRecordings: exitsWhenDone)
        logger.info("ready: epoch \(engine.journal.epoch), head \(engine.journal.head)")
        if exitsWhenDone {
            try? await cancelWhenGracefulShutdown {
                while !engine.isDone { try await Task.sleep(for: .milliseconds(20)) }
            }
        } else {
            try? await gracefulShutdown()
        }
        // Blocks while sinks write what is left: not on one of the few threads of Swift's executor.
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            DispatchQueue.global().async {
                engine.stop(withinNanoseconds: engine.configuration.hub.shutdownNanoseconds)
                done.resume()
            }
        }
        logger.info("stopped: head \(engine.journal.head)")
    }
}
