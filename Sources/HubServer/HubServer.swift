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
    private let pageFolders: [String]
    private let onListening: @Sendable ([ListenAddress]) async -> Void

    /// - Parameters:
    ///   - engine: a running hub, or one that is about to run.
    ///   - logger: label `server` by custom; requests are told at `debug`.
    ///   - pageFolders: where the script of the page's chart may be, in order.
    ///   - onListening: told the addresses once all of them are bound, with free ports filled in.
    public init(
        engine: any EngineAccess, logger: Logger, pageFolders: [String] = [],
        onListening: @escaping @Sendable ([ListenAddress]) async -> Void = { _ in }
    ) {
        self.engine = engine
        self.logger = logger
        self.pageFolders = pageFolders
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
        let access = AccessPolicy(
            origins: settings.corsOrigins + settings.publicOrigins, listen: settings.listen)
        let directories = SymbolDirectories(engine)
        let services = StreamServices.of(engine, directories: directories, pool: pool, logger: logger)
        let fanOut = FanOut(
            loop: group.next(), services: services, heartbeatNanoseconds: settings.heartbeatNanoseconds,
            metrics: metrics)
        let gate = StreamGate(
            access: access, maximumConnections: settings.connections, metrics: metrics, clock: services.clock)

        var table = RouteTable()
        if settings.servesPage { PageRoutes(folders: pageFolders, pool: pool).add(to: &table) }
        let routes = Routes(
            engine: engine, directories: directories, metrics: metrics, settings: settings, pool: pool)
        routes.add(to: &table)
        ClientList(fanOut: fanOut, routes: routes).add(to: &table)
        table.get(StreamGate.path) { call in try gate.answer(call) }

        let names = ConnectionNames()
        let streamSettings = StreamSettings(
            version: engine.version, durability: settings.durability,
            heartbeatMilliseconds: settings.heartbeatNanoseconds / 1_000_000, connection: "",
            limits: StreamLimits(
                symbols: settings.symbols, messageBytes: settings.messageBytes,
                operationsPerSecond: settings.operationsPerSecond, batchBytes: FrameBuilder.limit))
        let httpGate = HTTPStreamGate(gate: gate, services: services) {
            var settings = streamSettings
            settings.connection = names.next()
            return settings
        }
        table.get(HTTPStreamGate.eventsPath) { call in try httpGate.answer(call) }
        table.get(HTTPStreamGate.linesPath) { call in try httpGate.answer(call) }
        let dates = DateText()
        let requestNames = RequestNames()
        let front = ServerFront(
            settings: settings,
            responder: HubResponder(
                router: table.router.buildResponder(), paths: table.paths, posts: table.posts, access: access,
                names: requestNames,
                metrics: metrics, logger: logger, pool: pool, slowNanoseconds: settings.slowRequestNanoseconds),
            group: group, registry: ConnectionRegistry(),
            mayUpgrade: { head, channel in gate.mayUpgrade(head, over: channel) },
            upgradeFields: { head in
                guard let offer = DeflateOffer(extensions: head.headers["sec-websocket-extensions"]) else { return [:] }
                return ["Sec-WebSocket-Extensions": offer.answer]
            },
            makeStream: { head, channel in
                httpGate.handler(
                    for: head, over: channel, fanOut: fanOut, requestID: { requestNames.next() }, date: { dates.now() })
            },
            installStream: { channel, head in
                let start = try gate.start(target: head.uri)
                let offer = DeflateOffer(extensions: head.headers["sec-websocket-extensions"])
                var settings = streamSettings
                settings.connection = names.next()
                settings.encoding = start.encoding.rawValue
                try channel.pipeline.syncOperations.addHandler(
                    StreamHandler(
                        fanOut: fanOut, services: services, settings: settings, style: start.style,
                        framing: .webSocket(start.encoding, deflateBits: offer?.windowBits ?? 0),
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
