import Glibc
import HubModel
import Logging
import PluginABI

/// The host's side of the ABI: one table an extension, the same for all instances; `hub_host.data` is an
/// `InstanceContext`.
enum HostServices {
    /// A host for one instance, in memory that stays.
    static func makeHost(_ context: InstanceContext) -> UnsafePointer<hub_host> {
        let host = UnsafeMutablePointer<hub_host>.allocate(capacity: 1)
        host.initialize(
            to: hub_host(
                struct_size: UInt32(MemoryLayout<hub_host>.size), abi_major: UInt32(HUB_ABI_MAJOR),
                abi_minor: UInt32(HUB_ABI_MINOR), reserved: 0, data: Unmanaged.passRetained(context).toOpaque(),
                get_extension: { _, id in
                    guard let id = String(checked: id) else { return nil }
                    switch id {
                    case HUB_HOST_EMIT: return UnsafeRawPointer(HostServices.emit)
                    case HUB_HOST_SETTINGS: return UnsafeRawPointer(HostServices.settings)
                    case HUB_HOST_TIMER: return UnsafeRawPointer(HostServices.timer)
                    case HUB_HOST_LOG: return UnsafeRawPointer(HostServices.log)
                    case HUB_HOST_STATUS: return UnsafeRawPointer(HostServices.status)
                    case HUB_HOST_SINK: return UnsafeRawPointer(HostServices.sink)
                    case HUB_HOST_QUERY: return UnsafeRawPointer(HostServices.query)
                    case HUB_HOST_CATALOG: return UnsafeRawPointer(HostServices.catalog)
                    default: return HostServices.networkTable(id)
                    }
                }))
        return UnsafePointer(host)
    }

    static func context(_ host: UnsafePointer<hub_host>?) -> InstanceContext {
        Unmanaged<InstanceContext>.fromOpaque(host!.pointee.data!).takeUnretainedValue()
    }

    /// Puts a table into memory that stays.
    static func table<T>(_ table: T) -> UnsafePointer<T> {
        let place = UnsafeMutablePointer<T>.allocate(capacity: 1)
        place.initialize(to: table)
        return UnsafePointer(place)
    }

    // MARK: Emit

    nonisolated(unsafe) private static let emit = table(
        hub_host_emit_1(
            define: { host, instrument in
                let context = context(host)
                guard let instrument = instrument?.pointee, let symbol = String(checked: instrument.symbol),
                    (try? Symbol(symbol)) != nil, let centre = String(checked: instrument.market_centre),
                    context.mayDefine(symbol, centre)
                else { return 0 }
                let handle = context.handle(symbol: symbol, marketCentre: centre)
                _ = context.describe(handle, instrument)
                return handle
            },
            describe: { host, handle, instrument in
                guard let instrument = instrument?.pointee else { return hub_status(HUB_INTERNAL) }
                return context(host).describe(handle, instrument) ? hub_status(HUB_OK) : hub_status(HUB_NOT_FOUND)
            },
            last_position: { host, data in
                guard let position = context(host).lastPosition, let data, position.count == 24 else { return 0 }
                _ = position.withUnsafeBytes { memcpy(data, $0.baseAddress!, 24) }
                return 1
            }))

    // MARK: Settings

    nonisolated(unsafe) private static let settings = table(
        hub_host_settings_1(
            text: { host, path, value in
                guard let path = String(checked: path), let text = context(host).text(path) else { return 0 }
                value?.pointee = text
                return 1
            },
            integer: { host, path, value in
                guard let path = String(checked: path), let integer = context(host).settings.integer(path) else {
                    return 0
                }
                value?.pointee = integer
                return 1
            },
            number: { host, path, value in
                guard let path = String(checked: path),
                    let number = context(host).settings.tree[pointer: path]?.numberValue
                else { return 0 }
                value?.pointee = number
                return 1
            },
            boolean: { host, path, value in
                guard let path = String(checked: path), let bool = context(host).settings.tree[pointer: path]?.boolValue
                else {
                    return 0
                }
                value?.pointee = bool ? 1 : 0
                return 1
            },
            count: { host, path in
                guard let path = String(checked: path), let tree = context(host).settings.tree[pointer: path] else {
                    return -1
                }
                if let list = tree.listValue { return Int64(list.count) }
                if let map = tree.mapValue { return Int64(map.count) }
                return -1
            },
            key: { host, path, index, key in
                guard let path = String(checked: path), index < 1 << 32, let text = context(host).key(path, Int(index))
                else {
                    return 0
                }
                key?.pointee = text
                return 1
            }))

    // MARK: Timer, log, status, sink

    nonisolated(unsafe) private static let timer = table(
        hub_host_timer_1(
            set: { host, timer, at, period in
                // Times outside these make no sense, and sums of them would not fit.
                guard at >= 0, at < 1 << 62, period >= 0, period < 1 << 62 else { return hub_status(HUB_CONFIG) }
                context(host).setTimer(.init(timer: timer, atNanoseconds: at, periodNanoseconds: period))
                return hub_status(HUB_OK)
            },
            cancel: { host, timer in
                context(host).setTimer(.init(timer: timer, atNanoseconds: nil, periodNanoseconds: 0))
            }))

    nonisolated(unsafe) private static let log = table(
        hub_host_log_1(
            log: { host, level, message in
                let context = context(host)
                guard context.logger.logLevel <= HostServices.level(level) else { return }
                context.log(HostServices.level(level), String(checked: message) ?? "(a message that is no UTF-8)")
            },
            level: { host in
                switch context(host).logger.logLevel {
                case .trace: UInt32(HUB_LOG_TRACE)
                case .debug: UInt32(HUB_LOG_DEBUG)
                case .info, .notice: UInt32(HUB_LOG_INFO)
                case .warning: UInt32(HUB_LOG_WARNING)
                case .error, .critical: UInt32(HUB_LOG_ERROR)
                }
            }))

    private static func level(_ level: UInt32) -> Logger.Level {
        switch Int(level) {
        case HUB_LOG_TRACE: .trace
        case HUB_LOG_DEBUG: .debug
        case HUB_LOG_INFO: .info
        case HUB_LOG_WARNING: .warning
        default: .error
        }
    }

    nonisolated(unsafe) private static let status = table(
        hub_host_status_1(
            feed: { host, state, reason in
                context(host).notice(
                    .feed(state: UInt8(truncatingIfNeeded: state), reason: String(checked: reason) ?? ""))
            },
            subscription: { host, handle, state, reason in
                context(host).notice(
                    .subscription(
                        handle: handle, state: UInt8(truncatingIfNeeded: state), reason: String(checked: reason) ?? ""))
            },
            gap: { host, reason, handles, count, kinds, from, to in
                let list = handles.map { Array(UnsafeBufferPointer(start: $0, count: Int(count))) } ?? []
                context(host).notice(
                    .gap(
                        reason: UInt8(truncatingIfNeeded: reason), handles: list, kinds: kinds, fromNanoseconds: from,
                        toNanoseconds: to))
            }))

    nonisolated(unsafe) private static let sink = table(
        hub_host_sink_1(ack: { host, seq in context(host).acknowledge(seq) }))
}
