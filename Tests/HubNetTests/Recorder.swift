import Foundation
import HubNet
import Synchronization

/// Keeps what a WebSocket tells, and lets a test wait for it.
final class Recorder: WebSocketReceiver {
    enum Event: Sendable {
        case opened([HTTPHeader], String?)
        case text(String)
        case binary([UInt8])
        case refused(WebSocketRefusal)
        case closed(WebSocketEnd)
    }

    private let events = Mutex<[Event]>([])
    private let arrived = AsyncStream<Void>.makeStream()
    private let onOpen: @Sendable (WebSocketConnection) -> Void
    private let onMessage: @Sendable (WebSocketConnection, Int) -> Void
    private let connection = Mutex<WebSocketConnection?>(nil)

    init(
        onOpen: @escaping @Sendable (WebSocketConnection) -> Void = { _ in },
        onMessage: @escaping @Sendable (WebSocketConnection, Int) -> Void = { _, _ in }
    ) {
        self.onOpen = onOpen
        self.onMessage = onMessage
    }

    var all: [Event] { events.withLock { $0 } }

    var messages: Int {
        all.count { event in
            switch event {
            case .text, .binary: true
            default: false
            }
        }
    }

    var texts: [String] {
        all.compactMap { event in if case .text(let text) = event { text } else { nil } }
    }

    var end: WebSocketEnd? {
        for case .closed(let end) in all { return end }
        return nil
    }

    var refusal: WebSocketRefusal? {
        for case .refused(let refusal) in all { return refusal }
        return nil
    }

    /// How often an end was told.
    var ends: Int {
        all.count { event in
            switch event {
            case .refused, .closed: true
            default: false
            }
        }
    }

    private func add(_ event: Event) {
        events.withLock { $0.append(event) }
        arrived.continuation.yield()
    }

    func opened(_ connection: WebSocketConnection, headers: [HTTPHeader], subprotocol: String?) {
        self.connection.withLock { $0 = connection }
        add(.opened(headers, subprotocol))
        onOpen(connection)
    }

    func received(_ bytes: UnsafeRawBufferPointer, isText: Bool) {
        add(isText ? .text(String(decoding: bytes, as: UTF8.self)) : .binary(Array(bytes)))
        if let connection = connection.withLock({ $0 }) { onMessage(connection, messages) }
    }

    func refused(_ refusal: WebSocketRefusal) { add(.refused(refusal)) }

    func closed(_ end: WebSocketEnd) { add(.closed(end)) }

    /// Waits until something holds, at most half a minute.
    func wait(_ what: @escaping @Sendable (Recorder) -> Bool) async -> Bool {
        if what(self) { return true }
        let deadline = Task {
            guard (try? await Task.sleep(for: .seconds(30))) != nil else { return }
            arrived.continuation.finish()
        }
        defer { deadline.cancel() }
        for await _ in arrived.stream where what(self) { return true }
        return what(self)
    }

    func waitForEnd() async -> Bool { await wait { $0.ends > 0 } }
}
