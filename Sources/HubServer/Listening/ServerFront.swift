import Glibc
public import HubConfig
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// Listens, speaks HTTP, and hands WebSockets over: everything about connections that does not depend on what is served.
struct ServerFront: Sendable {
    let settings: ServerSettings
    let responder: HubResponder
    let group: MultiThreadedEventLoopGroup
    let registry: ConnectionRegistry
    let mayUpgrade: @Sendable (HTTPRequestHead, any Channel) -> Bool
    let upgradeFields: @Sendable (HTTPRequestHead) -> HTTPHeaders
    let makeStream: @Sendable (HTTPRequestHead, any Channel) -> HTTPStreamHandler?
    let installStream: @Sendable (any Channel, HTTPRequestHead) throws -> Void
    let logger: Logger

    /// Serves until the graceful shutdown is over, or its time: then what is still open is closed by force.
    ///
    /// - Parameters:
    ///   - onListening: told the addresses once all of them are bound, a free port filled in.
    ///   - onStopping: called at the beginning of the shutdown, before connections are asked to end.
    /// - Throws: where an address cannot be bound, in words.
    func run(
        onListening: @escaping @Sendable ([ListenAddress]) async -> Void, onStopping: @escaping @Sendable () -> Void
    ) async throws {
        let bound = BoundAddresses(expected: settings.listen.count, then: onListening)
        let registry = registry
        let hardStop = settings.shutdownNanoseconds
        let loop = group.next()
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for (index, address) in settings.listen.enumerated() {
                    let server = server(address, index: index, bound: bound)
                    tasks.addTask {
                        do {
                            try await server.run()
                        } catch let error as IOError {
                            throw ListenError(address: address, errnoCode: error.errnoCode, reason: "\(error)")
                        } catch let error as NIOConnectionError {
                            throw ListenError(address: address, errnoCode: 0, reason: "\(error)")
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            for case .unix(let path) in settings.listen { unlink(path) }
        } onGracefulShutdown: {
            onStopping()
            loop.scheduleTask(in: .nanoseconds(hardStop)) { registry.closeAll() }
        }
    }

    private func server(_ address: ListenAddress, index: Int, bound: BoundAddresses) -> Server<HubChannel> {
        let responder = responder
        let names = responder.names
        let channel = HubChannel(
            responder: { request, writer, channel in
                let response = await responder.respond(to: request, channel: channel)
                try await writer.write(response: response.head, body: response.body)
            },
            settings: settings, registry: registry, makeRequestID: { names.next() }, mayUpgrade: mayUpgrade,
            upgradeFields: upgradeFields, makeStream: makeStream, installStream: installStream)
        let bind: BindAddress =
            switch address {
            case .host(let host, let port): .hostname(host, port: port)
            case .unix(let path): .unixDomainSocket(path: path)
            }
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return Server(
            childChannelSetup: channel, configuration: ServerConfiguration(address: bind, backlog: 1024),
            onServerRunning: { channel in
                var real = address
                if case .host(let host, _) = address, let port = channel.localAddress?.port {
                    real = .host(host, port: port)
                }
                await bound.add(real, index: index)
            },
            eventLoopGroup: group, logger: quiet)
    }
}

/// An address that could not be listened on.
public struct ListenError: Error, CustomStringConvertible {
    public let address: ListenAddress
    /// `errno`, or 0.
    public let errnoCode: Int32
    let reason: String

    public var description: String {
        let remedy =
            switch errnoCode {
            case 98: "something else listens there; stop it, or write another port in hub.listen (0 takes a free one)"
            case 13: "not allowed; ports below 1024 need rights of the system, take another in hub.listen"
            case 99: "this machine has no such address; see hub.listen"
            default: reason
            }
        return "cannot listen on \(address): \(remedy)"
    }
}

/// Gathers the addresses of several listeners until all are there.
private actor BoundAddresses {
    private var addresses: [Int: ListenAddress] = [:]
    private let expected: Int
    private let then: @Sendable ([ListenAddress]) async -> Void

    init(expected: Int, then: @escaping @Sendable ([ListenAddress]) async -> Void) {
        self.expected = expected
        self.then = then
    }

    func add(_ address: ListenAddress, index: Int) async {
        addresses[index] = address
        if addresses.count == expected { await then(addresses.sorted { $0.key < $1.key }.map(\.value)) }
    }
}
