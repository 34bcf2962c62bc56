import HubConfig

/// Which web pages may talk to the hub.
///
/// A browser lets any page send requests to a hub on this machine, and open WebSockets to it. So a request that names an
/// `Origin` is refused unless that is the hub's own page or `hub.cors.origins` has it. A page can also give its own name the
/// hub's address (DNS rebinding) and is then of the same origin as the hub: so, as long as only this machine can reach the
/// hub, the name in `Host` has to be one of this machine.
struct AccessPolicy: Sendable {
    private let origins: [String]
    private let allowsAny: Bool
    private let checksHost: Bool
    /// Names under which pages of the allowed origins are served: a proxy on this machine passes them on as `Host`.
    private let hosts: [String]

    init(origins: [String], listen: [ListenAddress]) {
        self.origins = origins.map { $0.lowercased() }
        allowsAny = origins.contains("*")
        hosts = origins.compactMap { origin in
            origin.firstRange(of: "://").map { origin[$0.upperBound...].lowercased() }
        }
        checksHost = listen.allSatisfy(\.isLoopback)
    }

    /// Whether answers may be shown to a page of that origin.
    func isAllowed(origin: String, host: String?) -> Bool {
        if allowsAny || origins.contains(origin.lowercased()) { return true }
        guard let host, let mark = origin.firstRange(of: "://") else { return false }
        let scheme = origin[..<mark.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return false }
        return origin[mark.upperBound...].lowercased() == host.lowercased() && isOwn(host: host)
    }

    /// - Parameters:
    ///   - origin: header `Origin`.
    ///   - host: header `Host`.
    ///   - overSocketFile: the connection came through a Unix domain socket, where names mean nothing.
    func check(origin: String?, host: String?, overSocketFile: Bool) throws(Problem) {
        if checksHost, !allowsAny, !overSocketFile, let host, !isOwn(host: host), !hosts.contains(host.lowercased()) {
            throw Problem(
                .foreignOrigin,
                "the hub listens on this machine only and does not answer for '\(host)'; use localhost or 127.0.0.1, or "
                    + "name the origin in hub.cors.origins")
        }
        guard let origin else { return }
        guard isAllowed(origin: origin, host: host) else {
            throw Problem(
                .foreignOrigin,
                "pages of \(origin) may not use this hub; name the origin in hub.cors.origins to let them")
        }
    }

    /// Whether a `Host` can only mean this machine or is an address: what a foreign page cannot be served from under a name
    /// of its own.
    private func isOwn(host: String) -> Bool {
        let name: Substring
        if host.first == "[" {
            guard let end = host.firstIndex(of: "]") else { return false }
            return host[host.index(after: host.startIndex)..<end].allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        } else {
            name = host.prefix { $0 != ":" }
        }
        let lower = name.lowercased()
        if lower == "localhost" || lower.hasSuffix(".localhost") { return true }
        let parts = lower.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
