public import PluginABI

/// What the hub offers an instance. Cheap to copy; keep it as a property.
///
/// Each group of functions is an extension that a host may lack: a plugin names those it cannot do without in
/// ``Descriptor/required``. Without an extension its functions do nothing, or say so in what they return.
public struct Host: @unchecked Sendable {
    // The host's tables outlive the instance and are immutable, which is why a Host may cross threads; which function
    // may be called from which is said with it.
    let raw: UnsafePointer<hub_host>
    private let emitTable: UnsafePointer<hub_host_emit_1>?
    private let timerTable: UnsafePointer<hub_host_timer_1>?
    private let logTable: UnsafePointer<hub_host_log_1>?
    private let statusTable: UnsafePointer<hub_host_status_1>?
    private let sinkTable: UnsafePointer<hub_host_sink_1>?
    let tables: NetworkTables
    /// The instance's settings, with the defaults of the schema filled in.
    public let settings: Settings

    /// Wraps the host's struct and looks up what it offers.
    public init(_ raw: UnsafePointer<hub_host>) {
        self.raw = raw
        func table<Table>(_ id: String, _ type: Table.Type) -> UnsafePointer<Table>? {
            id.withHubText { raw.pointee.get_extension(raw, $0) }?.assumingMemoryBound(to: type)
        }
        emitTable = table("hub.host.emit/1", hub_host_emit_1.self)
        timerTable = table("hub.host.timer/1", hub_host_timer_1.self)
        logTable = table("hub.host.log/1", hub_host_log_1.self)
        statusTable = table("hub.host.status/1", hub_host_status_1.self)
        sinkTable = table("hub.host.sink/1", hub_host_sink_1.self)
        tables = NetworkTables(
            websocket: table(HUB_HOST_WEBSOCKET, hub_host_websocket_1.self),
            http: table(HUB_HOST_HTTP, hub_host_http_1.self),
            secret: table(HUB_HOST_SECRET, hub_host_secret_1.self),
            metric: table(HUB_HOST_METRIC, hub_host_metric_1.self),
            store: table(HUB_HOST_STORE, hub_host_store_1.self),
            catalog: table(HUB_HOST_CATALOG, hub_host_catalog_1.self),
            query: table(HUB_HOST_QUERY, hub_host_query_1.self))
        settings = Settings(host: raw, table: table("hub.host.settings/1", hub_host_settings_1.self))
    }

    // MARK: Streams

    /// A handle for a stream the plugin discovered; the same symbol and market centre give the same handle. nil: the
    /// symbol is not one, or belongs to none of the pipelines this source serves.
    public func define(_ instrument: Instrument) -> UInt32? {
        guard let emitTable else { return nil }
        let handle = instrument.withABI { emitTable.pointee.define(raw, $0) }
        return handle == 0 ? nil : handle
    }

    /// Says type, currency and sizes of a handle that came with `want`; before its first record.
    public func describe(_ handle: UInt32, _ instrument: Instrument) throws {
        guard let emitTable else { return }
        let status = instrument.withABI { emitTable.pointee.describe(raw, handle, $0) }
        guard status == 0 else {
            throw PluginError(
                PluginError.Status(rawValue: status) ?? .internal,
                "the host refused the description of \(instrument.symbol)")
        }
    }

    /// The last position this source's data in the journal goes up to; nil = start anew. Valid from `start` on.
    public func lastPosition() -> Position? {
        guard let emitTable else { return nil }
        var position = Position(0, 0, 0)
        let found = withUnsafeMutableBytes(of: &position) { bytes in
            emitTable.pointee.last_position(
                raw, bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self))
        }
        return found == 1 ? position : nil
    }

    // MARK: Timers

    /// Calls ``Provider/timer(_:into:now:)`` at a wall time, then every so many nanoseconds by the clock (0 = once).
    /// Setting a timer again replaces it.
    public func setTimer(_ timer: UInt32, atNanoseconds: Int64, everyNanoseconds: Int64 = 0) throws {
        guard let timerTable else { throw PluginError(.unsupported, "the host has no timers") }
        let status = timerTable.pointee.set(raw, timer, atNanoseconds, everyNanoseconds)
        guard status == 0 else {
            throw PluginError(PluginError.Status(rawValue: status) ?? .internal, "the host refused timer \(timer)")
        }
    }

    /// Forgets a timer.
    public func cancelTimer(_ timer: UInt32) {
        timerTable?.pointee.cancel(raw, timer)
    }

    // MARK: Log

    /// Writes to the hub's log, from any thread. The message is not made when the level is not written.
    public func log(_ level: LogLevel, _ message: @autoclosure () -> String) {
        guard let logTable, logTable.pointee.level(raw) <= level.rawValue else { return }
        message().withHubText { logTable.pointee.log(raw, level.rawValue, $0) }
    }

    // MARK: State

    /// Says how the source is, with a reason for people.
    public func feed(_ state: FeedState, reason: String = "") {
        reason.withHubText { statusTable?.pointee.feed(raw, state.rawValue, $0) }
    }

    /// Answers `want` for one instrument.
    public func subscription(_ handle: UInt32, _ state: SubscriptionState, reason: String = "") {
        reason.withHubText { statusTable?.pointee.subscription(raw, handle, state.rawValue, $0) }
    }

    /// Says that data was lost: of these handles (none = all) and kinds, from one event time to another (nil = still
    /// being lost).
    public func gap(
        _ reason: GapReason, handles: [UInt32] = [], kinds: KindSet, fromNanoseconds: Int64, toNanoseconds: Int64?
    ) {
        handles.withUnsafeBufferPointer { list in
            statusTable?.pointee.gap(
                raw, reason.rawValue, list.isEmpty ? nil : list.baseAddress, UInt64(list.count), kinds.rawValue,
                fromNanoseconds, toNanoseconds ?? 0)
        }
    }

    // MARK: Sinks

    /// Says that everything up to a sequence number is durable, from any thread; never goes back.
    public func acknowledge(through sequence: UInt64) {
        sinkTable?.pointee.ack(raw, sequence)
    }
}

/// What a host offers to plugins that talk to vendors; nil = it does not.
struct NetworkTables {
    var websocket: UnsafePointer<hub_host_websocket_1>?
    var http: UnsafePointer<hub_host_http_1>?
    var secret: UnsafePointer<hub_host_secret_1>?
    var metric: UnsafePointer<hub_host_metric_1>?
    var store: UnsafePointer<hub_host_store_1>?
    var catalog: UnsafePointer<hub_host_catalog_1>?
    var query: UnsafePointer<hub_host_query_1>?
}

/// Levels of the log.
public enum LogLevel: UInt32, Sendable {
    case trace = 0
    case debug = 1
    case info = 2
    case warning = 3
    case error = 4
}

/// States of a source that a plugin may report. Raw values are those of `hub/record.h`.
public enum FeedState: UInt32, Sendable {
    case ok = 2
    case degraded = 3
    case reconnecting = 4
    case authenticationNeeded = 6
    case closed = 7
    case failed = 8
}

/// States of a subscription that a plugin may report.
public enum SubscriptionState: UInt32, Sendable {
    /// Active.
    case ok = 2
    /// Rejected or unsupported.
    case failed = 8
    /// Over.
    case ended = 11
}

/// Why data was lost.
public enum GapReason: UInt32, Sendable {
    case sourceDown = 1
    case sourceStale = 2
    case sourceReset = 3
    case providerLimit = 4
    case overload = 5
}
