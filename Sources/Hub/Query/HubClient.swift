import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Asks a running hub over HTTP, one request at a time.
struct HubClient {
    /// Why there is no answer, in words for the shell.
    struct Failure: Error, CustomStringConvertible {
        var description: String
        /// The hub's code for it; `nil` where no hub answered.
        var code: String?
    }

    let base: String

    init(base: String) {
        self.base = base
    }

    /// - Parameter address: a URL, or host and port.
    init(address: String) {
        let url = address.contains("://") ? address : "http://\(address)"
        base = url.hasSuffix("/") ? String(url.dropLast()) : url
    }

    /// Sends a body and reads the JSON answer.
    func post(_ path: String, _ parameters: [(String, String)], _ body: Data) async throws -> [String: Any] {
        var request = URLRequest(url: try url(path, parameters), timeoutInterval: 120)
        request.httpMethod = "POST"
        request.setValue("application/x-ndjson", forHTTPHeaderField: "Content-Type")
        request.httpBody = body
        return try await answer(to: request)
    }

    /// A JSON answer, or the problem that the hub names.
    func get(_ path: String, _ parameters: [(String, String)]) async throws -> [String: Any] {
        try await answer(to: URLRequest(url: try url(path, parameters), timeoutInterval: 60))
    }

    func url(_ path: String, _ parameters: [(String, String)]) throws -> URL {
        var components = URLComponents(string: base + path)
        components?.queryItems = parameters.map { URLQueryItem(name: $0.0, value: $0.1) }
        // "+" stands for itself in a query here, not for a blank.
        let query = components?.percentEncodedQuery?.replacingOccurrences(of: "+", with: "%2B")
        components?.percentEncodedQuery = query
        guard let url = components?.url else { throw Failure(description: "\(base)\(path) is not a URL") }
        return url
    }

    private func answer(to request: URLRequest) async throws -> [String: Any] {
        let data: Data
        let response: URLResponse
        do {
            (data, response) = try await URLSession.shared.data(for: request)
        } catch {
            throw noHub(error)
        }
        let object = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
        guard let object else { throw Failure(description: "\(base) does not answer as a hub does") }
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard (200...299).contains(status) else { throw problem(object, status: status) }
        return object
    }

    func noHub(_ error: any Error) -> Failure {
        Failure(
            description: """
                no hub answers at \(base): \(error.localizedDescription)
                Start one with 'hub run hub.yaml', or say where it listens.
                """)
    }

    /// The problem that a hub names.
    func problem(_ object: [String: Any], status: Int) -> Failure {
        var text = "\(object["code"] ?? status): \(object["detail"] ?? object["title"] ?? "")"
        for entry in object["errors"] as? [[String: Any]] ?? [] {
            text += "\n  \(entry["parameter"] ?? entry["pointer"] ?? ""): \(entry["message"] ?? "")"
        }
        return Failure(description: text, code: object["code"] as? String)
    }
}
