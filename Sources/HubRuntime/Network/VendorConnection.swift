import HubNet
import PluginABI
import Synchronization

/// A WebSocket of a plugin, waiting or open: what the network says of it goes into the mailbox under the plugin's number.
final class VendorConnection {
    var request: WebSocketRequest
    let beginsSession: Bool
    var isOpen = false
    /// The plugin wanted it closed: that it ends says nothing of the vendor.
    var isClosing = false
    var socket: WebSocketConnection?

    /// Reads what a plugin wrote; `nil` where a text is no UTF-8.
    init?(_ raw: UnsafePointer<hub_websocket>) {
        let wish = raw.pointee
        guard let url = String(checked: wish.url), let subprotocol = String(checked: wish.subprotocol),
            let headers = HTTPHeader.list(wish.header_names, wish.header_values, wish.header_count)
        else { return nil }
        request = WebSocketRequest(url: url, headers: headers, subprotocols: subprotocol.isEmpty ? [] : [subprotocol])
        if wish.ping_every_ms > 0 {
            // A pong that nobody waits for is one for which there is a day's time.
            let within = wish.pong_within_ms > 0 ? Int(wish.pong_within_ms) : 86_400_000
            request.pings = .every(milliseconds: Int(wish.ping_every_ms), pongWithin: within)
        }
        if wish.idle_after_ms > 0 { request.idleMilliseconds = Int(wish.idle_after_ms) }
        if wish.max_message > 0 { request.maximumMessageBytes = min(Int(wish.max_message), 16 << 20) }
        request.offersDeflate = Int(wish.flags) & HUB_WEBSOCKET_NO_DEFLATE == 0
        beginsSession = Int(wish.flags) & HUB_BEGINS_SESSION != 0
    }
}

/// Carries what the network says of a connection into the mailbox, from the network's thread.
private final class VendorReceiver: WebSocketReceiver {
    private let number: UInt32
    private let mailbox: VendorMailbox
    private let connection = Mutex<WebSocketConnection?>(nil)

    init(number: UInt32, mailbox: VendorMailbox) {
        self.number = number
        self.mailbox = mailbox
    }

    private func put(_ delivery: VendorDelivery) { mailbox.put(delivery, arrivedNanoseconds: WallClock.now) }

    func opened(_ connection: WebSocketConnection, headers: [HTTPHeader], subprotocol: String?) {
        self.connection.withLock { $0 = connection }
        put(.opened(connection: number))
    }

    func received(_ bytes: UnsafeRawBufferPointer, isText: Bool) {
        let hasRoom = mailbox.put(
            .message(connection: number, isText: isText, bytes: Array(bytes)), arrivedNanoseconds: WallClock.now)
        if !hasRoom { connection.withLock { $0 }?.pause() }
    }

    func refused(_ refusal: WebSocketRefusal) {
        put(
            .refused(
                connection: number,
                VendorAnswer(
                    httpStatus: refusal.status, headers: refusal.headers.map { ($0.name, $0.value) },
                    body: refusal.body)))
    }

    func closed(_ end: WebSocketEnd) {
        put(.closed(connection: number, code: UInt32(end.code), reason: end.reason))
    }
}

extension VendorLink {
    func open(_ number: UInt32, _ wish: VendorConnection, now: hub_now) throws(PluginFailure) {
        guard connections[number] == nil else {
            throw PluginFailure(
                status: hub_status(HUB_INTERNAL), text: "connection \(number) is in use: close it first, or use another"
            )
        }
        guard connections.count < Self.mostConnections else {
            throw PluginFailure(status: hub_status(HUB_OVERLOAD), text: "\(Self.mostConnections) connections are open")
        }
        do {
            let url = wish.request.url
            wish.request.url = try secrets.reveal(in: url, .url, towards: url)
            for index in wish.request.headers.indices {
                wish.request.headers[index].value = try secrets.reveal(
                    in: wish.request.headers[index].value, .header, towards: url)
            }
        } catch {
            throw PluginFailure(status: hub_status(HUB_AUTH), text: error.text)
        }
        wish.request.connectTimeoutMilliseconds = Int(settings.connectTimeoutNanoseconds / 1_000_000)
        wish.request.proxy = settings.proxy.map { .url($0) } ?? .environment
        wish.request.trust = Trust(certificateFile: settings.certificateFile)
        if wish.request.headers.value(of: "user-agent") == nil {
            wish.request.headers.append(HTTPHeader("User-Agent", userAgent))
        }
        connections[number] = wish
        if wish.beginsSession, waits(.connection(number), now: now) { return }
        connect(number, now: now)
    }

    /// Makes the connection whose time has come.
    func connect(_ number: UInt32, now: hub_now) {
        guard let connection = connections[number] else { return }
        let receiver = VendorReceiver(number: number, mailbox: mailbox)
        do {
            connection.socket = try network.open(connection.request, counters: counters, receiver: receiver)
        } catch {
            mailbox.put(
                .closed(connection: number, code: 1006, reason: error.message), arrivedNanoseconds: now.wall_ns)
        }
    }

    func send(_ number: UInt32, isText: Bool, _ bytes: UnsafeRawBufferPointer) -> Int {
        guard let connection = connections[number], let socket = connection.socket else { return HUB_NOT_FOUND }
        var message = Array(bytes)
        if message.contains(SecretBook.prefix) {
            // Messages of vendors are JSON.
            guard
                let text = try? secrets.reveal(
                    in: String(decoding: message, as: UTF8.self), .json, towards: connection.request.url)
            else { return HUB_AUTH }
            message = Array(text.utf8)
        }
        return switch isText ? socket.send(utf8: message) : socket.send(binary: message) {
        case .queued: HUB_OK
        case .overload: HUB_OVERLOAD
        case .notOpen: HUB_NOT_FOUND
        }
    }

    func close(_ number: UInt32, code: UInt16, reason: String, now: hub_now) {
        guard let connection = connections[number] else { return }
        connection.isClosing = true
        if let socket = connection.socket {
            socket.close(code: code, reason: reason)
        } else {
            forget(.connection(number))
            mailbox.put(
                .closed(connection: number, code: UInt32(code), reason: reason), arrivedNanoseconds: now.wall_ns)
        }
    }

    /// There is room again: goes on reading from all connections.
    func resume() {
        for connection in connections.values { connection.socket?.resume() }
    }
}
