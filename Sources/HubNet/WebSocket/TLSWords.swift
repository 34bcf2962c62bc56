import NIOSSL

/// Failures of TLS in words for an operator.
enum TLSWords {
    static func describe(_ error: any Error, host: String) -> String {
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "\(host): the server's certificate is for another host"
        }
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "\(host): the server's certificate comes from no authority that is trusted here "
                + "(CERTIFICATE_VERIFY_FAILED); if it is a private one or a proxy's, name its file as CA file"
        }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return "\(host): the server does not speak TLS on this port"
        }
        if let name = text.split(whereSeparator: { !($0.isUppercase || $0 == "_" || $0.isNumber) })
            .first(where: { $0.contains("_") })
        {
            return "\(host): no TLS with the server (\(name))"
        }
        return "\(host): no TLS with the server"
    }

    static func isHandshakeError(_ error: any Error) -> Bool {
        if error is NIOSSLExtraError || error is BoringSSLError { return true }
        guard let error = error as? NIOSSLError else { return false }
        return if case .uncleanShutdown = error { false } else { true }
    }

    static func configuration(_ trust: Trust) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["http/1.1"]
        if let file = trust.certificateFile { configuration.trustRoots = .file(file) }
        return configuration
    }
}
