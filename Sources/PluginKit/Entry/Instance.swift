import PluginABI

/// The Swift side of one `hub_plugin`.
///
/// `hub_plugin.data` holds this object, retained once, from `create` to `destroy`. A callback reaches it by
/// `_withUnsafeGuaranteedRef`, so a call costs no reference counting; the generic subclasses below call the author's
/// type. The functions are here rather than in a protocol because C function pointers cannot capture generic types.
class Instance {
    final let plugin: UnsafeMutablePointer<hub_plugin>
    /// What the last answer of `hub_catalog_1` points to.
    final var answer = KeptTexts()

    init() {
        plugin = .allocate(capacity: 1)
        plugin.initialize(
            to: hub_plugin(
                struct_size: UInt32(MemoryLayout<hub_plugin>.size),
                reserved: 0,
                data: nil,
                get_extension: { plugin, id in
                    Instance.with(plugin) { $0.table(String(id)) }
                },
                check_settings: { plugin, error in
                    Instance.attempt(plugin, error) { try $0.checkSettings() }
                },
                start: { plugin, now, error in
                    Instance.attempt(plugin, error) { try $0.start(Now(now)) }
                },
                stop: { plugin in
                    Instance.with(plugin) { $0.stop() }
                },
                destroy: { plugin in
                    guard let plugin, let data = plugin.pointee.data else { return }
                    Unmanaged<Instance>.fromOpaque(data).release()
                    UnsafeMutablePointer(mutating: plugin).deallocate()
                }))
        plugin.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    // Overridden by the kinds.
    func table(_ id: String) -> UnsafeRawPointer? { nil }
    func checkSettings() throws {}
    func start(_ now: Now) throws {}
    func stop() {}

    @inline(__always)
    static func with<Result>(_ plugin: UnsafePointer<hub_plugin>?, _ body: (Instance) -> Result) -> Result {
        let data = plugin.unsafelyUnwrapped.pointee.data.unsafelyUnwrapped
        return Unmanaged<Instance>.fromOpaque(data)._withUnsafeGuaranteedRef(body)
    }

    @inline(__always)
    static func attempt(
        _ plugin: UnsafePointer<hub_plugin>?, _ error: UnsafeMutablePointer<hub_error>?,
        _ body: (Instance) throws -> Void
    ) -> hub_status {
        with(plugin) { instance in
            do {
                try body(instance)
                return 0
            } catch let failure {
                return report(failure, to: error)
            }
        }
    }

    // What the kinds' function tables call; each is overridden by the one kind that hands its table out.
    func want(_ items: [Want], _ now: Now) throws {}
    func opened(_ connection: UInt32, _ output: Output, _ now: Now) throws {}
    func message(
        _ bytes: UnsafeRawBufferPointer, _ isText: Bool, _ connection: UInt32, _ output: Output, _ now: Now
    ) throws {}
    func closed(_ connection: UInt32, _ code: UInt32, _ reason: String, _ output: Output, _ now: Now) throws {}
    func refused(_ connection: UInt32, _ response: HTTPResponse, _ output: Output, _ now: Now) throws {}
    func response(_ request: UInt64, _ response: HTTPResponse, _ output: Output, _ now: Now) throws {}
    func timer(_ timer: UInt32, _ output: Output, _ now: Now) throws {}
    func query(_ query: Query, _ now: Now) throws {}
    func cancel(_ query: UInt64) {}
    func quoteBatch() -> Int { 1 }
    func querySpans() -> [QuerySpan] { [] }
    func refreshCatalog(_ now: Now) throws {}
    func listing(_ symbol: String) -> Listing? { nil }
    func symbol(_ identifier: String) -> String? { nil }
    func loginURL(_ redirect: String, _ state: String, _ now: Now) throws -> String { "" }
    func exchange(_ fields: [(name: String, value: String)], _ redirect: String, _ now: Now) throws {}
    func pull(_ budget: Int, _ output: Output, _ now: Now) throws -> PullResult { .end }
    func definitionCount() -> UInt32 { 0 }
    func definition(_ index: UInt32, _ out: UnsafeMutablePointer<hub_definition>) -> Bool { false }
    func open(_ series: UInt32, _ definition: Int, _ interval: UInt32) throws {}
    func update(_ bars: UnsafeBufferPointer<hub_series_bar>, _ output: Output, _ now: Now) throws {}
    func peek(_ bars: UnsafeBufferPointer<hub_series_bar>, _ output: Output, _ now: Now) throws {}
    func save(_ series: UInt32, _ writer: StateWriter) throws {}
    func load(_ series: UInt32, _ state: UnsafeRawBufferPointer) throws {}
    func write(_ batch: SinkBatch, _ now: Now) throws {}
    func flush(_ deadline: Int64) throws {}
    func hole(_ first: UInt64, _ last: UInt64) {}
}
