import Foundation
import NIOSSL

/// Certificates made for one test run by the `openssl` program.
enum TestAuthority {
    struct Files: Sendable {
        /// The authority's certificate: what a client is to believe.
        let authority: String
        let certificate: String
        let key: String
    }

    struct Failure: Error {
        let words: String
    }

    /// For `localhost` and 127.0.0.1, signed by an authority that nobody knows.
    static let localhost = Result { try make("localhost", names: "DNS:localhost,IP:127.0.0.1") }
    /// For another host.
    static let elsewhere = Result { try make("elsewhere", names: "DNS:elsewhere.example") }

    static func server(_ files: Files) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(files.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem)))
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    private static func make(_ name: String, names: String) throws -> Files {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("hub-net-\(ProcessInfo.processInfo.processIdentifier)-\(name)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        try run(
            ["req", "-x509", "-keyout", "\(folder)/ca.key", "-out", "\(folder)/ca.pem", "-subj", "/CN=Test authority"]
                + curve)
        try run(
            [
                "req", "-x509", "-CA", "\(folder)/ca.pem", "-CAkey", "\(folder)/ca.key", "-keyout",
                "\(folder)/key.pem", "-out", "\(folder)/cert.pem", "-subj", "/CN=\(name)", "-addext",
                "subjectAltName=\(names)", "-addext", "basicConstraints=critical,CA:FALSE",
            ] + curve)
        return Files(
            authority: "\(folder)/ca.pem", certificate: "\(folder)/cert.pem", key: "\(folder)/key.pem")
    }

    private static func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let output = Pipe()
        process.standardError = output
        process.standardOutput = output
        try process.run()
        let words = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(words: String(decoding: words, as: UTF8.self))
        }
    }
}
