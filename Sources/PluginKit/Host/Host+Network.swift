import PluginABI

extension Host {
    // MARK: WebSocket connections

    /// Opens a connection under a number of the plugin's choice. ``Provider/opened(connection:into:now:)`` and later
    /// ``Provider/closed(connection:code:reason:into:now:)`` follow, or
    /// ``Provider/refused(connection:response:into:now:)``, or the close alone.
    public func open(_ connection: UInt32, _ request: WebSocketRequest) throws {
        guard let table = tables.websocket else { throw missing("WebSocket connections") }
        try HubTexts.with(request.headers) { names, values in
            try request.url.withHubText { url in
                try request.subprotocol.withHubText { subprotocol in
                    var raw = hub_websocket()
                    raw.struct_size = UInt32(MemoryLayout<hub_websocket>.size)
                    if request.beginsSession { raw.flags |= UInt32(HUB_BEGINS_SESSION) }
                    if !request.offersDeflate { raw.flags |= UInt32(HUB_WEBSOCKET_NO_DEFLATE) }
                    raw.url = url
                    raw.header_names = names.baseAddress
                    raw.header_values = values.baseAddress
                    raw.header_count = UInt64(names.count)
                    raw.subprotocol = subprotocol
                    raw.ping_every_ms = request.pingEveryMilliseconds
                    raw.pong_within_ms = request.pongWithinMilliseconds
                    raw.idle_after_ms = request.idleAfterMilliseconds
                    raw.max_message = request.maximumMessageBytes
                    try attempt { table.pointee.open(self.raw, connection, &raw, $0) }
                }
            }
        }
    }

    /// Sends a text message. Throws `.overload` when too much is waiting, `.notFound` when the connection is not open.
    public func send(_ text: String, on connection: UInt32) throws {
        var text = text
        try text.withUTF8 { try send(UnsafeRawBufferPointer($0), isText: true, on: connection) }
    }

    /// Sends a message, text or binary.
    public func send(_ bytes: UnsafeRawBufferPointer, isText: Bool, on connection: UInt32) throws {
        guard let table = tables.websocket else { throw missing("WebSocket connections") }
        let status = table.pointee.send(raw, connection, isText ? 1 : 0, hub_bytes(bytes))
        guard status == 0 else {
            throw PluginError(
                PluginError.Status(rawValue: status) ?? .internal,
                status == PluginError.Status.overload.rawValue
                    ? "too much waits to be sent" : "connection \(connection) is not open")
        }
    }

    /// Closes a connection; ``Provider/closed(connection:code:reason:into:now:)`` follows.
    public func close(_ connection: UInt32, code: UInt32 = 1000, reason: String = "") {
        reason.withHubText { tables.websocket?.pointee.close(raw, connection, code, $0) }
    }

    // MARK: HTTP requests

    /// Sends a request under a number of the plugin's choice. ``Provider/response(_:request:into:now:)`` follows, once.
    public func send(_ request: HTTPRequest, as number: UInt64) throws {
        guard let table = tables.http else { throw missing("HTTP requests") }
        try HubTexts.with(request.headers) { names, values in
            try HubTexts.with(request.captures.map { ($0.pointer, $0.name) }) { pointers, captureNames in
                let captures = request.captures.indices.map { index in
                    hub_capture(
                        pointer: pointers[index], name: captureNames[index],
                        expires_ns: request.captures[index].expiresNanoseconds ?? 0)
                }
                try HubTexts.with([(request.url, request.method), (request.rateClass, "")]) { first, second in
                    try request.body.withUnsafeBytes { body in
                        try captures.withUnsafeBufferPointer { captures in
                            var raw = hub_request()
                            raw.struct_size = UInt32(MemoryLayout<hub_request>.size)
                            if request.beginsSession { raw.flags |= UInt32(HUB_BEGINS_SESSION) }
                            if request.isIdempotent { raw.flags |= UInt32(HUB_HTTP_IDEMPOTENT) }
                            if request.followsRedirects { raw.flags |= UInt32(HUB_HTTP_FOLLOW) }
                            raw.method = second[0]
                            raw.url = first[0]
                            raw.header_names = names.baseAddress
                            raw.header_values = values.baseAddress
                            raw.header_count = UInt64(names.count)
                            raw.body = hub_bytes(body)
                            raw.rate_class = first[1]
                            raw.cost = request.cost
                            raw.deadline_ms = request.deadlineMilliseconds
                            raw.captures = captures.baseAddress
                            raw.capture_count = UInt64(captures.count)
                            try attempt { table.pointee.send(self.raw, number, &raw, $0) }
                        }
                    }
                }
            }
        }
    }

    /// Nobody waits for the answer any more.
    public func cancel(request number: UInt64) {
        tables.http?.pointee.cancel(raw, number)
    }

    /// The vendor said under status 200 that a budget is spent: nothing of the class goes out before a wall time.
    public func limited(_ rateClass: String, untilNanoseconds: Int64) {
        rateClass.withHubText { tables.http?.pointee.limited(raw, $0, untilNanoseconds) }
    }

    // MARK: Secrets

    /// A token that stands for what is computed from texts and tokens when it is put in place.
    public func derive(_ how: Derivation, _ parts: [String]) throws -> String {
        guard let table = tables.secret else { throw missing("secrets") }
        return try HubTexts.with(parts.map { ($0, "") }) { texts, _ in
            var token = hub_text()
            let status = table.pointee.derive(raw, how.rawValue, texts.baseAddress, UInt64(texts.count), &token)
            guard status == 0 else {
                throw PluginError(PluginError.Status(rawValue: status) ?? .internal, "the host cannot derive this")
            }
            return String(token)
        }
    }

    /// The token of the credential that was captured under a name, and when it ends (nil = not known).
    public func kept(_ name: String) -> (token: String, expiresNanoseconds: Int64?)? {
        guard let table = tables.secret else { return nil }
        var token = hub_text()
        var expires: Int64 = 0
        guard name.withHubText({ table.pointee.kept(raw, $0, &token, &expires) }) == 1 else { return nil }
        return (String(token), expires == 0 ? nil : expires)
    }

    /// A captured credential is good no more.
    public func forget(_ name: String) {
        name.withHubText { tables.secret?.pointee.forget(raw, $0) }
    }

    /// Ends ``Provider/exchange(_:redirect:now:)``; nil = the login worked.
    public func loginDone(_ error: PluginError? = nil) {
        (error?.text ?? "").withHubText { tables.secret?.pointee.login_done(raw, error?.status.rawValue ?? 0, $0) }
    }

    // MARK: Metrics and texts that last

    /// A counter goes up, from any thread.
    public func count(_ metric: String, by: UInt64 = 1) {
        metric.withHubText { tables.metric?.pointee.count(raw, $0, by) }
    }

    /// A value is now, from any thread.
    public func gauge(_ metric: String, _ value: Double) {
        metric.withHubText { tables.metric?.pointee.gauge(raw, $0, value) }
    }

    /// What was kept under a key; it outlives the process.
    public func stored(_ key: String) -> [UInt8]? {
        guard let table = tables.store else { return nil }
        var value = hub_bytes()
        guard key.withHubText({ table.pointee.get(raw, $0, &value) }) == 1 else { return nil }
        return Array(UnsafeBufferPointer(start: value.data, count: Int(value.length)))
    }

    /// Keeps bytes under a key; empty = removes it.
    public func store(_ key: String, _ value: [UInt8]) throws {
        guard let table = tables.store else { throw missing("a store") }
        let status = key.withHubText { key in
            value.withUnsafeBytes { table.pointee.set(raw, key, hub_bytes($0)) }
        }
        guard status == 0 else {
            throw PluginError(PluginError.Status(rawValue: status) ?? .internal, "the host does not keep '\(key)'")
        }
    }

    func missing(_ what: String) -> PluginError {
        PluginError(.unsupported, "the host does not offer \(what)")
    }

    /// Calls a fallible function of the host and throws what it says.
    func attempt(_ body: (UnsafeMutablePointer<hub_error>) -> hub_status) throws {
        var error = hub_error()
        error.struct_size = UInt32(MemoryLayout<hub_error>.size)
        error.retry_after_ms = -1
        let status = body(&error)
        guard status != 0 else { return }
        let text = withUnsafeBytes(of: &error.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        throw PluginError(
            PluginError.Status(rawValue: status) ?? .internal, text.isEmpty ? "the host refused" : text,
            retryAfterMilliseconds: error.retry_after_ms < 0 ? nil : error.retry_after_ms)
    }
}

extension hub_bytes {
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(
            data: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), length: UInt64(bytes.count))
    }
}
