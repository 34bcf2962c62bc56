import NIOCore
import Synchronization

/// A WebSocket from the moment it is asked for. Any thread may use it.
public final class WebSocketConnection: Sendable {
    /// What became of a message to send.
    public enum Sending: Sendable {
        case queued
        /// More than `maximumQueuedBytes` would wait: the server does not read.
        case overload
        /// Not open yet, or no longer.
        case notOpen
    }

    private struct State {
        var isOpen = false
        var queuedBytes = 0
    }

    private let state = Mutex(State())
    private let loop: any EventLoop
    private let maximumQueuedBytes: Int
    private let client: Mutex<WebSocketClient?> = Mutex(nil)

    init(loop: any EventLoop, maximumQueuedBytes: Int) {
        self.loop = loop
        self.maximumQueuedBytes = maximumQueuedBytes
    }

    @discardableResult
    public func send(text: String) -> Sending {
        send(.text, Array(text.utf8))
    }

    @discardableResult
    public func send(binary bytes: [UInt8]) -> Sending {
        send(.binary, bytes)
    }

    /// Text given as bytes: UTF-8, as the server will check.
    @discardableResult
    public func send(utf8 bytes: [UInt8]) -> Sending {
        send(.text, bytes)
    }

    private func send(_ opcode: FrameHeader.Opcode, _ bytes: [UInt8]) -> Sending {
        let refused = state.withLock { state -> Sending? in
            guard state.isOpen else { return .notOpen }
            guard state.queuedBytes + bytes.count <= maximumQueuedBytes else { return .overload }
            state.queuedBytes += bytes.count
            return nil
        }
        if let refused { return refused }
        onLoop { client in
            client.send(opcode, bytes) { [self] in state.withLock { $0.queuedBytes -= bytes.count } }
        }
        return .queued
    }

    /// Closes in order: the close frame, a while for the other side's, then the connection. Before it is open: gives up.
    ///
    /// - Parameter code: 1000, 1001 or 3000 to 4999; others are not a client's to send, and become 1000.
    public func close(code: UInt16 = 1000, reason: String = "") {
        let code = code == 1001 || (3000...4999).contains(code) ? code : 1000
        state.withLock { $0.isOpen = false }
        onLoop { $0.close(code: code, reason: reason) }
    }

    /// Delivers nothing more until `resume`: what was sent meanwhile waits at the server. Takes effect at once when
    /// called within `received`.
    public func pause() { onLoop { $0.pause() } }

    public func resume() { onLoop { $0.resume() } }

    /// Bytes that wait to be sent.
    public var queuedBytes: Int { state.withLock { $0.queuedBytes } }

    // MARK: - for the client

    func attach(_ client: WebSocketClient) { self.client.withLock { $0 = client } }

    func setOpen(_ isOpen: Bool) { state.withLock { $0.isOpen = isOpen } }

    /// It ended: nothing keeps the client alive.
    func detach() {
        state.withLock { $0.isOpen = false }
        client.withLock { $0 = nil }
    }

    private func onLoop(_ body: @escaping @Sendable (WebSocketClient) -> Void) {
        guard let client = client.withLock({ $0 }) else { return }
        if loop.inEventLoop { body(client) } else { loop.execute { body(client) } }
    }
}
