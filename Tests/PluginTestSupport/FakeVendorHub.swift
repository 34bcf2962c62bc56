package import PluginABI
package import PluginKit

/// One instance of a provider that talks to a vendor, run through the ABI: a test plays the vendor and the clock.
package final class FakeVendorHub {
    package let host: FakeHost
    package let plugin: UnsafePointer<hub_plugin>
    package let provider: UnsafePointer<hub_provider_1>
    private let memory: UnsafeMutableRawPointer
    private static let capacity = 4 << 20
    /// Everything emitted, whole records.
    package private(set) var bytes: [UInt8] = []
    package var now: Int64

    package init(_ registration: Registration, _ settings: Setting, now: Int64) throws {
        host = FakeHost(settings)
        self.now = now
        memory = .allocate(byteCount: Self.capacity, alignment: 64)
        var error = hub_error()
        guard let plugin = registration.create(host: host.raw, error: &error) else { throw Refusal(11, error) }
        self.plugin = plugin
        provider = HUB_PROVIDER_EXTENSION.withHubText { plugin.pointee.get_extension(plugin, $0) }!
            .assumingMemoryBound(to: hub_provider_1.self)
    }

    deinit {
        plugin.pointee.stop(plugin)
        plugin.pointee.destroy(plugin)
        memory.deallocate()
    }

    private var time: hub_now { hub_now(wall_ns: now, mono_ns: now) }

    private func attempt(_ body: (UnsafeMutablePointer<hub_error>) -> hub_status) throws {
        var error = hub_error()
        error.struct_size = UInt32(MemoryLayout<hub_error>.size)
        let status = body(&error)
        guard status == 0 else { throw Refusal(status, error) }
    }

    /// Runs a callback that may emit; what it emitted is taken only when it succeeds.
    private func emit(_ body: (UnsafeMutablePointer<hub_out>, UnsafeMutablePointer<hub_error>) -> hub_status) throws {
        var out = hub_out(
            at: memory.assumingMemoryBound(to: UInt8.self),
            end: (memory + Self.capacity).assumingMemoryBound(to: UInt8.self), host: nil, more: { _, _ in 0 })
        try attempt { error in body(&out, error) }
        let count = UnsafeRawPointer(out.at!) - UnsafeRawPointer(memory)
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: memory, count: count))
    }

    /// What was emitted since the last call of this.
    package func take() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    package func check() throws { try attempt { plugin.pointee.check_settings(plugin, $0) } }

    package func start() throws { try attempt { plugin.pointee.start(plugin, time, $0) } }

    /// Wants these kinds of these symbols; a symbol keeps its handle, from 1 on.
    package func want(_ symbols: [String], kinds: KindSet) throws {
        let items = symbols.map { symbol in
            let handle: Int
            if let known = host.streams.firstIndex(where: { $0.symbol == symbol && $0.marketCentre.isEmpty }) {
                handle = known + 1
            } else {
                host.streams.append((symbol, ""))
                handle = host.streams.count
            }
            return hub_want(
                struct_size: UInt32(MemoryLayout<hub_want>.size), handle: UInt32(handle), kinds: kinds.rawValue,
                reserved: 0, symbol: host.lasting(symbol))
        }
        try attempt { provider.pointee.want(plugin, items, UInt64(items.count), time, $0) }
    }

    package func opened(_ connection: UInt32) throws {
        try emit { provider.pointee.on_open(plugin, connection, $0, time, $1) }
    }

    package func message(_ message: [UInt8], isText: Bool, on connection: UInt32) throws {
        try message.withUnsafeBytes { try self.message($0, isText: isText, on: connection) }
    }

    package func message(_ message: UnsafeRawBufferPointer, isText: Bool, on connection: UInt32) throws {
        try emit { provider.pointee.on_message(plugin, connection, isText ? 1 : 0, hub_bytes(message), $0, time, $1) }
    }

    package func closed(_ connection: UInt32, code: UInt32, reason: String = "") throws {
        try reason.withHubText { reason in
            try emit { provider.pointee.on_close(plugin, connection, code, reason, $0, time, $1) }
        }
    }

    package func refused(_ connection: UInt32, status: UInt32, body: String = "") throws {
        try Array(body.utf8).withUnsafeBytes { body in
            try answer(status, [], body) { response, out, error in
                provider.pointee.on_refused(plugin, connection, response, out, time, error)
            }
        }
    }

    package func response(
        _ request: UInt64, status: UInt32, headers: [(String, String)] = [], body: [UInt8], failure: Int32 = 0
    ) throws {
        try body.withUnsafeBytes { body in
            try response(request, status: status, headers: headers, body: body, failure: failure)
        }
    }

    package func response(
        _ request: UInt64, status: UInt32, headers: [(String, String)] = [], body: UnsafeRawBufferPointer,
        failure: Int32 = 0
    ) throws {
        try answer(status, headers, body, failure) { response, out, error in
            provider.pointee.on_response(plugin, request, response, out, time, error)
        }
    }

    package func timer(_ timer: UInt32) throws {
        try emit { provider.pointee.on_timer(plugin, timer, $0, time, $1) }
    }

    /// Fires the timers that are due by a time, in order, and moves the clock there.
    package func run(to time: Int64) throws {
        while let next = host.vendor.timers.filter({ $0.value.at <= time }).min(by: { $0.value.at < $1.value.at }) {
            now = max(now, next.value.at)
            if next.value.period > 0 {
                host.vendor.timers[next.key]?.at += next.value.period
            } else {
                host.vendor.timers[next.key] = nil
            }
            try timer(next.key)
        }
        now = time
    }

    private func answer(
        _ status: UInt32, _ headers: [(String, String)], _ body: UnsafeRawBufferPointer, _ failure: Int32 = 0,
        _ call: (UnsafePointer<hub_response>, UnsafeMutablePointer<hub_out>, UnsafeMutablePointer<hub_error>)
            -> hub_status
    ) throws {
        let names = headers.map { host.lasting($0.0) }
        let values = headers.map { host.lasting($0.1) }
        try names.withUnsafeBufferPointer { names in
            try values.withUnsafeBufferPointer { values in
                var response = hub_response()
                response.struct_size = UInt32(MemoryLayout<hub_response>.size)
                response.http_status = status
                response.status = failure
                response.header_names = names.baseAddress
                response.header_values = values.baseAddress
                response.header_count = UInt64(headers.count)
                response.body = hub_bytes(body)
                try emit { call(&response, $0, $1) }
            }
        }
    }

    // MARK: Extensions

    private func table<Table>(_ id: String, _ type: Table.Type) -> UnsafePointer<Table>? {
        id.withHubText { plugin.pointee.get_extension(plugin, $0) }?.assumingMemoryBound(to: type)
    }

    /// Asks; the answer is in `host.vendor.answers`.
    package func query(_ query: Query) throws {
        let table = table(HUB_QUERY_EXTENSION, hub_query_1.self)!
        let symbols = query.symbols.map { host.lasting($0) }
        try symbols.withUnsafeBufferPointer { symbols in
            var raw = hub_query()
            raw.struct_size = UInt32(MemoryLayout<hub_query>.size)
            raw.kind = query.kind.rawValue
            raw.id = query.identifier
            raw.symbols = symbols.baseAddress
            raw.symbol_count = UInt64(symbols.count)
            raw.text = host.lasting(query.text)
            raw.interval = query.interval
            raw.limit = UInt32(query.limit ?? 0)
            raw.from_ns = query.fromNanoseconds ?? 0
            raw.to_ns = query.toNanoseconds ?? 0
            raw.next = host.lasting(query.next)
            raw.deadline_ns = query.deadlineNanoseconds
            try attempt { table.pointee.query(plugin, &raw, time, $0) }
        }
    }

    package func refreshCatalog() throws {
        let table = table(HUB_CATALOG_EXTENSION, hub_catalog_1.self)!
        try attempt { table.pointee.refresh(plugin, time, $0) }
    }

    package func symbol(of identifier: String) throws -> String {
        let table = table(HUB_CATALOG_EXTENSION, hub_catalog_1.self)!
        var symbol = hub_text()
        try attempt { table.pointee.find(plugin, host.lasting(identifier), &symbol, $0) }
        return String(symbol)
    }

    package func exchange(_ fields: [(String, String)], redirect: String) throws {
        let table = table(HUB_LOGIN_EXTENSION, hub_login_1.self)!
        let names = fields.map { host.lasting($0.0) }
        let values = fields.map { host.lasting($0.1) }
        try attempt {
            table.pointee.exchange(plugin, host.lasting(redirect), names, values, UInt64(fields.count), time, $0)
        }
    }

    package func loginURL(redirect: String, state: String) throws -> String {
        let table = table(HUB_LOGIN_EXTENSION, hub_login_1.self)!
        let text = Text()
        var writer = hub_writer(
            host: Unmanaged.passUnretained(text).toOpaque(),
            write: { writer, data, length in
                Unmanaged<Text>.fromOpaque(writer!.pointee.host!).takeUnretainedValue().bytes
                    .append(contentsOf: UnsafeRawBufferPointer(start: data, count: Int(length)))
                return 1
            })
        try attempt {
            table.pointee.url(plugin, host.lasting(redirect), host.lasting(state), &writer, time, $0)
        }
        return String(decoding: text.bytes, as: UTF8.self)
    }

    private final class Text { var bytes: [UInt8] = [] }
}

extension hub_bytes {
    fileprivate init(_ bytes: UnsafeRawBufferPointer) {
        self.init(data: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), length: UInt64(bytes.count))
    }
}
