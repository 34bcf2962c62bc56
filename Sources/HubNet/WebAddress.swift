/// Where a URL leads: as much of it as a connection needs. Path and query stay as they were written.
struct WebAddress: Hashable, Sendable {
    enum Scheme: String, Sendable {
        case ws, wss, http, https
    }

    let scheme: Scheme
    /// Without the brackets of an IPv6 address.
    let host: String
    let port: Int
    /// Path and query, beginning with a slash, byte for byte.
    let target: String

    var isSecure: Bool { scheme == .wss || scheme == .https }

    /// The value of `Host`, and what `CONNECT` asks a proxy for with a port always.
    var authority: String {
        port == (isSecure ? 443 : 80) ? bracketedHost : "\(bracketedHost):\(port)"
    }

    var authorityWithPort: String { "\(bracketedHost):\(port)" }

    private var bracketedHost: String { host.contains(":") ? "[\(host)]" : host }

    /// - Throws: words that do not repeat the URL: it may hold a token.
    init(_ url: String) throws(NetworkFailure) {
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw NetworkFailure(.request, "the URL has characters that must be percent-encoded")
        }
        guard let mark = url.firstRange(of: "://"), let scheme = Scheme(rawValue: url[..<mark.lowerBound].lowercased())
        else {
            throw NetworkFailure(.request, "the URL does not begin with ws://, wss://, http:// or https://")
        }
        let rest = url[mark.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        let authority = rest[..<end]
        guard !authority.contains("@") else {
            throw NetworkFailure(.request, "the URL has a user or a password before the host: use a header")
        }
        self.scheme = scheme
        (host, port) = try Self.hostAndPort(authority, default: scheme == .wss || scheme == .https ? 443 : 80)
        let target = rest[end...].prefix { $0 != "#" }
        self.target = target.first == "/" ? String(target) : "/" + target
    }

    static func hostAndPort(
        _ authority: some StringProtocol, default standard: Int
    ) throws(NetworkFailure) -> (String, Int) {
        var host = Substring(authority)
        var port: Substring?
        if host.first == "[" {
            guard let end = host.firstIndex(of: "]") else {
                throw NetworkFailure(.request, "the host's bracket does not close")
            }
            let rest = host[host.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else {
                throw NetworkFailure(.request, "something other than a port follows the host")
            }
            port = rest.isEmpty ? nil : rest.dropFirst()
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.lastIndex(of: ":") {
            port = host[host.index(after: colon)...]
            host = host[..<colon]
            guard !host.contains(":") else {
                throw NetworkFailure(.request, "an IPv6 address needs brackets")
            }
        }
        guard !host.isEmpty else { throw NetworkFailure(.request, "the URL has no host") }
        guard let port, !port.isEmpty else { return (host.lowercased(), standard) }
        guard port.utf8.count <= 5, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port),
            (1...65_535).contains(number)
        else { throw NetworkFailure(.request, "the port is not a number from 1 to 65535") }
        return (host.lowercased(), number)
    }
}
