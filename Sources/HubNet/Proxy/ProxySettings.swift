/// The way out: straight, or through a proxy by HTTP `CONNECT`.
public enum ProxySettings: Hashable, Sendable {
    /// What the variables `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy` say, as other programs read them.
    case environment
    /// None, whatever the environment says.
    case direct
    /// One for everything: `http://user:password@host:port`.
    case url(String)

    /// The proxy towards an address; `nil` = straight.
    ///
    /// - Parameter environment: the process's, for `environment`.
    func proxy(for address: WebAddress, environment: [String: String]) throws(NetworkFailure) -> Proxy? {
        switch self {
        case .direct: return nil
        case .url(let text): return text.isEmpty ? nil : try Proxy(text)
        case .environment:
            let bypass = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
            if ProxyBypass(bypass).covers(host: address.host, port: address.port) { return nil }
            // HTTP_PROXY in capitals is not read: a web server sets it from a header of whoever asks.
            let names =
                address.isSecure
                ? ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
                : ["http_proxy", "all_proxy", "ALL_PROXY"]
            for name in names {
                if let text = environment[name], !text.isEmpty { return try Proxy(text) }
            }
            return nil
        }
    }
}

/// A proxy that speaks HTTP.
struct Proxy: Hashable, Sendable {
    let host: String
    let port: Int
    let user: String?
    let password: String?

    /// One written as `http://user:password@host:port`; scheme, user and port may be left out.
    init(_ text: String) throws(NetworkFailure) {
        var rest = Substring(text)
        if let end = rest.firstRange(of: "://") {
            guard rest[..<end.lowerBound].lowercased() == "http" else {
                throw NetworkFailure(.proxy, "the proxy's URL must begin with http://: other kinds are not supported")
            }
            rest = rest[end.upperBound...]
        }
        rest = rest.prefix { $0 != "/" }
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = Self.decoded(parts[0])
            password = parts.count > 1 ? Self.decoded(parts[1]) : ""
            rest = rest[rest.index(after: at)...]
        } else {
            user = nil
            password = nil
        }
        do {
            (host, port) = try WebAddress.hostAndPort(rest, default: 3128)
        } catch {
            throw NetworkFailure(.proxy, "the proxy's URL: \(error.message)")
        }
    }

    /// The value of `Proxy-Authorization`.
    var authorization: String? {
        user.map { "Basic " + Base64.encode(Array("\($0):\(password ?? "")".utf8)) }
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var left = Array(text.utf8)[...]
        while let byte = left.popFirst() {
            if byte == UInt8(ascii: "%"), left.count >= 2,
                let value = UInt8(String(decoding: left.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                left.removeFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
