import PluginABI

class ProviderInstance<P: Provider>: Instance {
    final var author: P

    init(_ author: P) {
        self.author = author
        super.init()
    }

    override func table(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case HUB_PROVIDER_EXTENSION: UnsafeRawPointer(Tables.provider)
        case HUB_QUERY_EXTENSION where P.self is any QueryProvider.Type: UnsafeRawPointer(Tables.query)
        case HUB_CATALOG_EXTENSION where P.self is any CatalogProvider.Type: UnsafeRawPointer(Tables.catalog)
        case HUB_LOGIN_EXTENSION where P.self is any LoginProvider.Type: UnsafeRawPointer(Tables.login)
        default: nil
        }
    }
    override func checkSettings() throws { try author.checkSettings() }
    override func start(_ now: Now) throws { try author.start(now: now) }
    override func stop() { author.stop() }
    override func want(_ items: [Want], _ now: Now) throws { try author.want(items, now: now) }
    override func opened(_ connection: UInt32, _ output: Output, _ now: Now) throws {
        try author.opened(connection: connection, into: output, now: now)
    }
    override func message(
        _ bytes: UnsafeRawBufferPointer, _ isText: Bool, _ connection: UInt32, _ output: Output, _ now: Now
    ) throws {
        try author.message(bytes, isText: isText, connection: connection, into: output, now: now)
    }
    override func closed(_ connection: UInt32, _ code: UInt32, _ reason: String, _ output: Output, _ now: Now) throws {
        try author.closed(connection: connection, code: code, reason: reason, into: output, now: now)
    }
    override func refused(_ connection: UInt32, _ response: HTTPResponse, _ output: Output, _ now: Now) throws {
        try author.refused(connection: connection, response: response, into: output, now: now)
    }
    override func response(_ request: UInt64, _ response: HTTPResponse, _ output: Output, _ now: Now) throws {
        try author.response(response, request: request, into: output, now: now)
    }
    override func timer(_ timer: UInt32, _ output: Output, _ now: Now) throws {
        try author.timer(timer, into: output, now: now)
    }
    override func query(_ query: Query, _ now: Now) throws { try author.query(query, now: now) }
    override func cancel(_ query: UInt64) { author.cancel(query: query) }
    override func quoteBatch() -> Int { P.quoteBatch }
    override func querySpans() -> [QuerySpan] { P.querySpans }
    override func refreshCatalog(_ now: Now) throws { try author.refreshCatalog(now: now) }
    override func listing(_ symbol: String) -> Listing? { author.listing(of: symbol) }
    override func symbol(_ identifier: String) -> String? { author.symbol(of: identifier) }
    override func loginURL(_ redirect: String, _ state: String, _ now: Now) throws -> String {
        try author.loginURL(redirect: redirect, state: state, now: now)
    }
    override func exchange(_ fields: [(name: String, value: String)], _ redirect: String, _ now: Now) throws {
        try author.exchange(fields, redirect: redirect, now: now)
    }
}

final class PullProviderInstance<P: PullProvider>: ProviderInstance<P> {
    override func table(_ id: String) -> UnsafeRawPointer? {
        id == "hub.provider.pull/1" ? UnsafeRawPointer(Tables.pull) : super.table(id)
    }
    override func pull(_ budget: Int, _ output: Output, _ now: Now) throws -> PullResult {
        try author.pull(budget: budget, into: output, now: now)
    }
}

extension Tables {
    nonisolated(unsafe) static let provider = Immortal.value(
        hub_provider_1(
            want: { plugin, items, count, now, error in
                Instance.attempt(plugin, error) { try $0.want(Want.list(items, count), Now(now)) }
            },
            on_open: { plugin, connection, out, now, error in
                Instance.attempt(plugin, error) { try $0.opened(connection, Output(out!), Now(now)) }
            },
            on_message: { plugin, connection, isText, message, out, now, error in
                let bytes = UnsafeRawBufferPointer(start: message.data, count: Int(message.length))
                return Instance.attempt(plugin, error) {
                    try $0.message(bytes, isText != 0, connection, Output(out!), Now(now))
                }
            },
            on_close: { plugin, connection, code, reason, out, now, error in
                Instance.attempt(plugin, error) {
                    try $0.closed(connection, code, String(reason), Output(out!), Now(now))
                }
            },
            on_refused: { plugin, connection, response, out, now, error in
                Instance.attempt(plugin, error) {
                    try $0.refused(connection, HTTPResponse(response!), Output(out!), Now(now))
                }
            },
            on_response: { plugin, request, response, out, now, error in
                Instance.attempt(plugin, error) {
                    try $0.response(request, HTTPResponse(response!), Output(out!), Now(now))
                }
            },
            on_timer: { plugin, timer, out, now, error in
                Instance.attempt(plugin, error) { try $0.timer(timer, Output(out!), Now(now)) }
            }))

    nonisolated(unsafe) static let pull = Immortal.value(
        hub_provider_pull_1(
            pull: { plugin, budget, next, out, now, error in
                Instance.attempt(plugin, error) { instance in
                    switch try instance.pull(Int(budget), Output(out!), Now(now)) {
                    case .more:
                        next!.pointee.what = 1
                    case .until(let time):
                        next!.pointee.what = 2
                        next!.pointee.until_ns = time
                    case .end:
                        next!.pointee.what = 3
                    }
                }
            }))
}

/// The function tables: one of each for the whole image, made once, never freed.
enum Tables {}
