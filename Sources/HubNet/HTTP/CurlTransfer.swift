import CCurl

/// One request in libcurl's hands. Belongs to the thread of its `CurlDriver`.
final class CurlTransfer {
    let id: UInt64
    let completion: @Sendable (HTTPResult) -> Void
    /// Monotonic nanoseconds.
    let deadline: Int64
    private(set) var handle: UnsafeMutableRawPointer?
    private var request: HTTPRequest
    private let address: WebAddress
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private var headers: [HTTPHeader] = []
    private var headerBytes = 0
    private var body: [UInt8] = []
    private var isTooLarge = false
    private var hasTooManyHeaders = false
    private(set) var bytesIn = 0

    init(
        id: UInt64, request: HTTPRequest, deadline: Int64, completion: @escaping @Sendable (HTTPResult) -> Void
    ) throws(NetworkFailure) {
        self.id = id
        self.request = request
        self.deadline = deadline
        self.completion = completion
        address = try WebAddress(request.url)
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        if let handle { curl_easy_cleanup(handle) }
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    /// What a redirect makes of it, on a handle of its own.
    func following(_ next: HTTPRequest) throws(NetworkFailure) -> CurlTransfer {
        try CurlTransfer(id: id, request: next, deadline: deadline, completion: completion)
    }

    /// - Parameter now: monotonic nanoseconds.
    func prepare(now: Int64, environment: [String: String]) throws(NetworkFailure) -> UnsafeMutableRawPointer {
        guard address.scheme == .http || address.scheme == .https else {
            throw NetworkFailure(.request, "the URL does not begin with http:// or https://")
        }
        guard !request.method.isEmpty, request.method.utf8.allSatisfy(HTTPHeader.isTokenByte) else {
            throw NetworkFailure(.request, "the method is not a word")
        }
        if let bad = request.headers.first(where: { !$0.isValid }) {
            throw NetworkFailure(
                .request, "the header '\(bad.name.prefix(40))' has characters that a header cannot have")
        }
        let milliseconds = (deadline - now) / 1_000_000
        guard milliseconds > 0 else {
            throw NetworkFailure(.timeout, "the deadline passed before the request was sent")
        }
        let proxy = try request.proxy.proxy(for: address, environment: environment)
        guard let handle = curl_easy_init() else {
            throw NetworkFailure(.overload, "libcurl has no memory for another request")
        }
        self.handle = handle
        set(CURLOPT_URL, request.url)
        // Dots in the path are the caller's business, and so is where redirects lead.
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TCP_NODELAY, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        set(CURLOPT_PIPEWAIT, 1)
        set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate")
        set(CURLOPT_TIMEOUT_MS, Int(min(milliseconds, Int64(Int32.max))))
        set(CURLOPT_CONNECTTIMEOUT_MS, max(1, min(request.connectTimeoutMilliseconds, Int(Int32.max))))
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let file = request.trust.certificateFile {
            set(CURLOPT_CAINFO, file)
            // Else the system's authorities would be believed beside those of the file.
            _ = hub_curl_set_text(handle, CURLOPT_CAPATH, nil)
        }
        set(proxy)
        setBody()
        setHeaders()
        setCallbacks()
        return handle
    }

    private func set(_ option: CURLoption, _ value: Int) { _ = hub_curl_set_long(handle, option, value) }
    private func set(_ option: CURLoption, _ value: String) { _ = hub_curl_set_text(handle, option, value) }

    private func set(_ proxy: Proxy?) {
        // An empty text keeps libcurl from reading the environment itself.
        set(CURLOPT_PROXY, proxy.map { "http://\($0.host.contains(":") ? "[\($0.host)]" : $0.host):\($0.port)" } ?? "")
        set(CURLOPT_NOPROXY, "")
        guard let user = proxy?.user else { return }
        set(CURLOPT_PROXYUSERNAME, user)
        set(CURLOPT_PROXYPASSWORD, proxy?.password ?? "")
        set(CURLOPT_PROXYAUTH, 1)
    }

    private func setBody() {
        if let body = request.body {
            _ = hub_curl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            body.withUnsafeBytes {
                _ = hub_curl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, $0.baseAddress ?? UnsafeRawPointer(errorText))
            }
        }
        if request.method == "HEAD" { set(CURLOPT_NOBODY, 1) }
        set(CURLOPT_CUSTOMREQUEST, request.method)
    }

    private func setHeaders() {
        for header in request.headers {
            // Nothing behind the colon would take the header out.
            let line = header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)"
            headerList = curl_slist_append(headerList, line)
        }
        // No pause for `100 Continue`, and no type of a body that the caller did not give.
        headerList = curl_slist_append(headerList, "Expect:")
        if request.body != nil, request.headers.value(of: "content-type") == nil {
            headerList = curl_slist_append(headerList, "Content-Type:")
        }
        _ = hub_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headerList)
        // Not to the proxy.
        set(CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
    }

    private func setCallbacks() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = hub_curl_set_pointer(handle, CURLOPT_PRIVATE, context)
        _ = hub_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText)
        _ = hub_curl_set_pointer(handle, CURLOPT_WRITEDATA, context)
        _ = hub_curl_set_callback(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
            return transfer.take(body: UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        _ = hub_curl_set_pointer(handle, CURLOPT_HEADERDATA, context)
        _ = hub_curl_set_callback(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
            return transfer.take(header: UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
    }

    /// - Returns: how much was taken; less than there is ends the transfer.
    private func take(body bytes: UnsafeRawBufferPointer) -> Int {
        guard body.count + bytes.count <= request.maximumBodyBytes else {
            isTooLarge = true
            return 0
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    private func take(header bytes: UnsafeRawBufferPointer) -> Int {
        let line = String(decoding: bytes, as: UTF8.self)
        headerBytes += bytes.count
        guard headerBytes <= 1 << 18 else {
            hasTooManyHeaders = true
            return 0
        }
        if line.hasPrefix("HTTP/") {
            // Of an interim answer, or of the proxy's, nothing is kept.
            headers.removeAll()
        } else if let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) {
            let value = line[line.index(after: colon)...].filter { $0 != "\r" && $0 != "\n" && $0 != "\r\n" }
            headers.append(HTTPHeader(String(line[..<colon]), String(value.trimmed)))
        }
        return bytes.count
    }

    enum Outcome {
        case done(HTTPResult)
        case follow(HTTPRequest)
    }

    /// What came of it.
    func outcome(_ code: CURLcode, redirects: Int, startedAt: Int64, now: Int64) -> Outcome {
        var received: curl_off_t = 0
        _ = hub_curl_get_offset(handle, CURLINFO_SIZE_DOWNLOAD_T, &received)
        bytesIn = Int(received)
        if isTooLarge {
            return .done(
                .failure(
                    NetworkFailure(
                        .tooLarge, "the answer of \(address.host) is longer than \(request.maximumBodyBytes) bytes")))
        }
        guard code == CURLE_OK else { return .done(.failure(failure(code))) }
        let status = number(CURLINFO_RESPONSE_CODE)
        if request.followsRedirects {
            do throws(NetworkFailure) {
                if let next = try Redirect.next(request, status: status, headers: headers) {
                    guard redirects < Redirect.limit else {
                        throw NetworkFailure(.protocol, "more than \(Redirect.limit) redirects in a row")
                    }
                    return .follow(next)
                }
            } catch { return .done(.failure(error)) }
        }
        return .done(
            .success(
                HTTPResponse(
                    status: status, headers: headers, body: body, version: version, latencyNanoseconds: now - startedAt,
                    reusedConnection: number(CURLINFO_NUM_CONNECTS) == 0, redirects: redirects)))
    }

    private func number(_ info: CURLINFO) -> Int {
        var value = 0
        _ = hub_curl_get_long(handle, info, &value)
        return value
    }

    private var version: Int {
        switch number(CURLINFO_HTTP_VERSION) {
        case Int(CURL_HTTP_VERSION_1_0): 10
        case Int(CURL_HTTP_VERSION_2_0): 20
        case Int(CURL_HTTP_VERSION_3): 30
        default: 11
        }
    }

    private func failure(_ code: CURLcode) -> NetworkFailure {
        if hasTooManyHeaders { return NetworkFailure(.tooLarge, "the headers of \(address.host) are too long") }
        let detail = errorText[0] == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: errorText)
        let text = "\(address.authority): \(detail.prefix(300))"
        return NetworkFailure(kind(code), text)
    }

    private func kind(_ code: CURLcode) -> NetworkFailure.Kind {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: .dns
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: .proxy
        case CURLE_COULDNT_CONNECT, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE:
            // A proxy that answers CONNECT otherwise is reported as a failure to receive.
            number(CURLINFO_HTTP_CONNECTCODE) >= 300 ? .proxy : .connect
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED, CURLE_SSL_INVALIDCERTSTATUS:
            .tls
        case CURLE_URL_MALFORMAT: .request
        default: .protocol
        }
    }
}
