import HubCapture
import HubNet
import PluginABI

/// The tables for plugins that talk to vendors.
extension HostServices {
    static func networkTable(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case HUB_HOST_WEBSOCKET: UnsafeRawPointer(websocket)
        case HUB_HOST_HTTP: UnsafeRawPointer(http)
        case HUB_HOST_SECRET: UnsafeRawPointer(secret)
        case HUB_HOST_METRIC: UnsafeRawPointer(metric)
        case HUB_HOST_STORE: UnsafeRawPointer(store)
        default: nil
        }
    }

    static let networkExtensions = [
        HUB_HOST_WEBSOCKET, HUB_HOST_HTTP, HUB_HOST_SECRET, HUB_HOST_METRIC, HUB_HOST_STORE,
    ]

    private static var now: hub_now { hub_now(wall_ns: WallClock.now, mono_ns: MonotonicClock.now) }

    /// Runs what may fail and tells the plugin how.
    private static func attempt(
        _ error: UnsafeMutablePointer<hub_error>?, _ body: () throws(PluginFailure) -> Void
    ) -> hub_status {
        do throws(PluginFailure) {
            try body()
            return hub_status(HUB_OK)
        } catch let failure {
            return failure.text.withCString { hub_fail(error, failure.status, $0) }
        }
    }

    private static func link(_ host: UnsafePointer<hub_host>?) throws(PluginFailure) -> VendorLink {
        guard let link = context(host).link else {
            throw PluginFailure(
                status: hub_status(HUB_UNSUPPORTED),
                text: "there is no network in lockstep (hub.clock: virtual): use recorded sources")
        }
        return link
    }

    // MARK: Connections

    nonisolated(unsafe) private static let websocket = table(
        hub_host_websocket_1(
            open: { host, connection, request, error in
                attempt(error) { () throws(PluginFailure) in
                    guard let request, let wish = VendorConnection(request) else {
                        throw PluginFailure(status: hub_status(HUB_INTERNAL), text: "the request is not readable")
                    }
                    let key = "\(connection) \(CaptureMask.address(wish.request.url))"
                    try context(host).noted(.connect, key) { () throws(PluginFailure) in
                        try link(host).open(connection, wish, now: now)
                    }
                }
            },
            send: { host, connection, isText, message in
                let context = context(host)
                if let playback = context.playback { return playback.send(connection) }
                guard let link = context.link else { return hub_status(HUB_UNSUPPORTED) }
                let status = hub_status(
                    link.send(
                        connection, isText: isText != 0,
                        UnsafeRawBufferPointer(start: message.data, count: Int(message.length))))
                if Int(status) != HUB_OK { context.tap?.take(CaptureReply(.send, "\(connection)", status: status)) }
                return status
            },
            close: { host, connection, code, reason in
                context(host).link?.close(
                    connection, code: UInt16(truncatingIfNeeded: code), reason: String(checked: reason) ?? "", now: now)
            }))

    // MARK: Requests

    nonisolated(unsafe) private static let http = table(
        hub_host_http_1(
            send: { host, number, request, error in
                attempt(error) { () throws(PluginFailure) in
                    guard let request, let request = VendorRequest(request) else {
                        throw PluginFailure(status: hub_status(HUB_INTERNAL), text: "the request is not readable")
                    }
                    let key = "\(number) \(request.http.method) \(CaptureMask.address(request.http.url))"
                    try context(host).noted(.request, key, request: number) { () throws(PluginFailure) in
                        try link(host).request(number, request, now: now)
                    }
                }
            },
            cancel: { host, number in context(host).link?.cancel(number, now: now) },
            limited: { host, rateClass, until in
                guard let rateClass = String(checked: rateClass) else { return }
                context(host).link?.limited(rateClass, untilWallNanoseconds: until, now: now)
            }))

    // MARK: Secrets

    nonisolated(unsafe) private static let secret = table(
        hub_host_secret_1(
            derive: { host, how, parts, count, token in
                guard let how = SecretBook.Derivation(rawValue: how), let parts, (1...16).contains(count) else {
                    return hub_status(HUB_UNSUPPORTED)
                }
                var texts: [String] = []
                for index in 0..<Int(count) {
                    guard let text = String(checked: parts[index]) else { return hub_status(HUB_INTERNAL) }
                    texts.append(text)
                }
                let context = context(host)
                token?.pointee = context.lasting(context.secrets.derive(how, texts))
                return hub_status(HUB_OK)
            },
            kept: { host, name, token, expires in
                let context = context(host)
                guard let name = String(checked: name), let kept = context.kept(name) else { return 0 }
                token?.pointee = context.lasting(kept.token)
                expires?.pointee = kept.expiresNanoseconds
                return 1
            },
            forget: { host, name in
                guard let name = String(checked: name) else { return }
                context(host).secrets.forget(name)
            },
            login_done: { host, status, reason in
                context(host).loginEnded(status: status, reason: String(checked: reason) ?? "")
            }))

    // MARK: Metrics and texts that last

    nonisolated(unsafe) private static let metric = table(
        hub_host_metric_1(
            count: { host, name, by in
                guard let name = String(checked: name) else { return }
                context(host).metrics.count(name, by: by)
            },
            gauge: { host, name, value in
                guard let name = String(checked: name) else { return }
                context(host).metrics.gauge(name, value)
            }))

    nonisolated(unsafe) private static let store = table(
        hub_host_store_1(
            get: { host, key, value in
                guard let key = String(checked: key), let bytes = context(host).recalled(key) else { return 0 }
                value?.pointee = bytes
                return 1
            },
            set: { host, key, value in
                guard let key = String(checked: key), (1...128).contains(key.utf8.count), value.length <= 1 << 20 else {
                    return hub_status(HUB_CONFIG)
                }
                let bytes = Array(UnsafeBufferPointer(start: value.data, count: Int(value.length)))
                return context(host).keep(bytes, key) ? hub_status(HUB_OK) : hub_status(HUB_INTERNAL)
            }))
}
