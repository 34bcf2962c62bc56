import Crypto

/// The opening handshake of a client: RFC 6455, section 4.1.
struct Upgrade {
    let request: WebSocketRequest
    let address: WebAddress
    private let key: String

    init(_ request: WebSocketRequest) throws(NetworkFailure) {
        self.request = request
        address = try WebAddress(request.url)
        guard address.scheme == .ws || address.scheme == .wss else {
            throw NetworkFailure(.request, "the URL of a WebSocket begins with ws:// or wss://")
        }
        for header in request.headers {
            guard header.isValid else {
                throw NetworkFailure(
                    .request, "the header '\(header.name.prefix(40))' has characters that a header cannot have")
            }
            let name = header.name.lowercased()
            guard !Self.own.contains(name), !name.hasPrefix("sec-websocket-") else {
                throw NetworkFailure(.request, "the header '\(header.name)' belongs to the handshake itself")
            }
        }
        guard request.subprotocols.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(HTTPHeader.isTokenByte) }) else {
            throw NetworkFailure(.request, "a subprotocol is not a word")
        }
        key = Base64.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
    }

    private static let own: Set<String> = [
        "host", "upgrade", "connection", "content-length", "transfer-encoding", "proxy-authorization",
    ]

    /// What is sent.
    var head: String {
        var lines = [
            "GET \(address.target) HTTP/1.1", "Host: \(address.authority)", "Upgrade: websocket",
            "Connection: Upgrade", "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13",
        ]
        if !request.subprotocols.isEmpty {
            lines.append("Sec-WebSocket-Protocol: \(request.subprotocols.joined(separator: ", "))")
        }
        if request.offersDeflate { lines.append("Sec-WebSocket-Extensions: \(DeflateAgreement.offer)") }
        lines += request.headers.map { "\($0.name): \($0.value)" }
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// What a proxy is asked.
    func connectHead(_ proxy: Proxy) -> String {
        var lines = ["CONNECT \(address.authorityWithPort) HTTP/1.1", "Host: \(address.authorityWithPort)"]
        if let authorization = proxy.authorization { lines.append("Proxy-Authorization: \(authorization)") }
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// Whether an answer with status 101 is what was asked for, and what was agreed on.
    func check(_ head: ResponseHead) throws(Violation) -> (subprotocol: String?, deflate: DeflateAgreement?) {
        guard head.headers.tokens(of: "upgrade") == ["websocket"] else {
            throw .broken("the server switched to something other than WebSocket")
        }
        guard head.headers.tokens(of: "connection").contains("upgrade") else {
            throw .broken("the server's answer has no 'Connection: Upgrade'")
        }
        guard head.headers.value(of: "sec-websocket-accept") == accept else {
            throw .broken("the server's answer does not fit the key that it was sent")
        }
        let subprotocol = head.headers.value(of: "sec-websocket-protocol")
        if let subprotocol, !request.subprotocols.contains(subprotocol) {
            throw .broken("the server chose a subprotocol that was not offered")
        }
        let extensions = head.headers.filter { $0.isNamed("sec-websocket-extensions") }.map(\.value)
        let deflate = try DeflateAgreement.read(extensions)
        if deflate != nil, !request.offersDeflate {
            throw Violation(code: 1010, reason: "the server chose an extension that was not offered")
        }
        return (subprotocol, deflate)
    }

    private var accept: String {
        let digest = Insecure.SHA1.hash(data: Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        return Base64.encode(Array(digest))
    }
}
