import EventFormat
public import HubConfig
public import HubRuntime
import Hummingbird
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle
import Synchronization

/// The hub's HTTP and WebSocket server: routes, and the streams of `/v1/stream`.
///
/// A service: `run` returns after a graceful shutdown, at most `hub.shutdown` after it began, whatever clients do.
public struct HubServer: Service {
    private let engine: any EngineAccess
    private let logger: Logger
    private let onListening: @Sendable ([ListenAddress]) async -> Void

    /// - Parameters:
    ///   - engine: a running hub, or one that is about to run.
    ///   - logger: label `server` by custom; requests are told at `debug`.
    ///   - onListening: told the addresses once all of them are bound, with free ports filled in.
    public init(
        engine: any EngineAccess, logger: Logger,
        onListening: @escaping @Sendable ([ListenAddress]) async -> Void = { _ in }
    ) {
        self.engine = engine
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until the graceful shutdown.
    ///
    /// - Throws: `ListenError` for an address that cannot be listened on.
    public func run() async throws {
        let settings = ServerSettings(engine.configuration.hub)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        do {
            try await serve(settings, group, pool)
        } catch {
            try? await pool.shutdownGracefully()
            try? await group.shutdownGracefully()
            throw error
        }
        try await pool.shutdownGracefully()
        try await group.shutdownGracefully()
    }

    private func serve(
        _ settings: ServerSettings, _ group: MultiThreadedEventLoopGroup, _ pool: NIOThreadPool
    ) async throws {
        let metrics = ServerMetrics()
        let access = AccessPolicy(origins: settings.corsOrigins, listen: settings.listen)
        let directories = SymbolDirectories(engine)
        let services = StreamServices.of(engine, directories: directories, pool: pool, logger: logger)
        let fanOut = FanOut(
            loop: group.next(), services: services, heartbeatNanoseconds: settings.heartbeatNanoseconds,
            metrics: metrics)
        let gate = StreamGate(
            access: access, maximumConnections: settings.connections, metrics: metrics, clock: services.clock)

        var table = RouteTable()
        let routes = Routes(
            engine: engine, directories: directories, metrics: metrics, settings: settings, pool: pool)
        routes.add(to: &table)
        table.get(StreamGate.path) { call in try gate.answer(call) }

        let names = ConnectionNames()
        let streamSettings = StreamSettings(
            version: engine.version, durability: settings.durability,
            heartbeatMilliseconds: settings.heartbeatNanoseconds / 1_000_000, connection: "",
            limits: StreamLimits(
                symbols: settings.symbols, messageBytes: settings.messageBytes,
                operationsPerSecond: settings.operationsPerSecond, batchBytes: FrameBuilder.limit))
        let front = ServerFront(
            settings: settings,
            responder: HubResponder(
                router: table.router.buildResponder(), paths: table.paths, posts: table.posts, access: access,
                names: RequestNames(),
                metrics: metrics, logger: logger, pool: pool, slowNanoseconds: settings.slowRequestNanoseconds),
            group: group, registry: ConnectionRegistry(),
            mayUpgrade: { head, channel in gate.mayUpgrade(head, over: channel) },
            installStream: { channel, head in
                let start = try gate.start(target: head.uri)
                var settings = streamSettings
                settings.connection = names.next()
                try channel.pipeline.syncOperations.addHandler(
                    StreamHandler(
                        fanOut: fanOut, services: services, settings: settings, style: start.style,
                        request: start.request))
            },
            logger: logger)
        let engine = engine
        try await group.next().submit { fanOut.start { engine.onPublish($0) } }.get()
        let loop = group.next()
        do {
            try await front.run(onListening: onListening) { loop.execute { fanOut.stop() } }
        } catch {
            try await loop.submit { fanOut.stop() }.get()
            throw error
        }
    }
}

/// Names connections, `c-1` and on.
private final class ConnectionNames: Sendable {
    private let counter = Atomic<UInt64>(0)

    func next() -> String { "c-\(counter.add(1, ordering: .relaxed).newValue)" }
}
