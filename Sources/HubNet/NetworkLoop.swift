public import Foundation
public import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// The network of the hub: one thread for WebSockets and all callbacks, one in which libcurl makes requests. Both begin
/// when they are first needed. Any thread may use it.
public final class NetworkLoop: Sendable {
    private struct State {
        var group: MultiThreadedEventLoopGroup?
        var driver: CurlDriver?
        var contexts: [ContextKey: NIOSSLContext] = [:]
        var clients: [ObjectIdentifier: WebSocketClient] = [:]
        var isStopped = false
    }

    /// A file of authorities as it was when it was read.
    private struct ContextKey: Hashable {
        var trust: Trust
        var size: Int64
        var modified: Int
    }

    private let state = Mutex(State())
    private let environment: [String: String]

    /// - Parameter environment: where the variables of proxies are looked up.
    public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.environment = environment
    }

    /// The thread of the callbacks.
    public func eventLoop() throws(NetworkFailure) -> any EventLoop {
        guard let loop = runningLoop() else { throw NetworkFailure(.cancelled, "the network is stopping") }
        return loop
    }

    private func runningLoop() -> (any EventLoop)? {
        state.withLock { state in
            guard !state.isStopped else { return nil }
            if state.group == nil { state.group = MultiThreadedEventLoopGroup(numberOfThreads: 1) }
            return state.group?.next()
        }
    }

    /// Opens a WebSocket. What the receiver hears may come before this returns.
    ///
    /// - Throws: for what is wrong before anything is sent: addresses, headers, files of certificates.
    public func open(
        _ request: WebSocketRequest, counters: ProviderCounters? = nil, receiver: any WebSocketReceiver
    ) throws(NetworkFailure) -> WebSocketConnection {
        let upgrade = try Upgrade(request)
        let proxy = try request.proxy.proxy(for: upgrade.address, environment: environment)
        let tls = upgrade.address.isSecure ? try context(request.trust) : nil
        let loop = try eventLoop()
        let connection = WebSocketConnection(loop: loop, maximumQueuedBytes: request.maximumQueuedBytes)
        let client = WebSocketClient(
            loop: loop, upgrade: upgrade, proxy: proxy, tls: tls, receiver: receiver, connection: connection,
            counters: counters
        ) { [weak self] client in
            guard let self else { return }
            state.withLock { _ = $0.clients.removeValue(forKey: ObjectIdentifier(client)) }
        }
        connection.attach(client)
        state.withLock { $0.clients[ObjectIdentifier(client)] = client }
        client.start()
        return connection
    }

    /// Makes a request.
    ///
    /// - Parameter completion: called once, on the network's thread (after `stop`: at once).
    @discardableResult
    public func send(
        _ request: HTTPRequest, counters: ProviderCounters? = nil,
        completion: @escaping @Sendable (HTTPResult) -> Void
    ) -> any HTTPCall {
        guard let loop = runningLoop() else {
            completion(.failure(NetworkFailure(.cancelled, "the network is stopping")))
            return NoCall()
        }
        let driver = state.withLock { state in
            if state.driver == nil { state.driver = CurlDriver(environment: environment) }
            return state.driver!
        }
        return driver.send(request, counters: counters) { result in
            loop.execute { completion(result) }
        }
    }

    /// Ends everything: requests are cancelled, WebSockets closed with 1001, and both threads end. Returns when all of
    /// it has happened and every receiver knows. Not from the network's own thread, and after every `RequestGate` was
    /// stopped: what waits there is the gate's to cancel.
    public func stop() {
        let (group, driver) = state.withLock { state in
            defer {
                state.isStopped = true
                state.group = nil
                state.driver = nil
                state.contexts = [:]
            }
            return (state.group, state.driver)
        }
        driver?.stop()
        guard let group else { return }
        let clients = state.withLock { Array($0.clients.values) }
        let loop = group.next()
        try? loop.submit { for client in clients { client.abort() } }.wait()
        // Behind what was said before: the completions of requests.
        try? loop.submit {}.wait()
        try? group.syncShutdownGracefully()
    }

    /// Reading the authorities takes long: once for each file, and again when it changed.
    private func context(_ trust: Trust) throws(NetworkFailure) -> NIOSSLContext {
        var key = ContextKey(trust: trust, size: 0, modified: 0)
        if let file = trust.certificateFile {
            var status = stat()
            guard stat(file, &status) == 0 else {
                throw NetworkFailure(.tls, "the CA file \(file) cannot be read: \(String(cString: strerror(errno)))")
            }
            key.size = Int64(status.st_size)
            key.modified = status.st_mtim.tv_sec
        }
        if let context = state.withLock({ $0.contexts[key] }) { return context }
        do {
            let context = try NIOSSLContext(configuration: TLSWords.configuration(trust))
            state.withLock { $0.contexts[key] = context }
            return context
        } catch {
            throw NetworkFailure(.tls, "the CA file \(trust.certificateFile ?? "of the system") holds no certificates")
        }
    }
}

/// A request that never was.
private final class NoCall: HTTPCall {
    func cancel() {}
}
