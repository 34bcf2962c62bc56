import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Asks a running hub over HTTP, one request at a time.
struct HubClient {
    /// Why there is no answer, in words for the shell.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let base: String

    /// A JSON answer, or the problem that the hub names.
    func get(_ path: String, _ parameters: [(String, String)]) async throws -> [String: Any] {
        var components = URLComponents(string: base + path)
        components?.queryItems = parameters.map { URLQueryItem(name: $0.0, value: $0.1) }
        // "+" stands for itself in a query here, not for a blank.
        let query = components?.percentEncodedQuery?.replacingOccurrences(of: "+", with: "%2B")
        components?.percentEncodedQuery = query
        guard let url = components?.url else { throw Failure(description: "\(base)\(path) is not a URL") }
        let data: Data
        let response: URLResponse
        do {
            (data, response) = try await URLSession.shared.data(for: URLRequest(url: url, timeoutInterval: 60))
        } catch {
            throw Failure(
                description: """
                    no hub answers at \(base): \(error.localizedDescription)
                    Start one with 'hub run', or name another with --url.
                    """)
        }
        let object = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
        guard let object else { throw Failure(description: "\(base) does not answer as a hub does") }
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard status == 200 else {
            var text = "\(object["code"] ?? status): \(object["detail"] ?? object["title"] ?? "")"
            for entry in object["errors"] as? [[String: Any]] ?? [] {
                text += "\n  \(entry["parameter"] ?? entry["pointer"] ?? ""): \(entry["message"] ?? "")"
            }
            throw Failure(description: text)
        }
        return object
    }
}
