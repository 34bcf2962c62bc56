import PluginABI
import PluginKit

/// A host with settings, a log and acknowledgements, as the hub hands one to a sink.
final class TestHost {
    enum Setting {
        case text(String)
        case integer(Int64)
    }

    let raw: UnsafeMutablePointer<hub_host>
    private(set) var logged: [(level: UInt32, message: String)] = []
    /// What was acknowledged, in order.
    private(set) var acknowledged: [UInt64] = []
    private var settings: [String: Setting]
    private var texts: [String: UnsafeMutablePointer<CChar>] = [:]
    private let settingsTable: UnsafeMutablePointer<hub_host_settings_1>
    private let logTable: UnsafeMutablePointer<hub_host_log_1>
    private let sinkTable: UnsafeMutablePointer<hub_host_sink_1>

    init(_ settings: [String: Setting]) {
        self.settings = settings
        raw = .allocate(capacity: 1)
        settingsTable = .allocate(capacity: 1)
        logTable = .allocate(capacity: 1)
        sinkTable = .allocate(capacity: 1)
        settingsTable.initialize(
            to: hub_host_settings_1(
                text: { host, path, value in TestHost.of(host).text(String(path), value!) },
                integer: { host, path, value in
                    guard case .integer(let integer) = TestHost.of(host).settings[String(path)] else { return 0 }
                    value!.pointee = integer
                    return 1
                },
                number: { _, _, _ in 0 },
                boolean: { _, _, _ in 0 },
                count: { _, _ in -1 },
                key: { _, _, _, _ in 0 }))
        logTable.initialize(
            to: hub_host_log_1(
                log: { host, level, message in TestHost.of(host).logged.append((level, String(message))) },
                level: { _ in 0 }))
        sinkTable.initialize(to: hub_host_sink_1(ack: { host, seq in TestHost.of(host).acknowledged.append(seq) }))
        raw.initialize(
            to: hub_host(
                struct_size: UInt32(MemoryLayout<hub_host>.size), abi_major: 0, abi_minor: 1, reserved: 0,
                data: Unmanaged.passUnretained(self).toOpaque(),
                get_extension: { host, id in
                    switch String(id) {
                    case "hub.host.settings/1": UnsafeRawPointer(TestHost.of(host).settingsTable)
                    case "hub.host.log/1": UnsafeRawPointer(TestHost.of(host).logTable)
                    case "hub.host.sink/1": UnsafeRawPointer(TestHost.of(host).sinkTable)
                    default: nil
                    }
                }))
    }

    deinit {
        for text in texts.values { text.deallocate() }
        raw.deallocate()
        settingsTable.deallocate()
        logTable.deallocate()
        sinkTable.deallocate()
    }

    private static func of(_ host: UnsafePointer<hub_host>?) -> TestHost {
        Unmanaged<TestHost>.fromOpaque(host!.pointee.data).takeUnretainedValue()
    }

    private func text(_ path: String, _ value: UnsafeMutablePointer<hub_text>) -> Int32 {
        guard case .text(let found) = settings[path] else { return 0 }
        if texts[path] == nil {
            let bytes = Array(found.utf8CString)
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            copy.initialize(from: bytes, count: bytes.count)
            texts[path] = copy
        }
        value.pointee = hub_text(data: UnsafePointer(texts[path]!), length: UInt64(found.utf8.count))
        return 1
    }
}
