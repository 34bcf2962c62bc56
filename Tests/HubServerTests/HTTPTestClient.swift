import Foundation
import HubModel
import HubServer
import Logging
import ServiceLifecycle
import Synchronization

/// Runs blocking code away from the threads that the server's own tasks need.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Swift.Result(catching: body)) }
        thread.stackSize = 4 << 20
        thread.start()
    }
}

/// A server over a fake engine, for the length of a test.
func withServer(
    _ engine: FakeEngine, _ body: @escaping @Sendable (ServerAddress) throws -> Void
) async throws {
    let (addresses, continuation) = AsyncStream<String>.makeStream()
    var logger = Logger(label: "server")
    logger.logLevel = .critical
    let server = HubServer(engine: engine, logger: logger) { bound in
        continuation.yield(bound.first.map { "\($0)" } ?? "")
    }
    let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            // A server that cannot start never tells an address.
            defer { continuation.finish() }
            try await group.run()
        }
        var iterator = addresses.makeAsyncIterator()
        guard let text = await iterator.next() else {
            try await tasks.waitForAll()
            throw FakeEngine.Broken(description: "the server did not start")
        }
        let address = ServerAddress(text)
        do {
            try await onThread { try body(address) }
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}

/// Where the server under test listens.
struct ServerAddress: Sendable {
    enum Kind: Sendable {
        case port(UInt16)
        case path(String)
    }

    let kind: Kind

    init(_ text: String) {
        if text.hasPrefix("unix:") {
            kind = .path(String(text.dropFirst(5)))
        } else {
            kind = .port(UInt16(text.split(separator: ":").last ?? "") ?? 0)
        }
    }

    /// The `Host` a client of it would write.
    var host: String {
        switch kind {
        case .port(let port): "127.0.0.1:\(port)"
        case .path: "localhost"
        }
    }
}

/// A socket with deadlines.
final class TestSocket {
    struct Closed: Error, CustomStringConvertible {
        let description: String
    }

    private var descriptor: Int32
    private var received: [UInt8] = []
    private var taken = 0

    /// What has come and was not taken yet.
    var buffer: ArraySlice<UInt8> { received[taken...] }

    /// - Parameter receiveBytes: of the kernel's buffer; small ones make a slow reader slow at once.
    init(_ address: ServerAddress, receiveBytes: Int32? = nil) throws {
        switch address.kind {
        case .port(let port):
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            if var receiveBytes {
                setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBytes, 4)
            }
            var to = sockaddr_in()
            to.sin_family = sa_family_t(AF_INET)
            to.sin_port = port.bigEndian
            to.sin_addr.s_addr = inet_addr("127.0.0.1")
            let status = withUnsafePointer(to: &to) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard status == 0 else { throw Closed(description: "cannot connect: \(errno)") }
        case .path(let path):
            descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var to = sockaddr_un()
            to.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &to.sun_path) { $0.copyBytes(from: path.utf8.prefix(100)) }
            let status = withUnsafePointer(to: &to) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard status == 0 else { throw Closed(description: "cannot connect: \(errno)") }
        }
    }

    deinit { hangUp() }

    func hangUp() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    func send(_ bytes: [UInt8]) throws {
        var at = 0
        while at < bytes.count {
            let count = bytes[at...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Closed(description: "cannot send: \(errno)") }
            at += count
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Reads what there is; false at the end of the stream.
    func fill(seconds: Double = 10) throws -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(seconds * 1000)) > 0 else {
            throw Closed(description: "nothing came in \(seconds) s")
        }
        var room = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &room, room.count, 0)
        if count < 0, errno == ECONNRESET { return false }
        guard count >= 0 else { throw Closed(description: "cannot receive: \(errno)") }
        if taken > 1 << 20 {
            received.removeFirst(taken)
            taken = 0
        }
        received += room[..<count]
        return count > 0
    }

    func take(_ count: Int, seconds: Double = 10) throws -> [UInt8] {
        while buffer.count < count {
            guard try fill(seconds: seconds) else { throw Closed(description: "the peer closed") }
        }
        taken += count
        return Array(received[(taken - count)..<taken])
    }

    /// Everything up to a blank line.
    func takeHead() throws -> String {
        while true {
            if let end = buffer.firstRange(of: Array("\r\n\r\n".utf8)) {
                return String(decoding: try take(end.upperBound - taken), as: UTF8.self)
            }
            guard try fill() else { throw Closed(description: "the peer closed") }
        }
    }

    /// Whether the peer closes within the time; what it still says is thrown away.
    func isClosed(within seconds: Double) -> Bool {
        while true {
            guard let goesOn = try? fill(seconds: seconds) else { return false }
            if !goesOn { return true }
        }
    }
}

/// An answer to a request.
struct TestResponse {
    var status: Int
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    var json: SettingsTree { (try? SettingsTree(json: body)) ?? .null }
}

extension ServerAddress {
    /// One request on a connection of its own.
    func request(
        _ target: String, method: String = "GET", headers: [String: String] = [:], host: String? = nil
    ) throws -> TestResponse {
        let socket = try TestSocket(self)
        var text = "\(method) \(target) HTTP/1.1\r\nHost: \(host ?? self.host)\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        try socket.send(text + "\r\n")
        return try TestResponse(from: socket, hasBody: method != "HEAD")
    }

    func get(_ target: String) throws -> TestResponse { try request(target) }
}

extension TestResponse {
    init(from socket: TestSocket, hasBody: Bool = true) throws {
        let lines = try socket.takeHead().split(separator: "\r\n")
        status = Int(lines[0].split(separator: " ")[1]) ?? 0
        headers = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let length = Int(headers["content-length"] ?? "0") ?? 0
        body = hasBody && status != 204 && status != 101 ? try socket.take(length) : []
    }
}

/// A WebSocket client that says and shows exactly what goes over the wire.
final class TestStream {
    let socket: TestSocket
    let response: TestResponse
    /// The code of the server's close frame.
    private(set) var closeCode: Int?

    init(
        _ address: ServerAddress, _ target: String = "/v1/stream", headers: [String: String] = [:],
        receiveBytes: Int32? = nil
    ) throws {
        socket = try TestSocket(address, receiveBytes: receiveBytes)
        var text = "GET \(target) HTTP/1.1\r\nHost: \(address.host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        try socket.send(text + "\r\n")
        response = try TestResponse(from: socket)
    }

    func send(_ text: String) throws { try send(opcode: 1, Array(text.utf8)) }

    func send(opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, isMasked: Bool = true) throws {
        var frame: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
        let mask: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case 0...125: frame.append(mask | UInt8(payload.count))
        case 126...65535: frame += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default:
            frame.append(mask | 127)
            for shift in stride(from: 56, through: 0, by: -8) { frame.append(UInt8(payload.count >> shift & 255)) }
        }
        if isMasked {
            let key: [UInt8] = [1, 2, 3, 4]
            frame += key
            frame += payload.enumerated().map { $1 ^ key[$0 % 4] }
        } else {
            frame += payload
        }
        try socket.send(frame)
    }

    /// The next frame.
    func frame(seconds: Double = 10) throws -> (opcode: UInt8, payload: [UInt8]) {
        let head = try socket.take(2, seconds: seconds)
        var length = Int(head[1] & 127)
        if length == 126 { length = try socket.take(2).reduce(0) { $0 << 8 | Int($1) } }
        if length == 127 { length = try socket.take(8).reduce(0) { $0 << 8 | Int($1) } }
        return (head[0] & 15, try socket.take(length, seconds: seconds))
    }

    /// The objects of the next message, as they were written; `nil` once the server closed.
    func message(seconds: Double = 10) throws -> [String]? {
        while true {
            let (opcode, payload) = try frame(seconds: seconds)
            switch opcode {
            case 1: return Self.objects(payload)
            case 8:
                closeCode = payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : 1005
                return nil
            default: continue
            }
        }
    }

    private var waiting: [String] = []

    /// The next object; `nil` once the server closed.
    func object(seconds: Double = 10) throws -> String? {
        while waiting.isEmpty {
            guard let next = try message(seconds: seconds) else { return nil }
            waiting = next
        }
        return waiting.removeFirst()
    }

    /// The next object of a type; others are passed over.
    func next(_ type: String, seconds: Double = 10) throws -> String {
        while let object = try object(seconds: seconds) {
            if object.hasPrefix("{\"type\":\"\(type)\"") { return object }
        }
        throw TestSocket.Closed(description: "the server closed before a \(type)")
    }

    /// Takes a JSON array apart at its top level.
    static func objects(_ payload: [UInt8]) -> [String] {
        var objects: [String] = []
        var depth = 0
        var isInText = false
        var isEscaped = false
        var start = 1
        for (at, byte) in payload.enumerated() {
            if isInText {
                if isEscaped {
                    isEscaped = false
                } else if byte == 92 {
                    isEscaped = true
                } else if byte == 34 {
                    isInText = false
                }
                continue
            }
            switch byte {
            case 34: isInText = true
            case 123, 91: depth += 1
            case 125, 93:
                depth -= 1
                if depth == 1 {
                    objects.append(String(decoding: payload[start...at], as: UTF8.self))
                    start = at + 2
                }
            default: break
            }
        }
        return objects
    }
}

extension String {
    /// An integer member of a flat JSON object.
    func number(_ name: String) -> Int? {
        guard let found = firstRange(of: "\"\(name)\":") else { return nil }
        return Int(self[found.upperBound...].prefix { $0.isNumber || $0 == "-" })
    }

    /// A text member.
    func word(_ name: String) -> String? {
        guard let found = firstRange(of: "\"\(name)\":\"") else { return nil }
        return String(self[found.upperBound...].prefix { $0 != "\"" })
    }
}
