import CCurl

/// Where an answer sends a request, and what of it may go there.
enum Redirect {
    /// As many are followed.
    static let limit = 5

    /// The request that comes next; `nil` where the answer is to be given to the caller as it is.
    static func next(_ request: HTTPRequest, status: Int, headers: [HTTPHeader]) throws(NetworkFailure) -> HTTPRequest?
    {
        guard [301, 302, 303, 307, 308].contains(status), let location = headers.value(of: "location") else {
            return nil
        }
        guard let url = resolve(location, against: request.url), let target = try? WebAddress(url) else {
            throw NetworkFailure(.protocol, "the server redirects to what is no address")
        }
        let origin = try WebAddress(request.url)
        guard target.scheme == .https || target.scheme == origin.scheme else {
            throw NetworkFailure(.protocol, "the server redirects from https to \(target.scheme.rawValue)")
        }
        var next = request
        next.url = url
        let keepsMethod = status == 307 || status == 308
        if !keepsMethod, request.method != "GET", request.method != "HEAD" {
            next.method = "GET"
            next.body = nil
            next.headers.removeAll { $0.name.lowercased().hasPrefix("content-") }
        }
        let isSameOrigin = (origin.scheme, origin.host, origin.port) == (target.scheme, target.host, target.port)
        if !isSameOrigin {
            // A body may hold credentials as well as a header may.
            if next.body != nil { return nil }
            next.headers.removeAll { header in
                !["accept", "accept-language", "user-agent"].contains(header.name.lowercased())
            }
        }
        return next
    }

    /// RFC 3986, section 5, as libcurl does it.
    static func resolve(_ location: String, against base: String) -> String? {
        guard let url = curl_url() else { return nil }
        defer { curl_url_cleanup(url) }
        guard curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK,
            curl_url_set(url, CURLUPART_URL, location, UInt32(CURLU_URLENCODE)) == CURLUE_OK
        else { return nil }
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
